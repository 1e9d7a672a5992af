//! Guards an axum API: a parameter of a handler checks the bearer token, demands the scopes, hands over the user, and
//! writes itself into the OpenAPI document. What is enforced is what is documented: one declaration.
//!
//! A whole guarded program, which takes the tokens of a Countersign server by its published keys; with the feature
//! [`remote`](#features) the guard finds and renews them itself:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use countersign_axum::{Bearer, Guard, KeySet, Verifier};
//!
//! async fn hello(Bearer(claims): Bearer) -> String {
//!     format!("Hello, {}!", claims.subject())
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let keys = KeySet::from_jwks(&std::fs::read_to_string("jwks.json")?)?;
//!     let verifier = Verifier::new("https://login.example.com", "https://api.example.com", keys);
//!     let app = Router::new().route("/hello", get(hello)).with_state(Guard::new(verifier));
//!     axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?;
//!     Ok(())
//! }
//! ```
//!
//! The [guide] goes step by step: a route, a login, hashes, scopes, a user table of your own, claims of your own, tests.
//!
//! # The guards
//!
//! | parameter | lets pass | carries |
//! |---|---|---|
//! | [`Bearer`] | a good token | its [`Claims`], or your own ([`FromClaims`]) |
//! | [`Scoped<R>`](Scoped) | a good token with the scopes `R` ([`Scope`]) | its claims |
//! | [`CurrentUser<U>`](CurrentUser) | a good token whose user exists ([`LoadUser`]) | the user |
//! | [`Entitled<E, R>`](Entitled) | a good token for the very thing that the path names ([`Entity`]), with the scopes `R` | the thing's id, the claims |
//! | `Option` of `Bearer` or `CurrentUser` | the same, or no token at all | what was found |
//!
//! A handler may have several: a token that was verified is remembered until it expires. They find the [`Guard`] in the router's state.
//! Refusals follow RFC 6750, with a body of RFC 9457 whose `detail` is what clients of FastAPI read:
//!
//! | request | answer |
//! |---|---|
//! | no token, or a scheme other than `Bearer` | 401, a bare challenge |
//! | a bad token, or a user who is gone | 401 `invalid_token` |
//! | a good token without a scope, or for another thing | 403 `insufficient_scope`, with the scopes that are needed |
//! | two `Authorization` headers, or a second token in the query | 400 `invalid_request` |
//! | the look-up of the user failed | 503 |
//!
//! # When it does not compile
//!
//! axum says of a handler that does not fit its router that `Handler<…>` is not satisfied, and no more.
//! `#[axum::debug_handler(state = App)]` on the handler has the compiler say why, once axum's feature `macros` is on;
//! `routes!` has it do so unasked, beside axum's own words. Without `state = …` the attribute tries the handler with
//! the state `()`, in which no guard is found.
//!
//! | the compiler says | what to do |
//! |---|---|
//! | the state `App` has no `Guard` | `impl FromRef<App> for Guard`, or derive `FromRef` for `App` |
//! | the state `()` has no `Guard` | `.with_state(Guard::new(verifier))` |
//! | `CurrentUser<User>` needs to know how a `User` is found | `impl LoadUser<App> for User` |
//! | `Bearer<MyClaims>` needs to know how `MyClaims` is taken out of a token's claims | `impl FromClaims for MyClaims` |
//! | `Option<…>: FromRequest<App, _>` is not satisfied | [`Bearer`] and [`CurrentUser`] can be optional, a scope cannot; with these two, see whether the handler compiles without the `Option` |
//! | `ItemsRead` is not a scope | `impl Scope for ItemsRead` |
//! | a scope's NAME is one word | choose another; `cargo build` says this, `cargo check` does not look that far |
//!
//! # Features
//!
//! None is on by default: a program that only verifies compiles no server, no SQL and no password hash.
//!
//! | feature | what |
//! |---|---|
//! | `entity` | the guard for tokens that stand for things: this very car, and `drive`; it needs axum itself, without its server |
//! | `openapi` | `routes!`, the drop-in for utoipa-axum's: guards document themselves |
//! | `aide` | the same in aide's routers |
//! | `docs` | `/docs` (Swagger UI) and `/redoc` out of the binary |
//! | `form` | the token request of RFC 6749, for a token endpoint of your own |
//! | `remote` | the keys of a Countersign server, found, kept and renewed by the guard itself |
//! | `login` | from a name and a password to the user, over a table of users of your own |
//! | `fastapi` | the manners of FastAPI, for front ends that exist already |
//! | `serve` | the outside of a small program: its command line, and how it listens |
//! | `testing` | test helpers: tokens without a server; router and document agree |
//!
//! `examples/fastapi-docs` of this repository is a whole API with a login of its own and a `/docs` page in which Authorize works.

#![forbid(unsafe_code)]

mod clock;
mod problem;
mod scope;
mod requirement;
mod credentials;
mod refusal;
mod revocation;
mod verified;
mod guard_stats;
#[cfg(feature = "remote")]
mod demand;
mod guard;
mod state;
mod bearer;
mod scoped;
#[cfg(feature = "entity")]
mod entity;
mod user;
#[cfg(feature = "remote")]
pub mod remote;
#[cfg(feature = "form")]
pub mod form;
#[cfg(any(feature = "openapi", feature = "aide"))]
mod document;
#[cfg(feature = "openapi")]
pub mod openapi;
#[cfg(feature = "aide")]
pub mod aide;
#[cfg(feature = "docs")]
pub mod docs;
#[cfg(feature = "login")]
pub mod login;
#[cfg(feature = "fastapi")]
pub mod fastapi;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "testing")]
pub mod testing;
// Its pages lie in `guide/`: text in every documentation, compiled and run where the features that they use are on.
#[cfg(any(
    all(doc, not(doctest)),
    all(doctest, feature = "fastapi", feature = "login", feature = "remote", feature = "testing")
))]
pub mod guide;

pub use bearer::{Bearer, FromClaims, InvalidToken};
pub use clock::{Clock, ClockHand};
#[cfg(feature = "entity")]
pub use entity::{Entitled, Entity};
pub use guard::Guard;
pub use guard_stats::GuardStats;
pub use problem::{ErrorStyle, Problem};
pub use refusal::{AuthError, Refusal};
pub use requirement::{Requirement, Requires, SECURITY_SCHEME};
pub use revocation::{IsRevoked, Revocations, Unavailable};
pub use scope::{RequiredScopes, Scope, ScopeInfo};
pub use scoped::Scoped;
pub use user::{CurrentUser, LoadUser};

/// The crate that verifies, whole, so that a guarded program needs no second dependency.
pub use countersign_token as token;
pub use countersign_token::{Algorithm, Claims, KeySet, ScopeSet, VerificationKey, Verifier};
