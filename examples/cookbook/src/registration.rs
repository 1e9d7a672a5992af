//! Registration: `POST /register/user`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_axum::fastapi::{EmailStr, FieldError, HttpException, JsonBody};
use countersign_axum::login::LoginError;
use countersign_axum::routes;
use countersign_axum::token::is_subject;
use countersign_password::{Password, PasswordError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

#[derive(Deserialize, ToSchema)]
struct UserCreate {
    #[schema(min_length = 1)]
    username: String,
    email: EmailStr,
    #[schema(format = Password, min_length = 1)]
    password: String,
}

#[derive(Serialize, ToSchema)]
struct UserCreated {
    message: &'static str,
    user: UserView,
}

#[derive(Serialize, ToSchema)]
struct UserView {
    username: String,
    email: EmailStr,
}

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(register))
}

/// Register a user
#[utoipa::path(post, path = "/register/user", responses(
    (status = 201, description = "The user was created", body = UserCreated),
    (status = 409, description = "The user name or the e-mail address is taken"),
))]
async fn register(
    State(app): State<App>,
    JsonBody(new): JsonBody<UserCreate>,
) -> Result<(StatusCode, Json<UserCreated>), HttpException> {
    if new.username.contains('@') || !is_subject(&new.username) {
        let text = "a user name has no @, no control characters, no space at its ends, and at most 255 bytes";
        return Err(FieldError::value_error("username", text).into());
    }
    let wrong = |error: PasswordError| FieldError::value_error("password", error.to_string());
    let password = Password::new(new.password).map_err(wrong)?;
    let hash = app.passwords.hash(password).await.map_err(LoginError::from)?;
    let row = (new.username.clone(), Some(new.email.to_string()), Some(hash.as_str().to_owned()));
    if !app.users.insert(row).await? {
        return Err(HttpException::new(StatusCode::CONFLICT, "username or email already exists"));
    }
    let user = UserView { username: new.username, email: new.email };
    Ok((StatusCode::CREATED, Json(UserCreated { message: "user created", user })))
}
