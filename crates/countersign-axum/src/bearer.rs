//! `Bearer`: a good token, whatever its scopes.

use std::borrow::Cow;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use countersign_token::{Claims, ClaimsError};
use http::request::Parts;

use crate::refusal::{AuthError, Refusal};
use crate::requirement::{Requirement, Requires};
use crate::state::HasGuard;

/// A request with a good bearer token; carries the token's claims.
///
/// Without a token the answer is 401 with a bare challenge, with a bad one 401 `invalid_token` (RFC 6750 section 3.1).
/// `Option<Bearer>` lets a request without a token pass as `None`; a bad token is refused all the same.
///
/// ```
/// use countersign_axum::Bearer;
///
/// async fn hello(Bearer(claims): Bearer) -> String {
///     format!("Hello, {}", claims.subject())
/// }
/// ```
///
/// `Bearer<T>` takes claims of your own out of the token: implement [`FromClaims`].
#[derive(Clone, Debug)]
pub struct Bearer<T: FromClaims = Claims>(pub T);

/// Claims of your own, taken out of a verified token.
///
/// ```
/// use countersign_axum::{Claims, FromClaims, InvalidToken};
///
/// struct Tenant(String);
///
/// impl FromClaims for Tenant {
///     fn from_claims(claims: Claims) -> Result<Self, InvalidToken> {
///         let tenant = claims.get("tenant").and_then(|value| value.as_str());
///         Ok(Tenant(tenant.ok_or(InvalidToken::because("no tenant"))?.to_owned()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`Bearer<{Self}>` needs to know how `{Self}` is taken out of a token's claims",
    label = "does not implement `FromClaims`",
    note = "for a type that serde reads: `impl FromClaims for {Self} {{ fn from_claims(claims: Claims) -> Result<Self, InvalidToken> {{ Ok(claims.deserialize()?) }} }}`",
    note = "for a user that is looked up: `CurrentUser<{Self}>` and `LoadUser`"
)]
pub trait FromClaims: Sized {
    /// Takes what it needs. An error is answered as any bad token is: 401 `invalid_token`.
    fn from_claims(claims: Claims) -> Result<Self, InvalidToken>;
}

impl FromClaims for Claims {
    fn from_claims(claims: Claims) -> Result<Self, InvalidToken> {
        Ok(claims)
    }
}

/// Why the claims of a verified token are not what the program needs. The reason goes to the log, not to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token's claims do not fit: {reason}")]
pub struct InvalidToken {
    reason: Cow<'static, str>,
}

impl InvalidToken {
    /// `reason` must hold no part of the token.
    pub fn because(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into() }
    }
}

impl From<ClaimsError> for InvalidToken {
    /// The error's own text may quote a claim, and is left behind.
    fn from(_: ClaimsError) -> Self {
        Self::because("they are not of the type that the program reads")
    }
}

impl<T: FromClaims> Requires for Bearer<T> {
    fn requirement() -> Requirement {
        Requirement::token()
    }
}

impl<S, T> FromRequestParts<S> for Bearer<T>
where
    S: HasGuard + Send + Sync,
    T: FromClaims,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let guard = state.guard();
        let claims = guard.claims(parts).await?;
        T::from_claims(claims).map(Self).map_err(|reason| {
            tracing::debug!(%reason, "access token refused");
            guard.refuse(AuthError::InvalidToken)
        })
    }
}

impl<S, T> OptionalFromRequestParts<S> for Bearer<T>
where
    S: HasGuard + Send + Sync,
    T: FromClaims,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refusal> {
        unless_no_token(<Self as FromRequestParts<S>>::from_request_parts(parts, state).await)
    }
}

/// A request without a token is no error where a guard is optional; every other refusal stands.
pub(crate) fn unless_no_token<T>(guarded: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match guarded {
        Ok(found) => Ok(Some(found)),
        Err(refusal) if *refusal.error() == AuthError::NoToken => Ok(None),
        Err(refusal) => Err(refusal),
    }
}
