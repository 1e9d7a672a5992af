//! The router: every route of the server on this page.

mod error;
mod json;
mod view;
mod health;
mod well_known;
mod token;
mod me;
mod users;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get, post, put};

use crate::app::Countersign;
use crate::http::error::ApiError;

/// The router of a Countersign, with the pages `/docs` and `/redoc` and the document that they show.
pub fn router(app: Countersign) -> Router {
    Router::new()
        .route("/token", post(token::issue))
        .route("/users", get(users::list).post(users::register))
        .route("/users/me", get(me::read_own).patch(me::change_own).delete(me::delete_own))
        .route("/users/me/password", put(me::change_password))
        .route("/users/{id}", get(users::read).patch(users::change_user).delete(users::delete))
        .route("/.well-known/oauth-authorization-server", get(well_known::metadata))
        .route("/.well-known/jwks.json", get(well_known::key_set))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/", get(|| async { Redirect::temporary("docs") }))
        .fallback(|| async { ApiError::new(StatusCode::NOT_FOUND, "Not Found") })
        .method_not_allowed_fallback(|| async { ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed") })
        .with_state(app)
}
