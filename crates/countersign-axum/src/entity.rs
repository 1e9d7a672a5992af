//! `Entitled`: a token that stands for one thing, a car or a blog post, on a route that concerns this very thing.
//!
//! Such a token has the thing for its subject, `car:foo`, and what may be done with it for its scopes.

use std::fmt;
use std::marker::PhantomData;

use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use axum_core::extract::FromRequestParts;
use countersign_token::{Claims, Subject};
use http::request::Parts;

use crate::refusal::{AuthError, Refusal};
use crate::requirement::{Requirement, Requires};
use crate::scope::{RequiredScopes, collect, required, satisfies};
use crate::state::HasGuard;

/// A kind of thing that tokens can be made for, as a unit struct.
///
/// ```
/// use countersign_axum::Entity;
///
/// struct Car;
///
/// impl Entity for Car {
///     const KIND: &'static str = "car";
/// }
/// ```
///
/// What is no kind of a [`Subject`] does not compile where it is demanded. Nor do the kinds of users and clients, whose
/// tokens say who somebody is:
///
/// ```compile_fail,E0080
/// use countersign_axum::{Entitled, Entity, Requires, Scope};
///
/// struct Drive;
///
/// impl Scope for Drive {
///     const NAME: &'static str = "drive";
///     const DESCRIPTION: &'static str = "Drive the car.";
/// }
///
/// struct Driver;
///
/// impl Entity for Driver {
///     const KIND: &'static str = "user";
/// }
///
/// Entitled::<Driver, Drive>::requirement();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of entity",
    label = "not a kind of entity",
    note = "a kind of entity is a unit struct: `impl Entity for {Self} {{ const KIND: &'static str = \"…\"; }}`"
)]
pub trait Entity {
    /// What stands before the colon of the subject, and names the parameter of the path: `car` for the subject `car:foo` and
    /// a route such as `/cars/{car}/drive`.
    const KIND: &'static str;
}

/// A request whose token stands for the very thing that the path names, and carries every scope of `R`.
///
/// The subject of the token is `kind:id`, and the route has a path parameter that is called like the kind. A good token
/// for another thing, for a thing of another kind or for a user is answered 403, and so is one without a scope: whoever
/// bears the right one, a person or a bot without an account, may act. Whether there is such a thing is for the handler
/// to say.
///
/// ```
/// use axum::{Router, routing::post};
/// use countersign_axum::{Entitled, Entity, Guard, Scope};
///
/// struct Car;
///
/// impl Entity for Car {
///     const KIND: &'static str = "car";
/// }
///
/// struct Drive;
///
/// impl Scope for Drive {
///     const NAME: &'static str = "drive";
///     const DESCRIPTION: &'static str = "Drive the car.";
/// }
///
/// async fn drive(car: Entitled<Car, Drive>) -> String {
///     format!("{} drives", car.id())
/// }
///
/// let router: Router<Guard> = Router::new().route("/cars/{car}/drive", post(drive));
/// ```
///
/// A Countersign server makes such tokens at `/entities/car/foo/tokens`, for the owner of the car. Who makes them by themselves writes
/// the same kind: `Subject::new(Car::KIND, "foo")`. For a car not to be taken for a user, the
/// subjects of users have a kind too, and whoever looks a user up reads it:
///
/// ```
/// use countersign_axum::{Claims, LoadUser, Unavailable, token::Subject};
///
/// struct User { name: String }
///
/// impl<S: Sync> LoadUser<S> for User {
///     async fn load_user(claims: &Claims, _: &S) -> Result<Option<Self>, Unavailable> {
///         let subject = claims.subject().parse::<Subject>();
///         let user = subject.ok().filter(|subject| subject.kind() == Subject::USER);
///         Ok(user.map(|user| Self { name: user.id().to_owned() }))
///     }
/// }
/// ```
///
/// # The path
///
/// The id is what the parameter says once percent-decoded: `/cars/a%2Fb/drive` concerns `car:a/b`, and where a parameter
/// takes several segments, as in `/parked/{*car}`, so does `/parked/a/b`. It is compared with the subject byte by byte.
///
/// A path without a parameter that is called like the kind, or with two of them in nested routers, is a mistake of the
/// program that nothing but a request brings to light: every one is answered 500 then, with a token or without, and the
/// log says why.
pub struct Entitled<E: Entity, R: RequiredScopes> {
    subject: Subject,
    claims: Claims,
    demanded: PhantomData<fn() -> (E, R)>,
}

