//! `CurrentUser`: the user behind the token, looked up in the program's state.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use countersign_token::Claims;
use http::request::Parts;

use crate::bearer::unless_no_token;
use crate::refusal::{AuthError, Refusal};
use crate::requirement::{Requirement, Requires};
use crate::revocation::Unavailable;
use crate::state::HasGuard;

/// A request with a good bearer token whose user exists; carries the user.
///
/// A token whose user is gone is answered as any bad token is, and a look-up that fails with 503 (R-038).
/// `Option<CurrentUser<U>>` lets a request without a token pass as `None`.
///
/// ```
/// use std::{collections::HashMap, sync::Arc};
/// use countersign_axum::{Claims, CurrentUser, LoadUser, Unavailable};
///
/// #[derive(Clone)]
/// struct User { name: String }
///
/// #[derive(Clone)]
/// struct App { users: Arc<HashMap<String, User>> }
///
/// impl LoadUser<App> for User {
///     async fn load_user(claims: &Claims, app: &App) -> Result<Option<Self>, Unavailable> {
///         Ok(app.users.get(claims.subject()).cloned())
///     }
/// }
///
/// async fn me(CurrentUser(user): CurrentUser<User>) -> String {
///     user.name
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CurrentUser<U>(pub U);

/// How a user is found by the claims of a token.
#[diagnostic::on_unimplemented(
    message = "`CurrentUser<{Self}>` needs to know how a `{Self}` is found in the state `{S}`",
    label = "does not implement `LoadUser<{S}>`",
    note = "`impl LoadUser<{S}> for {Self} {{ async fn load_user(claims: &Claims, state: &{S}) -> Result<Option<Self>, Unavailable> {{ … }} }}`"
)]
pub trait LoadUser<S>: Sized + Send {
    /// Whether `load_user` itself finds no user for a token that was taken back, so that the guard need not ask its
    /// [`Revocations`](crate::Revocations) as well.
    const SEES_REVOCATIONS: bool = false;

    /// The user whom the token speaks of.
    ///
    /// `Ok(None)` when there is none, or none who may come in: answered 401 `invalid_token`. An error is logged and
    /// answered 503.
    fn load_user(claims: &Claims, state: &S) -> impl Future<Output = Result<Option<Self>, Unavailable>> + Send;
}

impl<U> Requires for CurrentUser<U> {
    fn requirement() -> Requirement {
        Requirement::token().with_look_up()
    }
}

impl<S, U> FromRequestParts<S> for CurrentUser<U>
where
    S: HasGuard + Send + Sync,
    U: LoadUser<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let guard = state.guard();
        let claims =
            if U::SEES_REVOCATIONS { guard.verified_claims(parts).await? } else { guard.claims(parts).await? };
        match U::load_user(&claims, state).await {
            Ok(Some(user)) => Ok(Self(user)),
            Ok(None) => {
                tracing::debug!("access token refused: its subject is not a user");
                Err(guard.refuse(AuthError::InvalidToken))
            }
            Err(unavailable) => {
                tracing::error!(error = %unavailable, "a request could not be checked");
                Err(guard.refuse(AuthError::Unavailable))
            }
        }
    }
}

impl<S, U> OptionalFromRequestParts<S> for CurrentUser<U>
where
    S: HasGuard + Send + Sync,
    U: LoadUser<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refusal> {
        unless_no_token(<Self as FromRequestParts<S>>::from_request_parts(parts, state).await)
    }
}
