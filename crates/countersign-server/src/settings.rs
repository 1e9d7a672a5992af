//! What the server can be told: one table declares each setting once; the command line, the environment, the file,
//! `--help`, `countersign config` and docs/configuration.md are made from it.

mod value;
mod table;
mod source;
mod flags;
mod reference;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::http::Uri;
use countersign::entity::EntityKinds;
use countersign::password_rules::{BreachedRange, PasswordList, PasswordRules};
use countersign::{Profile, Registration, Throttling};
use countersign_axum::ErrorStyle;
use countersign_password::{Argon2Params, HashPool, Hasher, Kernel, ParamsError, Peppers, Policy, PoolSettings};
use countersign_token::{Algorithm, ScopeSet};
use tracing::level_filters::LevelFilter;

pub use flags::{flags, given};
pub use reference::reference;
pub use source::{Configuration, Given, Origin};
pub use table::{CONFIG_FILE_VARIABLE, Setting, TABLE};

use crate::allowance;
use crate::breached::RangeService;
use crate::cors::AllowedOrigins;
use crate::database::{Address, DatabasePassword};
use crate::traces::Collector;
use crate::transport::{Limits, TrustedProxies};

/// Every setting with its value. [`Settings::default`] is what holds when nothing is said.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The certificates that the server shows.
    pub tls_certificate: Option<PathBuf>,
    /// The key of the first of them.
    pub tls_key: Option<PathBuf>,
    /// Where to serve metrics.
    pub metrics: Option<SocketAddr>,
    /// Where to send traces.
    pub traces: Option<Collector>,
    /// One of so many traces is sent.
    pub traces_one_of: u32,
    /// The data directory; absolute once a [`Configuration`] is loaded.
    pub data: PathBuf,
    /// Where the database is, if not in the data directory; without what stands in the next two.
    pub database: Option<Address>,
    /// The password of the database, and the file that it was read from.
    pub database_password: Option<(PathBuf, DatabasePassword)>,
    /// Connections to the database at one time.
    pub database_connections: usize,
    /// The URL that stands in `iss`; without it, that of the address listened on.
    pub issuer: Option<String>,
    /// What stands in `aud`; without it, the issuer.
    pub audience: Option<String>,
    /// Who may say for whom it asks.
    pub trusted_proxies: TrustedProxies,
    /// Whose pages may read answers.
    pub allowed_origins: AllowedOrigins,
    /// Whether anybody may register.
    pub registration: Registration,
    /// How often somebody may guess, and register.
    pub throttling: Throttling,
    /// How errors look on the wire.
    pub error_style: ErrorStyle,
    /// How long access tokens live.
    pub access_token_lifetime: Duration,
    /// Whether sessions can be refreshed.
    pub refresh_tokens: bool,
    /// How long a session lives that is refreshed again and again.
    pub refresh_token_lifetime: Duration,
    /// How long a refresh token lives that nobody uses.
    pub refresh_token_idle: Duration,
    /// The kinds of things that tokens can be made for, and what can be done with them.
    pub entities: EntityKinds,
    /// The longest life of a token for a thing.
    pub entity_token_lifetime: Duration,
    /// The algorithm of new signing keys.
    pub algorithm: Algorithm,
    /// How long a signing key signs.
    pub signing_key_lifetime: Duration,
    /// How long others may keep the published keys.
    pub keys_max_age: Duration,
    /// Which protocol is spoken.
    pub profile: Profile,
    /// The scopes of users who register, and of `user add` without `--scope`.
    pub default_scopes: ScopeSet,
    /// Passwords that nobody may choose, and the file that they were read from.
    pub password_list: Option<(PathBuf, Arc<PasswordList>)>,
    /// The service that knows breached passwords.
    pub breached_passwords: Option<RangeService>,
    /// Secret keys that go into password hashes, and the file that they were read from.
    pub peppers: Option<(PathBuf, Peppers)>,
    /// KiB of memory of a new password hash.
    pub hash_memory_kib: u32,
    /// Passes of a new password hash over its memory.
    pub hash_iterations: u32,
    /// Lanes of a new password hash.
    pub hash_parallelism: u32,
    /// Whether password hashes that other programs made are replaced at the next login.
    pub replace_foreign_hashes: bool,
    /// What computes Argon2id.
    pub hash_kernel: Kernel,
    /// How much hashing may go on at once.
    pub hashing: PoolSettings,
    /// Connections at one time.
    pub max_connections: usize,
    /// How long a record of the audit log is kept.
    pub audit_lifetime: Duration,
    /// How much is logged.
    pub log: LevelFilter,
}

