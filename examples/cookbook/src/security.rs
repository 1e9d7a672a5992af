//! Logging in, and what only the logged in see: `POST /token`, `GET /users/me`.

use axum::Json;
use axum::extract::State;
use countersign_axum::fastapi::{HttpException, OAuth2PasswordRequestForm};
use countersign_axum::form::TokenAnswer;
use countersign_axum::login::authenticate;
use countersign_axum::token::NewToken;
use countersign_axum::{Clock, CurrentUser, routes};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::users::User;

const ACCESS_TOKEN_EXPIRE_MINUTES: i64 = 30;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(log_in)).routes(routes!(read_user_me))
}

/// Log in by user name or e-mail address
#[utoipa::path(post, path = "/token", responses((status = 401, description = "Incorrect username or password")))]
async fn log_in(State(app): State<App>, form: OAuth2PasswordRequestForm) -> Result<TokenAnswer, HttpException> {
    let user = authenticate(&app.users, &app.passwords, form.username(), form.password()).await?;
    let request = NewToken::for_subject(user.username).lifetime_s(ACCESS_TOKEN_EXPIRE_MINUTES * 60);
    Ok(TokenAnswer::fastapi(app.issuer.issue(&request, Clock::system().now())?.token))
}

/// See that one is authorized
#[utoipa::path(get, path = "/users/me", responses(
    (status = 200, description = "username authorized", body = Value),
    (status = 401, description = "User not authorized"),
))]
async fn read_user_me(CurrentUser(user): CurrentUser<User>) -> Json<Value> {
    Json(json!({ "description": format!("{} authorized", user.username) }))
}
