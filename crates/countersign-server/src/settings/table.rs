//! The one table of settings. The flag, the variable and the key of the file follow from the name.

mod abuse;
mod hashing;
mod observation;
mod tls;

use std::path::PathBuf;

use countersign::entity::EntityKindsError;
use countersign::{Profile, Registration};
use countersign_axum::ErrorStyle;
use countersign_token::{Algorithm, ScopeSet};

use crate::settings::Settings;
use crate::settings::value::{
    address_from, audience_from, choice_from, choice_to, database_from, database_password_from, duration_to,
    entity_token_lifetime_from, issuer_from, keys_max_age_from, life_from, number_from, password_list_from,
    range_service_from, token_lifetime_from,
};

/// How the variables of this program begin.
pub(super) const VARIABLE_PREFIX: &str = "COUNTERSIGN_";
/// The variable that names the file.
pub const CONFIG_FILE_VARIABLE: &str = "COUNTERSIGN_CONFIG";

/// One setting: what it is called, what it means, and how its text becomes its value and back.
#[derive(Debug)]
pub struct Setting {
    /// Lower case words joined by hyphens.
    pub name: &'static str,
    /// What stands for the value in `--help`.
    pub value: &'static str,
    /// One sentence without its full stop.
    pub help: &'static str,
    /// Whether the value is a path: relative ones start from where they are written.
    pub is_path: bool,
    /// Takes the value over, or says what to write instead.
    pub read: fn(&mut Settings, &str) -> Result<(), String>,
    /// The text of the value.
    pub show: fn(&Settings) -> String,
}

impl Setting {
    /// `--access-token-lifetime`
    pub fn flag(&self) -> String {
        format!("--{}", self.name)
    }

    /// `COUNTERSIGN_ACCESS_TOKEN_LIFETIME`
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.key().to_ascii_uppercase())
    }

    /// `access_token_lifetime`
    pub fn key(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Whether it says where everything is kept: every command that looks at something needs these.
    pub fn is_of_store(&self) -> bool {
        self.name == "data" || self.name.starts_with("database")
    }

    /// Whether a part of its text may be a password, so that it is not repeated.
    pub(super) fn may_hold_a_password(&self) -> bool {
        self.name == "database"
    }

    /// What holds when nothing is said.
    pub fn default_text(&self) -> String {
        (self.show)(&Settings::default())
    }
}

const OPEN_OR_CLOSED: [(&str, Registration); 2] = [("open", Registration::Open), ("closed", Registration::Closed)];
const ON_OR_OFF: [(&str, bool); 2] = [("on", true), ("off", false)];
const PROFILES: [(&str, Profile); 2] = [("oauth2", Profile::OAuth2), ("oauth21", Profile::OAuth21)];
const ERROR_STYLES: [(&str, ErrorStyle); 2] = [("rfc6749", ErrorStyle::Problem), ("fastapi", ErrorStyle::FastApi)];

const MANY: usize = 1_000_000;

