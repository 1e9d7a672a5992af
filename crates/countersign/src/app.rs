//! A Countersign that is ready to answer: the stores, the accounts, the keys and the guard, put together once.

use std::sync::Arc;

use axum::extract::FromRef;
use countersign_axum::{Clock, Guard, LoadUser, Unavailable};
use countersign_password::HashPool;
use countersign_token::{Claims, Issuer, KeySet, Subject, Verifier};

use crate::accounts::Accounts;
use crate::grant::{GENERATION, Grants};
use crate::keys::{SigningKeys, SigningKeysError};
use crate::sealing::SealingKey;
use crate::settings::Settings;
use crate::store::{HealthCheck, KeyStore, UserStore};
use crate::user::User;

/// Where everything is kept. Usually one engine for all.
#[derive(Clone)]
pub struct Stores {
    /// The users.
    pub users: Arc<dyn UserStore>,
    /// The signing keys.
    pub keys: Arc<dyn KeyStore>,
    /// Whether the engine answers.
    pub health: Arc<dyn HealthCheck>,
}

impl Stores {
    /// All in one engine.
    pub fn in_engine<E: UserStore + KeyStore + HealthCheck>(engine: Arc<E>) -> Self {
        Self { users: engine.clone(), keys: engine.clone(), health: engine }
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
    grants: Grants,
    guard: Guard,
    key_set: KeySet,
    clock: Clock,
}

impl Countersign {
    /// Puts one together over these stores; makes the signing key if there is none yet.
    pub async fn open(
        settings: Settings,
        stores: Stores,
        sealing: &SealingKey,
        hashing: HashPool,
        clock: Clock,
    ) -> Result<Self, SigningKeysError> {
        let settings = Arc::new(settings);
        let (active, key_set) =
            SigningKeys::open(stores.keys.as_ref(), sealing, settings.algorithm, clock.now()).await?.into_parts();
        let verifier = Verifier::new(&settings.issuer, &settings.audience, key_set.clone())
            .longest_lifetime_s(settings.access_token_lifetime_s);
        let accounts = Accounts::new(stores.users.clone(), hashing, settings.password_rules.clone(), clock.clone());
        let issuer = Issuer::new(&settings.issuer, active);
        tokio::spawn(learn_hash_times(accounts.clone()));
        Ok(Self {
            shared: Arc::new(Shared {
                grants: Grants::new(accounts.clone(), issuer, settings.clone(), clock.clone()),
                guard: Guard::new(verifier).realm("countersign").clock(clock.clone()).style(settings.error_style),
                settings,
                stores,
                accounts,
                key_set,
                clock,
            }),
        })
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

    /// The grants of the token endpoint.
    pub fn grants(&self) -> &Grants {
        &self.shared.grants
    }

    /// The public keys whose tokens are good.
    pub fn key_set(&self) -> &KeySet {
        &self.shared.key_set
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }
}

/// Beside the first requests: a large table takes a second or two.
async fn learn_hash_times(accounts: Accounts) {
    if let Err(error) = accounts.learn_hash_times().await {
        tracing::warn!(event = "hash times", %error, "the first login with each kind of hash may show by its time");
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
    /// The user of a token is looked up for every request. Refused at once are the tokens of an account that was disabled or
    /// deleted, those issued before the password was last changed, and those that carry a scope which the user has lost
    ///
    async fn load_user(claims: &Claims, state: &S) -> Result<Option<Self>, Unavailable> {
        let Ok(subject) = claims.subject().parse::<Subject>() else { return Ok(None) };
        let (Subject::USER, Ok(id)) = (subject.kind(), subject.id().parse()) else { return Ok(None) };
        let users = Countersign::from_ref(state).shared.stores.users.clone();
        let user = users.find_by_id(id).await.map_err(Unavailable::because)?;
        let generation = claims.get(GENERATION).and_then(serde_json::Value::as_i64);
        Ok(user.filter(|user| {
            !user.disabled && generation == Some(user.generation) && user.scopes.contains_all(claims.scope())
        }))
    }
}
