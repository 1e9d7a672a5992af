//! The stores: one small trait for each kind of thing kept, and the engines that keep them.
//!
//! Every change is one atomic step, and every condition is part of it: nobody reads, decides and then writes. "Not
//! there" is `Ok(None)` or `Ok(false)`. Times are Unix seconds that the caller gives. A future that is dropped leaves
//! its change either wholly done or not done at all.

mod user_query;
mod patience;
mod session_store;
mod client_store;
mod status_store;
mod throttle_store;
mod entity_store;
mod audit_store;
mod taking_over;
mod examination;
mod sql;
pub mod transfer;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod memory;
pub mod sqlite;
#[cfg(feature = "postgres")]
pub mod postgres;

use async_trait::async_trait;
use countersign_password::{HashError, PasswordHash};

use crate::import::Newcomer;
use crate::times::Times;
use crate::user::{Credentials, Login, NewUser, User, UserChange, UserId, Username};

pub use crate::store::audit_store::AuditStore;
pub use crate::store::client_store::ClientStore;
pub use crate::store::entity_store::{Declared, EntityStore};
pub use crate::store::examination::{Examination, Mark};
pub use crate::store::patience::share_time;
pub use crate::store::session_store::{Retry, Rotation, SessionStore};
pub use crate::store::status_store::StatusStore;
pub use crate::store::taking_over::Imported;
pub use crate::store::throttle_store::ThrottleStore;
pub use crate::store::user_query::{SearchText, SearchTextError, UserPage, UserQuery};

/// The version of the schema after all steps, of either engine.
const KNOWN_VERSION: i64 = 11;

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another user has this user name.
    #[error("the user name is taken: choose another")]
    UsernameTaken,
    /// Another user's name looks the same.
    #[error("the user name looks like that of another user: choose another")]
    UsernameConfusable {
        /// The name that it looks like; for the log and for administrators.
        existing: Username,
    },
    /// Another user has this address.
    #[error("the e-mail address is taken: choose another")]
    EmailTaken,
    /// Another user has this id: only an import that brings ids along can meet it.
    #[error("the user id is taken: import the user with a fresh id")]
    IdTaken,
    /// The store cannot answer now; trying again later may help. The reason is for the log, never for the wire.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What was read does not make sense: the data was damaged or written by another program. For the log only.
    #[error("the store holds damaged data: {0}")]
    Damaged(String),
}

impl StoreError {
    /// Whether another user is in the way, so that trying again is of no use.
    pub(crate) fn is_collision(&self) -> bool {
        matches!(self, Self::UsernameTaken | Self::UsernameConfusable { .. } | Self::EmailTaken | Self::IdTaken)
    }
}

/// The password hash of a user, for whoever counts hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashRecord {
    /// Whose it is.
    pub id: UserId,
    /// The hash, or why what is kept cannot be verified; `None` for a user without a password.
    pub hash: Option<Result<PasswordHash, HashError>>,
    /// The scheme of the hash that this one has replaced by an upgrade, and of the first if there were several; `None` while
    /// the hash is the one that was set.
    pub upgraded_from: Option<String>,
}

