//! `Entitled`: a token that stands for one thing, a car or a blog post, on a route that concerns this very thing.

use std::fmt;
use std::marker::PhantomData;

use axum::extract::RawPathParams;
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
/// bears the right one, a person or a bot without an account, may act. Users and clients are no entities: their
/// kinds do not compile here.
///
/// ```
/// use countersign_axum::{Entitled, Entity, Scope};
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
/// /// For the route `/cars/{car}/drive`.
/// async fn drive(car: Entitled<Car, Drive>) -> String {
///     format!("{} drives", car.id())
/// }
/// ```
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
        Requirement::token().with_scopes(collect::<R>())
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
        const { assert!(is_kind(E::KIND), "an entity's KIND is a to z, 0 to 9, `_`, `-`; not `user`, not `client`") };
        let guard = state.guard();
        let claims = guard.claims(parts).await?;
        let Ok(parameters) = RawPathParams::from_request_parts(parts, state).await else {
            // The path holds what is not UTF-8: no thing is called so.
            return Err(guard.refuse(AuthError::OtherSubject { required: required::<R>() }));
        };
        let Some((_, id)) = parameters.iter().find(|(name, _)| *name == E::KIND) else {
            tracing::error!(
                kind = E::KIND,
                "a guarded route has no path parameter of the entity's kind: nobody may pass"
            );
            return Err(guard.refuse(AuthError::Unavailable));
        };
        let subject = claims.subject().parse::<Subject>().ok();
        let Some(subject) = subject.filter(|subject| subject.kind() == E::KIND && subject.id() == id) else {
            return Err(guard.refuse(AuthError::OtherSubject { required: required::<R>() }));
        };
        if !satisfies::<R>(claims.scope()) {
            return Err(guard.refuse(AuthError::InsufficientScope { required: required::<R>() }));
        }
        Ok(Self { subject, claims, demanded: PhantomData })
    }
}

/// Whether a kind can stand before the colon of a subject, and is no account.
const fn is_kind(kind: &str) -> bool {
    let mut rest = kind.as_bytes();
    if matches!(rest, b"user" | b"client") || !matches!(rest.first(), Some(b'a'..=b'z')) {
        return false;
    }
    while let [byte, tail @ ..] = rest {
        if !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-') {
            return false;
        }
        rest = tail;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_what_a_subject_can_have_and_no_account() {
        for kind in ["car", "blog_post", "x-1"] {
            assert!(is_kind(kind) && Subject::new(kind, "foo").is_ok(), "{kind}");
        }
        for kind in ["", "Car", "1car", "c:r", "user", "client", "é", "a b"] {
            assert!(!is_kind(kind), "{kind}");
        }
    }
}