impl Default for Settings {
    fn default() -> Self {
        let library = countersign::Settings::new("");
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
            tls_certificate: None,
            tls_key: None,
            metrics: None,
            traces: None,
            traces_one_of: 1,
            data: PathBuf::from("countersign-data"),
            database: None,
            database_password: None,
            database_connections: 16,
            issuer: None,
            audience: None,
            trusted_proxies: TrustedProxies::default(),
            allowed_origins: AllowedOrigins::default(),
            registration: library.registration,
            throttling: library.throttling,
            error_style: library.error_style,
            access_token_lifetime: Duration::from_secs(library.access_token_lifetime_s.unsigned_abs()),
            refresh_tokens: library.refresh_tokens,
            refresh_token_lifetime: Duration::from_secs(library.refresh_token_lifetime_s.unsigned_abs()),
            refresh_token_idle: Duration::from_secs(library.refresh_token_idle_s.unsigned_abs()),
            entities: library.entities,
            entity_token_lifetime: Duration::from_secs(library.entity_token_lifetime_s.unsigned_abs()),
            algorithm: library.algorithm,
            signing_key_lifetime: Duration::from_secs(library.signing_key_lifetime_s.unsigned_abs()),
            keys_max_age: Duration::from_secs(library.keys_max_age_s.unsigned_abs()),
            profile: library.profile,
            default_scopes: library.default_scopes,
            password_list: None,
            breached_passwords: None,
            peppers: None,
            hash_memory_kib: Argon2Params::OWASP.memory_kib(),
            hash_iterations: Argon2Params::OWASP.iterations(),
            hash_parallelism: Argon2Params::OWASP.parallelism(),
            replace_foreign_hashes: Policy::default().replaces_foreign,
            hash_kernel: Kernel::default(),
            hashing: *POOL,
            max_connections: Limits::default().connections,
            audit_lifetime: Duration::from_secs(library.audit_lifetime_s.unsigned_abs()),
            log: LevelFilter::INFO,
        }
    }
}

impl Settings {
    /// The address of the database, with everything that is set about it.
    pub fn database_address(&self) -> Option<Address> {
        let address = self.database.clone()?.connections(self.database_connections);
        Some(match &self.database_password {
            Some((_, password)) => address.password(password.text()),
            None => address,
        })
    }

    /// The issuer when the server listens on `address`.
    pub fn issuer_at(&self, mut address: SocketAddr) -> String {
        if let Some(issuer) = &self.issuer {
            return issuer.clone();
        }
        // Every interface is no address that anybody can call.
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("{}://{address}", if self.speaks_tls() { "https" } else { "http" })
    }

    /// Whether the server itself encrypts.
    pub fn speaks_tls(&self) -> bool {
        self.tls_certificate.is_some() && self.tls_key.is_some()
    }

    /// Whether callers from other machines speak plain HTTP to a server that listens on `address`.
    pub fn is_plain_and_remote(&self, address: SocketAddr) -> bool {
        if self.speaks_tls() {
            return false;
        }
        let uri = self.issuer_at(address).parse::<Uri>().unwrap_or_default();
        if uri.scheme_str() == Some("https") {
            return false;
        }
        !address.ip().is_loopback() || !uri.host().is_some_and(is_loopback)
    }

    /// What the library is told about tokens and accounts.
    pub fn of_accounts(&self, issuer: &str) -> countersign::Settings {
        countersign::Settings {
            audience: self.audience.clone().unwrap_or_else(|| issuer.to_owned()),
            access_token_lifetime_s: seconds(self.access_token_lifetime),
            refresh_tokens: self.refresh_tokens,
            refresh_token_lifetime_s: seconds(self.refresh_token_lifetime),
            refresh_token_idle_s: seconds(self.refresh_token_idle),
            entities: self.entities.clone(),
            entity_token_lifetime_s: seconds(self.entity_token_lifetime),
            algorithm: self.algorithm,
            signing_key_lifetime_s: seconds(self.signing_key_lifetime),
            keys_max_age_s: seconds(self.keys_max_age),
            registration: self.registration,
            throttling: self.throttling,
            profile: self.profile,
            error_style: self.error_style,
            default_scopes: self.default_scopes.clone(),
            password_rules: self.password_rules(issuer),
            audit_lifetime_s: seconds(self.audit_lifetime),
            ..countersign::Settings::new(issuer)
        }
    }

    /// The rules for new passwords. The names of the service are those in its URL.
    pub fn password_rules(&self, issuer: &str) -> PasswordRules {
        let host = issuer.split("://").last().and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
        let service_words = host.split('.').chain(["countersign"]).map(str::to_owned).collect();
        let list = self.password_list.as_ref().map(|(_, list)| Arc::clone(list));
        let breached = self.breached_passwords.clone().map(|service| Arc::new(service) as Arc<dyn BreachedRange>);
        PasswordRules { service_words, list, breached, ..PasswordRules::default() }
    }

    /// What hashes passwords, at the cost that is set, and which stored hashes it replaces.
    pub fn hasher(&self) -> Result<Hasher, ParamsError> {
        let argon2 = Argon2Params::new(self.hash_memory_kib, self.hash_iterations, self.hash_parallelism)?;
        let policy = Policy::new(argon2);
        let policy = if self.replace_foreign_hashes { policy } else { policy.keep_foreign() };
        let peppers = self.peppers.as_ref().map(|(_, peppers)| peppers.clone()).unwrap_or_default();
        Ok(Hasher::new(policy).kernel(self.hash_kernel).peppers(peppers))
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// A quarter of the memory that the process may use, and at least what a hash needs: a small machine hashes one by one. The
/// system is asked once: defaults are shown for each setting.
static POOL: LazyLock<PoolSettings> = LazyLock::new(|| {
    let least_mib = HashPool::least_budget_mib(&Hasher::new(Policy::default()));
    let plain = PoolSettings::default();
    let quarter_mib = allowance::memory().and_then(|bytes| usize::try_from(bytes / (4 << 20)).ok());
    PoolSettings { memory_budget_mib: quarter_mib.unwrap_or(plain.memory_budget_mib).max(least_mib), ..plain }
});
