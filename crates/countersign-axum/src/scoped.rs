//! `Scoped`: a good token that carries the scopes that the type names.

use std::fmt;
use std::marker::PhantomData;

use axum_core::extract::FromRequestParts;
use countersign_token::{Claims, ScopeSet};
use http::request::Parts;

use crate::refusal::{AuthError, Refusal};
use crate::requirement::{Requirement, Requires};
use crate::scope::{RequiredScopes, collect, required, satisfies};
use crate::state::HasGuard;

/// A request whose token carries every scope of `R`: one [`Scope`](crate::Scope), or a tuple of up to eight.
///
/// A good token without one of them is answered 403 `insufficient_scope`, and the challenge names what is needed.
///
/// ```
/// use countersign_axum::{Scope, Scoped};
///
/// struct ItemsRead;
///
/// impl Scope for ItemsRead {
///     const NAME: &'static str = "items:read";
///     const DESCRIPTION: &'static str = "Read items.";
/// }
///
/// async fn items(token: Scoped<ItemsRead>) -> String {
///     format!("The items of {}", token.claims().subject())
/// }
/// ```
pub struct Scoped<R: RequiredScopes> {
    claims: Claims,
    scopes: PhantomData<fn() -> R>,
}

impl<R: RequiredScopes> Scoped<R> {
    /// The scopes that are demanded, as a set: for a token that is to have them.
    ///
    /// ```
    /// use countersign_axum::{Scope, Scoped};
    ///
    /// struct ItemsRead;
    ///
    /// impl Scope for ItemsRead {
    ///     const NAME: &'static str = "items:read";
    ///     const DESCRIPTION: &'static str = "Read items.";
    /// }
    ///
    /// assert_eq!(Scoped::<ItemsRead>::scopes().to_string(), "items:read");
    /// ```
    pub fn scopes() -> ScopeSet {
        required::<R>()
    }

    /// The claims of the token.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

impl<R: RequiredScopes> fmt::Debug for Scoped<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Scoped").field(&self.claims).finish()
    }
}

impl<R: RequiredScopes> Requires for Scoped<R> {
    fn requirement() -> Requirement {
        Requirement::token().with_scopes(collect::<R>())
    }
}

impl<S, R> FromRequestParts<S> for Scoped<R>
where
    S: HasGuard + Send + Sync,
    R: RequiredScopes,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let guard = state.guard();
        let claims = guard.claims(parts).await?;
        if satisfies::<R>(claims.scope()) {
            return Ok(Self { claims, scopes: PhantomData });
        }
        Err(guard.refuse(AuthError::InsufficientScope { required: Self::scopes() }))
    }
}