/// Every setting, in the order in which they are shown.
pub const TABLE: &[Setting] = &[
    Setting {
        name: "listen",
        value: "ADDRESS",
        help: "Where to listen; port 0 takes a free one",
        is_path: false,
        read: |settings, text| address_from(text).map(|address| settings.listen = address),
        show: |settings| settings.listen.to_string(),
    },
    tls::CERTIFICATE,
    tls::KEY,
    observation::METRICS,
    observation::TRACES,
    observation::TRACES_ONE_OF,
    Setting {
        name: "data",
        value: "DIR",
        help: "The data directory: users, keys; made with mode 0700 when missing",
        is_path: true,
        read: |settings, text| {
            settings.data = PathBuf::from(text);
            Ok(())
        },
        show: |settings| settings.data.display().to_string(),
    },
    Setting {
        name: "database",
        value: "URL",
        help: "Where everything is kept, such as postgres://USER@HOST/DATABASE; not with a password on the command line. Without it: SQLite in the data directory",
        is_path: false,
        read: |settings, text| database_from(text).map(|database| settings.database = database),
        show: |settings| settings.database.as_ref().map_or(String::new(), ToString::to_string),
    },
    Setting {
        name: "database-password-file",
        value: "FILE",
        help: "The password of the database, on one line. Without it: that in the URL, or none",
        is_path: true,
        read: |settings, text| database_password_from(text).map(|password| settings.database_password = password),
        show: |settings| {
            settings.database_password.as_ref().map_or(String::new(), |(path, _)| path.display().to_string())
        },
    },
    Setting {
        name: "database-connections",
        value: "COUNT",
        help: "Connections to the database at one time; who finds none free is refused with 503 after two seconds",
        is_path: false,
        read: |settings, text| number_from(text, 1, 1000).map(|count| settings.database_connections = count),
        show: |settings| settings.database_connections.to_string(),
    },
    Setting {
        name: "issuer",
        value: "URL",
        help: "The URL by which callers reach this server; it stands in every token. Without it: http:// and the address listened on",
        is_path: false,
        read: |settings, text| issuer_from(text).map(|issuer| settings.issuer = Some(issuer)),
        show: |settings| settings.issuer_at(settings.listen),
    },
    Setting {
        name: "audience",
        value: "NAME",
        help: "The API that tokens are made for. Without it: the issuer",
        is_path: false,
        read: |settings, text| audience_from(text).map(|audience| settings.audience = Some(audience)),
        show: |settings| settings.audience.clone().unwrap_or_else(|| settings.issuer_at(settings.listen)),
    },
    Setting {
        name: "allowed-origins",
        value: "ORIGINS",
        help: "Origins of front ends elsewhere, such as `https://app.example.com http://localhost:5173`: their pages may ask this server from a browser (CORS). Without it: only pages of its own origin",
        is_path: false,
        read: |settings, text| text.parse().map(|origins| settings.allowed_origins = origins),
        show: |settings| settings.allowed_origins.to_string(),
    },
    Setting {
        name: "registration",
        value: "open|closed",
        help: "Whether anybody may register at POST /users",
        is_path: false,
        read: |settings, text| choice_from(text, OPEN_OR_CLOSED).map(|who| settings.registration = who),
        show: |settings| choice_to(&settings.registration, OPEN_OR_CLOSED),
    },
    abuse::REGISTRATIONS_PER_HOUR,
    abuse::LOGIN_ATTEMPTS,
    abuse::THROTTLE,
    abuse::TRUSTED_PROXIES,
    Setting {
        name: "profile",
        value: "oauth2|oauth21",
        help: "Which protocol is spoken: OAuth 2.1 takes no user name and password at POST /token, whatever the grants of a client say, and wants an https issuer",
        is_path: false,
        read: |settings, text| choice_from(text, PROFILES).map(|profile| settings.profile = profile),
        show: |settings| choice_to(&settings.profile, PROFILES),
    },
    Setting {
        name: "default-scopes",
        value: "SCOPES",
        help: "The scopes of users who register, and of `user add` without --scope, separated by spaces",
        is_path: false,
        read: |settings, text| {
            let scopes = ScopeSet::parse(text).map_err(|error| error.to_string())?;
            settings.default_scopes = scopes;
            Ok(())
        },
        show: |settings| settings.default_scopes.to_string(),
    },
    Setting {
        name: "password-list",
        value: "FILE",
        help: "Passwords that nobody may choose, one a line, besides the common ones that are always refused",
        is_path: true,
        read: |settings, text| password_list_from(text).map(|list| settings.password_list = list),
        show: |settings| settings.password_list.as_ref().map_or(String::new(), |(path, _)| path.display().to_string()),
    },
    Setting {
        name: "breached-passwords",
        value: "URL",
        help: "Where new passwords are looked up that were in breaches, such as https://api.pwnedpasswords.com: it learns five of forty digits of a digest. Without it: nowhere",
        is_path: false,
        read: |settings, text| range_service_from(text).map(|service| settings.breached_passwords = service),
        show: |settings| settings.breached_passwords.as_ref().map_or(String::new(), |service| service.url().to_owned()),
    },
    Setting {
        name: "error-style",
        value: "rfc6749|fastapi",
        help: "How errors look: those of the standards, or those that FastAPI's front ends expect",
        is_path: false,
        read: |settings, text| choice_from(text, ERROR_STYLES).map(|style| settings.error_style = style),
        show: |settings| choice_to(&settings.error_style, ERROR_STYLES),
    },
    Setting {
        name: "access-token-lifetime",
        value: "TIME",
        help: "How long access tokens live, such as 90s, 30m, 12h; at most 31d",
        is_path: false,
        read: |settings, text| token_lifetime_from(text).map(|lifetime| settings.access_token_lifetime = lifetime),
        show: |settings| duration_to(settings.access_token_lifetime),
    },
    Setting {
        name: "refresh-tokens",
        value: "on|off",
        help: "Whether a login that asks for the scope offline_access is given a refresh token",
        is_path: false,
        read: |settings, text| choice_from(text, ON_OR_OFF).map(|on| settings.refresh_tokens = on),
        show: |settings| choice_to(&settings.refresh_tokens, ON_OR_OFF),
    },
    Setting {
        name: "refresh-token-lifetime",
        value: "TIME",
        help: "How long a session lives, however often it is refreshed; at most 3650d",
        is_path: false,
        read: |settings, text| life_from(text).map(|life| settings.refresh_token_lifetime = life),
        show: |settings| duration_to(settings.refresh_token_lifetime),
    },
    Setting {
        name: "refresh-token-idle",
        value: "TIME",
        help: "How long a refresh token lives that nobody uses; at most 3650d",
        is_path: false,
        read: |settings, text| life_from(text).map(|life| settings.refresh_token_idle = life),
        show: |settings| duration_to(settings.refresh_token_idle),
    },
    Setting {
        name: "entities",
        value: "KINDS",
        help: "Kinds of things that tokens can be made for, and what can be done with them, such as `car: drive unlock; post: edit`; in the file also a table of lists. Without it: none",
        is_path: false,
        read: |settings, text| {
            settings.entities = text.parse().map_err(|error: EntityKindsError| error.to_string())?;
            Ok(())
        },
        show: |settings| settings.entities.to_string(),
    },
    Setting {
        name: "entity-token-lifetime",
        value: "TIME",
        help: "The longest life of a token for a thing; at most 365d. What verifies tokens has to allow more than 31d",
        is_path: false,
        read: |settings, text| entity_token_lifetime_from(text).map(|life| settings.entity_token_lifetime = life),
        show: |settings| duration_to(settings.entity_token_lifetime),
    },
    Setting {
        name: "algorithm",
        value: "NAME",
        help: "The signature algorithm of new signing keys, such as ES256, EdDSA, RS256, PS256",
        is_path: false,
        read: |settings, text| {
            // A shared secret cannot be published, so nobody else could check a token.
            let fit: Vec<_> = Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()).collect();
            let names = || fit.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ");
            let chosen = fit.iter().find(|algorithm| algorithm.name() == text);
            settings.algorithm = *chosen.ok_or_else(|| format!("write one of {}", names()))?;
            Ok(())
        },
        show: |settings| settings.algorithm.name().to_owned(),
    },
    Setting {
        name: "signing-key-lifetime",
        value: "TIME",
        help: "How long a signing key signs before the next one takes its place; at most 3650d",
        is_path: false,
        read: |settings, text| life_from(text).map(|life| settings.signing_key_lifetime = life),
        show: |settings| duration_to(settings.signing_key_lifetime),
    },
    Setting {
        name: "keys-max-age",
        value: "TIME",
        help: "How long others may keep the published keys; a key is published so long before it signs. At most 1d",
        is_path: false,
        read: |settings, text| keys_max_age_from(text).map(|age| settings.keys_max_age = age),
        show: |settings| duration_to(settings.keys_max_age),
    },
    hashing::HASH_MEMORY_KIB,
    hashing::HASH_ITERATIONS,
    hashing::HASH_PARALLELISM,
    hashing::PEPPER_FILE,
    hashing::FOREIGN_HASHES,
    hashing::HASH_KERNEL,
    hashing::HASH_THREADS,
    hashing::HASH_BUDGET_MIB,
    hashing::HASH_QUEUE,
    hashing::HASH_DEADLINE,
    Setting {
        name: "max-connections",
        value: "COUNT",
        help: "Connections at one time; the next wait",
        is_path: false,
        read: |settings, text| number_from(text, 1, MANY).map(|count| settings.max_connections = count),
        show: |settings| settings.max_connections.to_string(),
    },
    observation::AUDIT_LIFETIME,
    observation::LOG,
];
