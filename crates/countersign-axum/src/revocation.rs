//! Whether a token that is good in itself was taken back since: asked of whoever knows.

use std::error::Error;
use std::pin::Pin;

use countersign_token::Claims;

/// Whether a token was taken back, once that is known.
pub type IsRevoked<'a> = Pin<Box<dyn Future<Output = Result<bool, Unavailable>> + Send + 'a>>;

/// Knows which tokens were taken back before they expire: [`Guard::revocations`](crate::Guard::revocations).
///
/// It is asked at every request with a good token, so it had better know the answer already.
///
/// ```
/// use std::{collections::HashSet, sync::{Arc, RwLock}};
/// use countersign_axum::{Claims, IsRevoked, Revocations};
///
/// /// The identifiers (`jti`) of tokens that do not hold any more.
/// #[derive(Clone, Default)]
/// struct DenyList(Arc<RwLock<HashSet<String>>>);
///
/// impl Revocations for DenyList {
///     fn is_revoked<'a>(&'a self, claims: &'a Claims, _now: i64) -> IsRevoked<'a> {
///         let denied = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
///         let is_denied = claims.token_id().is_some_and(|id| denied.contains(id));
///         Box::pin(async move { Ok(is_denied) })
///     }
/// }
/// ```
pub trait Revocations: Send + Sync {
    /// Whether the token with these claims was taken back; `now` is the time in Unix seconds.
    ///
    /// A token that was is answered 401 `invalid_token`. An error is logged and answered 503.
    fn is_revoked<'a>(&'a self, claims: &'a Claims, now: i64) -> IsRevoked<'a>;
}

/// A look-up could not be made. The cause goes to the log, not to the caller.
#[derive(Debug, thiserror::Error)]
#[error("a look-up failed: {cause}")]
pub struct Unavailable {
    cause: Box<dyn Error + Send + Sync>,
}

impl Unavailable {
    /// Any error, or a text.
    pub fn because(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into() }
    }
}
