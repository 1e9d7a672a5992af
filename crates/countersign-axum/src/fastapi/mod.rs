//! The manners of FastAPI, for programs whose front ends exist already: its forms, its error bodies, its 404, 405 and
//! redirects, its pages.
//!
//! [`FastApi`] makes a program of routes; [`OAuth2PasswordRequestForm`], [`JsonBody`] and [`HttpException`] are what its
//! handlers take and answer. The guards join in with [`ErrorStyle::FastApi`](crate::ErrorStyle::FastApi).
//!
//! ```
//! use axum::Json;
//! use countersign_axum::fastapi::{FastApi, HttpException, OAuth2PasswordRequestForm};
//! use countersign_axum::form::TokenAnswer;
//! use countersign_axum::token::{Issuer, NewToken, SigningKey};
//! use countersign_axum::{Bearer, Clock, ErrorStyle, Guard, Verifier, routes};
//!
//! #[derive(Clone, axum::extract::FromRef)]
//! struct App {
//!     issuer: Issuer,
//!     guard: Guard,
//! }
//!
//! /// Log in.
//! #[utoipa::path(post, path = "/token")]
//! async fn login(
//!     axum::extract::State(app): axum::extract::State<App>,
//!     form: OAuth2PasswordRequestForm,
//! ) -> Result<TokenAnswer, HttpException> {
//!     // A real program looks the user up and verifies a hash: see `login::authenticate`.
//!     if (form.username(), form.password()) != ("alice", "wonderland") {
//!         return Err(HttpException::wrong_credentials());
//!     }
//!     let token = app.issuer.issue(&NewToken::for_subject("alice"), Clock::system().now())?;
//!     Ok(TokenAnswer::fastapi(token.token))
//! }
//!
//! /// Who am I?
//! #[utoipa::path(get, path = "/users/me")]
//! async fn me(Bearer(claims): Bearer) -> Json<String> {
//!     Json(claims.subject().to_owned())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::from_secret(countersign_axum::Algorithm::Hs256, &[7; 32])?;
//! let guard = Guard::new(Verifier::plain(key.verification_key())).style(ErrorStyle::FastApi);
//! let app = App { issuer: Issuer::plain(key), guard };
//! let router: axum::Router =
//!     FastApi::new("Wonderland", "token").routes(routes!(login)).routes(routes!(me)).with_state(app)?;
//! # drop(router);
//! # Ok(())
//! # }
//! ```

mod validation;
mod exception;
mod form_error;
mod form;
mod password_form;
mod email;
mod fields;
mod json_body;
mod schema;
mod describe;
mod paths;
mod app;

pub use app::FastApi;
pub use email::{EmailError, EmailStr};
pub use exception::HttpException;
pub use form_error::FormError;
pub use json_body::{JsonBody, JsonError};
pub use password_form::OAuth2PasswordRequestForm;
pub use paths::answer_like_fastapi;
pub use validation::{FieldError, ValidationError};
