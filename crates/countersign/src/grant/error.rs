//! Why a token request is refused (RFC 6749 section 5.2), without a word about statuses: those are HTTP's.

use crate::throttles::Throttled;

/// A refused token request. The texts are fixed: nothing of the request is repeated in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// A parameter is missing.
    #[error("The parameter {0} is missing")]
    Missing(&'static str),
    /// The request is malformed in another way.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The user, the password or the refresh token is not good; all causes read alike.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// No such grant here.
    #[error("This server does not offer that grant_type")]
    UnsupportedGrantType,
    /// The grant is not for this client.
    #[error("This client may not use that grant_type")]
    UnauthorizedClient,
    /// The scope is malformed, or nothing asked for may be granted.
    #[error("The scope is malformed, or none of it may be granted")]
    InvalidScope,
    /// There were too many attempts.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// Too many logins at once.
    #[error("Too many logins at once, try again in a moment")]
    Busy {
        /// When to try again, in seconds.
        retry_after_s: u32,
    },
    /// The storage or the signing failed; the cause is in the log.
    #[error("The server cannot answer now, try again in a moment")]
    Unavailable,
}

impl GrantError {
    /// The text of a failed login.
    pub const WRONG_CREDENTIALS: Self = Self::InvalidGrant("Incorrect username or password");

    /// The text for a refresh token that is not good, for whatever reason.
    pub const NOT_A_REFRESH_TOKEN: Self = Self::InvalidGrant("The refresh token is not valid");

    /// Says in the log what failed, and to the caller that something did.
    pub(crate) fn unavailable(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a token request failed");
        Self::Unavailable
    }
}
