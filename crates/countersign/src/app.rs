//! A Countersign that is ready to answer: the stores, the accounts, the keys and the guard, put together once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::extract::FromRef;
use countersign_axum::{Clock, Guard, LoadUser, Unavailable};
use countersign_password::HashPool;
use countersign_token::{Claims, Subject};

use crate::accounts::Accounts;
use crate::client::FIRST_PARTY;
use crate::clients::Clients;
use crate::entities::Entities;
use crate::grant::Grants;
use crate::keys::{KeyKeeper, KeyLives, Keyring, SigningKeysError, TokenProfile};
use crate::sealing::SealingKey;
use crate::session::refresh_token::RefreshKey;
use crate::sessions::{SessionLives, Sessions};
use crate::settings::Settings;
use crate::statuses::Statuses;
use crate::store::{
    AuditStore, ClientStore, EntityStore, HealthCheck, KeyStore, SessionStore, StatusStore, Store, StoreError,
    ThrottleStore, UserStore,
};
use crate::throttles::Throttles;
use crate::trail;
use crate::user::User;

/// Where everything is kept. Usually one engine for all.
#[derive(Clone)]
pub struct Stores {
    /// The users.
    pub users: Arc<dyn UserStore>,
    /// Their sessions, in the same engine: they end in the same step as what they rest on.
    pub sessions: Arc<dyn SessionStore>,
    /// The statuses of their tokens, in the same engine as well.
    pub statuses: Arc<dyn StatusStore>,
    /// The registered clients.
    pub clients: Arc<dyn ClientStore>,
    /// Things and their tokens, in the same engine as the users: they end in the same step.
    pub entities: Arc<dyn EntityStore>,
    /// Counters of guesses.
    pub throttles: Arc<dyn ThrottleStore>,
    /// The signing keys.
    pub keys: Arc<dyn KeyStore>,
    /// What was done.
    pub audit: Arc<dyn AuditStore>,
    /// Whether the engine answers.
    pub health: Arc<dyn HealthCheck>,
}

impl Stores {
    /// All in one engine.
    pub fn in_engine(engine: Arc<dyn Store>) -> Self {
        Self {
            users: engine.clone(),
            sessions: engine.clone(),
            statuses: engine.clone(),
            clients: engine.clone(),
            entities: engine.clone(),
            throttles: engine.clone(),
            keys: engine.clone(),
            audit: engine.clone(),
            health: engine,
        }
    }
}

/// A Countersign that is ready to answer; the state of [`router`](crate::http::router). Clones share everything.
#[derive(Clone)]
pub struct Countersign {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Arc<Settings>,
    stores: Stores,
    accounts: Accounts,
    sessions: Sessions,
    clients: Clients,
    entities: Entities,
    throttles: Throttles,
    grants: Grants,
    guard: Guard,
    keeper: KeyKeeper,
    clock: Clock,
}

impl Countersign {
    /// Puts one together over these stores; makes the signing key if there is none yet.
    pub async fn open(
        settings: Settings,
        stores: Stores,
        sealing: impl Into<Arc<SealingKey>>,
        hashing: HashPool,
        clock: Clock,
    ) -> Result<Self, SigningKeysError> {
        let (settings, sealing) = (Arc::new(settings), sealing.into());
        let keeper = open_keys(&settings, &stores, Arc::clone(&sealing), clock.clone()).await?;
        let guard = Guard::new(keeper.keyring().current().verifier.clone());
        let throttles = open_throttles(&settings, &stores, &sealing, clock.clone())?;
        let clients = Clients::new(stores.clients.clone()).throttled(throttles.clone());
        let accounts = Accounts::new(stores.users.clone(), hashing, settings.password_rules.clone(), clock.clone())
            .throttled(throttles.clone());
        let sessions = open_sessions(&settings, &stores, &sealing, clock.clone())?;
        let guard = guard.realm("countersign").clock(clock.clone()).style(settings.error_style);
        let guard = guard.revocations(sessions.statuses().clone());
        let entities = Entities::new(
            stores.entities.clone(),
            sessions.statuses().clone(),
            keeper.keyring().clone(),
            Arc::clone(&settings),
            clock.clone(),
        )
        .throttled(throttles.clone());
        tokio::spawn(learn_hash_times(accounts.clone()));
        let app = Self {
            shared: Arc::new(Shared {
                grants: Grants::new(
                    accounts.clone(),
                    sessions.clone(),
                    keeper.keyring().clone(),
                    settings.clone(),
                    clock.clone(),
                ),
                guard,
                settings,
                stores,
                accounts,
                sessions,
                clients,
                entities,
                throttles,
                keeper,
                clock,
            }),
        };
        tokio::spawn(purge_now_and_then(Arc::downgrade(&app.shared)));
        tokio::spawn(keep_keys(Arc::downgrade(&app.shared)));
        Ok(app)
    }

