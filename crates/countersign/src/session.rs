//! Sessions as the stores keep them: a login, and what has come of it since. Times are Unix seconds.

pub mod id;
pub mod refresh_token;

use countersign_token::ScopeSet;

pub use crate::session::id::{SessionId, SessionIdError};
pub use crate::session::refresh_token::{RefreshLink, RefreshToken};

use crate::status::StatusPlace;
use crate::user::UserId;

/// What a login has begun. It ends when the user ends it, when the password changes, when the user is disabled or deleted, when a
/// refresh token is used twice, and when its time is over; then it is gone, and its tokens with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Never given again; the claim `sid` of its access tokens.
    pub id: SessionId,
    /// Who logged in.
    pub user: UserId,
    /// By which client; its refresh tokens are good for no other.
    pub client: String,
    /// The scopes that were granted: refreshing gives these or fewer.
    pub scope: ScopeSet,
    /// From where.
    pub origin: Origin,
    /// When the login was.
    pub created_at: i64,
    /// When the login or the last refresh was.
    pub last_used_at: i64,
    /// When the last access token expires that it has given, and no refresh token is good any more.
    pub expires_at: i64,
    /// Until when the last access token is good that it has given, at the most.
    pub access_until: i64,
    /// Where the status of its access tokens stands; nowhere for sessions from before there were lists.
    pub status: Option<StatusPlace>,
    /// The refresh token that is good now, if the login asked for one.
    pub refresh: Option<Refresh>,
}

/// From where somebody logged in, as far as the request told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address.
    pub address: Option<String>,
    /// What the program called itself, shortened.
    pub user_agent: Option<String>,
}

/// What is kept of a chain of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The link that is good now.
    pub link: RefreshLink,
    /// Until when it is: the idle life.
    pub until: i64,
    /// When the chain ends, however often it is used: the absolute life.
    pub ends_at: i64,
}

/// A session to be begun, for a user as they were when the password was checked.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// [`User::generation`](crate::user::User::generation) at the check: if it has moved since, the login is void (S-009).
    pub generation: i64,
    /// How many sessions of the user that have not expired may be left, this one among them: the least recently used ones beyond that end.
    pub most: usize,
}
