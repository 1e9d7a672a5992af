//! Guards an axum API: a parameter of a handler checks the bearer token, demands the scopes, hands over the user, and
//! writes itself into the OpenAPI document. What is enforced is what is documented: one declaration.

#![forbid(unsafe_code)]

mod clock;
mod problem;
mod scope;
mod requirement;
mod credentials;
mod refusal;
mod verified;
mod guard;
mod bearer;
mod scoped;
mod user;
#[cfg(any(feature = "openapi", feature = "aide"))]
mod document;
#[cfg(feature = "openapi")]
pub mod openapi;
#[cfg(feature = "aide")]
pub mod aide;
#[cfg(feature = "docs")]
pub mod docs;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "form")]
pub mod form;

pub use bearer::{Bearer, FromClaims, InvalidToken};
pub use clock::{Clock, ClockHand};
pub use guard::Guard;
pub use problem::{ErrorStyle, Problem};
pub use refusal::{AuthError, Refusal};
pub use requirement::{Requirement, Requires, SECURITY_SCHEME};
pub use scope::{RequiredScopes, Scope, ScopeInfo};
pub use scoped::Scoped;
pub use user::{CurrentUser, LoadUser, Unavailable};

/// The crate that verifies, whole, so that a guarded program needs no second dependency.
pub use countersign_token as token;
pub use countersign_token::{Algorithm, Claims, KeySet, ScopeSet, VerificationKey, Verifier};
