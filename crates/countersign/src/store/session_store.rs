//! What a store of sessions promises.

use async_trait::async_trait;
use countersign_token::ScopeSet;

use crate::client::ClientId;
use crate::session::{NewSession, Refresh, RefreshLink, Session, SessionId};
use crate::store::StoreError;
use crate::user::{User, UserId};

/// A use of a refresh token: the good link gives way to the next one.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Which session.
    pub session: SessionId,
    /// The link that was good when it was looked at.
    pub used: RefreshLink,
    /// What is good from now on; when the chain ends stays as it was.
    pub next: Refresh,
    /// [`Session::expires_at`] from now on, if it was not later: a token from before may live on.
    pub expires_at: i64,
    /// [`Session::access_until`] from now on, if it was not later.
    pub access_until: i64,
    /// When this happens.
    pub now: i64,
}

/// One more use of a refresh token whose child is unused: it gives an access token, and changes nothing else.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Which session.
    pub session: SessionId,
    /// The link that was good when it was looked at: the child.
    pub current: RefreshLink,
    /// [`Session::expires_at`] from now on, if it was not later.
    pub expires_at: i64,
    /// [`Session::access_until`] from now on, if it was not later.
    pub access_until: i64,
}

/// Keeps sessions. Whoever keeps users as well ends a user's sessions in the same step that sets a new password, disables the user
/// or deletes it.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Begins a session on condition that its user is enabled and of the generation that was checked (S-009), and that its client is
    /// registered and enabled, if it is not the one that nobody registers; `None` if not. Of the user's other sessions that have not
    /// expired when it begins, the least recently used ones end if there are too many: how many did.
    async fn begin_session(&self, new: &NewSession) -> Result<Option<usize>, StoreError>;

    /// A session that has not expired at `now`, with its user.
    async fn find_session(&self, id: SessionId, now: i64) -> Result<Option<(Session, User)>, StoreError>;

    /// The user of a session that has not expired at `now`: what every guarded request asks.
    async fn find_user_of(&self, id: SessionId, now: i64) -> Result<Option<User>, StoreError>;

    /// The same for a session that this client has begun, with the scopes that the client may have at present.
    async fn find_user_by(
        &self,
        id: SessionId,
        client: &ClientId,
        now: i64,
    ) -> Result<Option<(User, ScopeSet)>, StoreError>;

    /// Puts the next link in the place of the one that was used, in one step and on condition that it is still the good one, and good
    /// for this moment; `false`, and nothing is changed, if not.
    async fn rotate(&self, rotation: &Rotation) -> Result<bool, StoreError>;

    /// Notes an access token that a retry is answered with, on condition that the link is still the good one; `false`, and nothing is
    /// changed, if not.
    async fn note_retry(&self, retry: &Retry) -> Result<bool, StoreError>;

    /// The sessions that have not expired at `now`, of one user or of all, the youngest first; at most `limit`.
    async fn list_sessions(&self, user: Option<UserId>, now: i64, limit: usize) -> Result<Vec<Session>, StoreError>;

    /// Ends a session, of this user if one is named; `false` if there is none.
    async fn end_session(&self, id: SessionId, user: Option<UserId>) -> Result<bool, StoreError>;

    /// Ends all sessions of a user; how many there were.
    async fn end_sessions(&self, user: UserId) -> Result<usize, StoreError>;

    /// Deletes at most `limit` sessions that have expired at `now`; how many there were.
    async fn purge_sessions(&self, now: i64, limit: usize) -> Result<usize, StoreError>;
}