/// Keeps users and their password hashes.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Registers a user: fails with [`StoreError::UsernameTaken`], [`StoreError::UsernameConfusable`],
    /// [`StoreError::EmailTaken`] or [`StoreError::IdTaken`], and of several at once exactly one wins.
    async fn insert(&self, new: &NewUser) -> Result<User, StoreError>;

    /// Takes users over from another program, in one step: each by itself, in this order, so that one that is refused
    /// keeps no other out. The answer has an outcome for each; [`Imported`] says what is taken for the same user.
    async fn import(&self, newcomers: &[Newcomer]) -> Result<Vec<Imported>, StoreError>;

    /// The user with this id.
    async fn find_by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user that a login names, with the password hash, in one read: by exactly this name, or by the canonical form of
    /// this address. [`Login::Nobody`] is `None`.
    async fn find_credentials(&self, login: &Login) -> Result<Option<Credentials>, StoreError>;

    /// The user with this id, with the password hash, in one read.
    async fn find_credentials_by_id(&self, id: UserId) -> Result<Option<Credentials>, StoreError>;

    /// A page of users in the order of their ids.
    async fn list(&self, query: &UserQuery) -> Result<UserPage, StoreError>;

    /// The password hashes of at most `limit` users after this id, in the order of their ids.
    async fn list_hashes(&self, after: Option<UserId>, limit: usize) -> Result<Vec<HashRecord>, StoreError>;

    /// Changes a user and returns the new state; `None` if there is no such user. Fails as [`insert`](Self::insert)
    /// does when the new name or address is taken.
    async fn update(&self, id: UserId, change: &UserChange, now: i64) -> Result<Option<User>, StoreError>;

    /// Puts an up-to-date hash of the same password in place of `expected`. `false`, and nothing is changed, if
    /// the stored hash is another one by now or the user is gone. No time of the user moves, and what the password was first
    /// hashed with is kept.
    async fn replace_password_hash(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError>;

    /// Sets a new password on condition that the one it was checked against, `expected`, still stands; `false` if not.
    async fn change_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
        now: i64,
    ) -> Result<bool, StoreError>;

    /// Sets a new password, whatever stood before; `false` if there is no such user.
    async fn set_password(&self, id: UserId, new: &PasswordHash, now: i64) -> Result<bool, StoreError>;

    /// Removes a user for good; `false` if there is no such user.
    async fn delete(&self, id: UserId) -> Result<bool, StoreError>;
}

/// What a signing key is for at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// Is published, and will sign when all others have had time to learn it; at most one key waits.
    Next,
    /// Signs new tokens; at most one key does.
    Active,
    /// Signs no more; its tokens are still good.
    Retiring,
}

impl KeyState {
    /// The name by which it is kept and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
        }
    }

    /// The state of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Next, Self::Active, Self::Retiring].into_iter().find(|state| state.name() == name)
    }
}

/// A signing key as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// The key's id, its RFC 7638 thumbprint.
    pub kid: String,
    /// The name of the one algorithm of this key, such as `ES256`.
    pub algorithm: String,
    /// What it is for.
    pub state: KeyState,
    /// The private key, encrypted by the caller: the store cannot read it.
    pub sealed: Vec<u8>,
    /// When the key was made, and with that published.
    pub created_at: i64,
    /// When it came into its state.
    pub since: i64,
}

impl std::fmt::Debug for SigningKeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeyRecord")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("state", &self.state)
            .field("created_at", &self.created_at)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

/// Keeps signing keys. Of several processes that do the same at once, one gets `true` (F-12).
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// Keeps this key unless one has its id, or its state is one that a single key can have and another has it.
    async fn insert_key(&self, key: &SigningKeyRecord) -> Result<bool, StoreError>;

    /// All keys, oldest first.
    async fn list_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError>;

    /// The next key becomes active and the active one retiring, in one step and on condition that they are what they were.
    async fn promote_key(&self, next: &str, active: &str, now: i64) -> Result<bool, StoreError>;

    /// Removes a key for good. If it is the active one, `substitute` is active from now on, in the same step; without a substitute it
    /// stays. `false` if there is no such key, or it stayed.
    async fn remove_key(&self, kid: &str, substitute: Option<&SigningKeyRecord>) -> Result<bool, StoreError>;
}

/// Tells whether a store works.
#[async_trait]
pub trait HealthCheck: Send + Sync + 'static {
    /// Reads something; fails if the store would not answer others either.
    async fn ping(&self) -> Result<(), StoreError>;

    /// How long its steps took since the start, the wait for their turn included, by kind of step; for metrics.
    fn times(&self) -> Vec<(&'static str, Times)> {
        Vec::new()
    }

    /// How large its log of writes is, in bytes, where that is a file of its own; for metrics.
    fn log_bytes(&self) -> Option<u64> {
        None
    }
}

/// An engine that keeps everything.
pub trait Store:
    UserStore + SessionStore + StatusStore + ClientStore + EntityStore + ThrottleStore + KeyStore + AuditStore + HealthCheck
{
}

impl<S> Store for S where
    S: UserStore
        + SessionStore
        + StatusStore
        + ClientStore
        + EntityStore
        + ThrottleStore
        + KeyStore
        + AuditStore
        + HealthCheck
{
}