    /// What the operator decided.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// What is kept.
    pub fn stores(&self) -> &Stores {
        &self.shared.stores
    }

    /// Logging in, registering, changing a password.
    pub fn accounts(&self) -> &Accounts {
        &self.shared.accounts
    }

    /// Who is logged in where.
    pub fn sessions(&self) -> &Sessions {
        &self.shared.sessions
    }

    /// The programs that ask for tokens.
    pub fn clients(&self) -> &Clients {
        &self.shared.clients
    }

    /// Things that tokens are made for.
    pub fn entities(&self) -> &Entities {
        &self.shared.entities
    }

    /// What counts guesses.
    pub fn throttles(&self) -> &Throttles {
        &self.shared.throttles
    }

    /// The grants of the token endpoint.
    pub fn grants(&self) -> &Grants {
        &self.shared.grants
    }

    /// The keys that sign, and those whose tokens are good.
    pub fn keyring(&self) -> &Keyring {
        self.shared.keeper.keyring()
    }

    /// Does what is due with the keys, and takes over what other processes have done. It happens by itself twice a second.
    pub async fn tend_keys(&self) -> Result<(), SigningKeysError> {
        self.shared.keeper.tick(&self.shared.guard).await
    }

    /// Whether the keys in use may be others than those in the store: they could not be looked at for some seconds.
    pub fn has_stale_keys(&self) -> bool {
        self.shared.keeper.is_stale()
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }
}

async fn open_keys(
    settings: &Settings,
    stores: &Stores,
    sealing: Arc<SealingKey>,
    clock: Clock,
) -> Result<KeyKeeper, SigningKeysError> {
    let profile = TokenProfile {
        issuer: settings.issuer.clone(),
        audience: settings.audience.clone(),
        lifetime_s: settings.longest_token_lifetime_s(),
    };
    let lives = KeyLives { signing_s: settings.signing_key_lifetime_s, published_max_age_s: settings.keys_max_age_s };
    KeyKeeper::open(stores.keys.clone(), sealing, (settings.algorithm, lives), profile, clock).await
}

fn open_throttles(
    settings: &Settings,
    stores: &Stores,
    sealing: &SealingKey,
    clock: Clock,
) -> Result<Throttles, SigningKeysError> {
    let throttles = Throttles::new(stores.throttles.clone(), settings.throttling, sealing, clock);
    throttles.map_err(|source| SigningKeysError::Sealing { kid: "of counters".to_owned(), source })
}

fn open_sessions(
    settings: &Settings,
    stores: &Stores,
    sealing: &SealingKey,
    clock: Clock,
) -> Result<Sessions, SigningKeysError> {
    let key = sealing.derive("refresh tokens");
    let key = key.map_err(|source| SigningKeysError::Sealing { kid: "of refresh tokens".to_owned(), source })?;
    let lives = SessionLives {
        access_token_s: settings.access_token_lifetime_s,
        refresh_idle_s: settings.refresh_token_idle_s,
        refresh_s: settings.refresh_token_lifetime_s,
    };
    let statuses = Statuses::new(stores.statuses.clone(), &settings.issuer, clock.clone());
    Ok(Sessions::new(stores.sessions.clone(), statuses, RefreshKey::new(&key), lives, clock))
}