impl<E: Entity, R: RequiredScopes> Entitled<E, R> {
    /// Which thing: its id, without the kind.
    pub fn id(&self) -> &str {
        self.subject.id()
    }

    /// Which thing: the subject of the token.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The claims of the token.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

impl<E: Entity, R: RequiredScopes> fmt::Debug for Entitled<E, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Entitled").field(&self.claims).finish()
    }
}

impl<E: Entity, R: RequiredScopes> Requires for Entitled<E, R> {
    fn requirement() -> Requirement {
        Requirement::token().with_scopes(collect::<R>()).with_path_parameter(kind::<E>())
    }
}

impl<S, E, R> FromRequestParts<S> for Entitled<E, R>
where
    S: HasGuard + Send + Sync,
    E: Entity,
    R: RequiredScopes,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let guard = state.guard();
        // Before the token is looked at, so that a mistaken path shows itself at anybody's first request.
        let named = subject_in_path(parts, kind::<E>()).await.map_err(|error| {
            tracing::error!(%error, "a guard lets nobody pass");
            guard.refuse(error)
        })?;
        let claims = guard.claims(parts).await?;
        let Some(subject) = named.filter(|subject| subject.as_str() == claims.subject()) else {
            return Err(guard.refuse(AuthError::OtherSubject { required: required::<R>() }));
        };
        if !satisfies::<R>(claims.scope()) {
            return Err(guard.refuse(AuthError::InsufficientScope { required: required::<R>() }));
        }
        Ok(Self { subject, claims, demanded: PhantomData })
    }
}

/// The subject that the path names; `None` when nothing can be called so, and no token stand for it.
async fn subject_in_path(parts: &mut Parts, kind: &'static str) -> Result<Option<Subject>, AuthError> {
    let parameters = match RawPathParams::from_request_parts(parts, &()).await {
        Ok(parameters) => parameters,
        // No subject is written in bytes that are no text.
        Err(RawPathParamsRejection::InvalidUtf8InPathParam(_)) => return Ok(None),
        Err(_) => return Err(AuthError::NoPathParameter { name: kind }),
    };
    let mut ids = parameters.iter().filter_map(|(name, id)| (name == kind).then_some(id));
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(Subject::new(kind, id).ok()),
        _ => Err(AuthError::NoPathParameter { name: kind }),
    }
}

/// The kind of `E`, if it is one of things.
const fn kind<E: Entity>() -> &'static str {
    const { assert!(is_kind(E::KIND), "an entity's KIND is a to z, 0 to 9, `_`, `-`; not `user`, not `client`") };
    E::KIND
}

/// Whether a kind can stand before the colon of a subject, and is no account.
const fn is_kind(kind: &str) -> bool {
    const USER: &[u8] = Subject::USER.as_bytes();
    const CLIENT: &[u8] = Subject::CLIENT.as_bytes();
    Subject::is_kind(kind) && !matches!(kind.as_bytes(), USER | CLIENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_what_a_subject_can_have_and_no_account() {
        for kind in ["car", "blog_post", "x-1", "use", "users", "user-agent", "clients"] {
            assert!(is_kind(kind) && Subject::new(kind, "foo").is_ok(), "{kind}");
        }
        for kind in ["", "Car", "1car", "c:r", "user", "client", "é", "a b"] {
            assert!(!is_kind(kind), "{kind}");
        }
    }
}