/// How often the keys are looked at: a key that is withdrawn is out everywhere within a second.
const KEY_PAUSE: Duration = Duration::from_millis(500);

/// As long as anybody holds the rest.
async fn keep_keys(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(KEY_PAUSE).await;
        let Some(shared) = shared.upgrade() else { return };
        if let Err(error) = shared.keeper.tick(&shared.guard).await {
            tracing::error!(%error, "the signing keys were not looked after: those known stay in use");
        }
    }
}

/// How often what has expired is deleted.
const PURGE_PAUSE: Duration = Duration::from_mins(1);

/// As long as anybody holds the rest.
async fn purge_now_and_then(shared: Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else { return };
        let (sessions, entities, clients) = (strong.sessions.clone(), strong.entities.clone(), strong.clients.clone());
        let throttles = strong.throttles.clone();
        let (audit, audit_lifetime_s) = (strong.stores.audit.clone(), strong.settings.audit_lifetime_s);
        let now = strong.clock.now();
        drop(strong);
        for purged in [
            sessions.purge().await,
            entities.purge().await,
            sessions.statuses().purge().await,
            clients.purge(now).await,
            throttles.purge().await,
            purge_audit_log(audit.as_ref(), now.saturating_sub(audit_lifetime_s)).await,
        ] {
            if let Err(error) = purged {
                tracing::warn!(%error, "what has expired was not deleted");
            }
        }
        drop((sessions, entities, clients, throttles));
        tokio::time::sleep(PURGE_PAUSE).await;
    }
}

/// Records that are deleted in one step: others who write wait for it.
const RECORDS_PURGED_AT_ONCE: usize = 500;

async fn purge_audit_log(store: &dyn AuditStore, before: i64) -> Result<(), StoreError> {
    while store.purge_records(before, RECORDS_PURGED_AT_ONCE).await? == RECORDS_PURGED_AT_ONCE {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Beside the first requests: a large table takes a second or two.
async fn learn_hash_times(accounts: Accounts) {
    if let Err(error) = accounts.learn_hash_times().await {
        tracing::warn!(%error, "the first login with each kind of hash may show by its time");
    }
}

impl FromRef<Countersign> for Guard {
    fn from_ref(app: &Countersign) -> Self {
        app.shared.guard.clone()
    }
}

impl<S> LoadUser<S> for User
where
    S: Sync,
    Countersign: FromRef<S>,
{
    const SEES_REVOCATIONS: bool = true;

    /// The session of a token is looked up for every request, and the user with it. Refused at once are the tokens of a session that
    /// was ended, of an account that was disabled or deleted, those issued before the password was last changed, and those
    /// that carry a scope which the user, or the client that they were given to, has lost.
    async fn load_user(claims: &Claims, state: &S) -> Result<Option<Self>, Unavailable> {
        let Ok(subject) = claims.subject().parse::<Subject>() else { return Ok(None) };
        let (Subject::USER, Ok(id)) = (subject.kind(), subject.id().parse()) else { return Ok(None) };
        let Some(session) = claims.session_id().and_then(|id| id.parse().ok()) else { return Ok(None) };
        let sessions = Countersign::from_ref(state).shared.sessions.clone();
        let found = match claims.client_id().filter(|client| *client != FIRST_PARTY) {
            None => sessions.find_user(session).await,
            Some(client) => {
                trail::via_client(client);
                let found = sessions.find_user_by(session, client).await;
                found.map(|found| found.filter(|(_, may)| may.contains_all(claims.scope())).map(|(user, _)| user))
            }
        };
        let found = found.map_err(Unavailable::because)?;
        Ok(found.filter(|user| user.id == id && !user.disabled && user.scopes.contains_all(claims.scope())))
    }
}
