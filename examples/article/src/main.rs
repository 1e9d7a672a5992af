//! Logging in with JWT, end to end: users with hashed passwords in a table, a token for thirty minutes, and a route that
//! knows who calls.
//!
//! ```sh
//! cargo run -p article
//! ```
//!
//! Then open <http://127.0.0.1:8000/docs> and log in as `testuser` with the password `password`.

use axum::Json;
use axum::extract::{FromRef, State};
use countersign_axum::fastapi::{FastApi, HttpException, OAuth2PasswordRequestForm};
use countersign_axum::form::TokenAnswer;
use countersign_axum::login::{MemoryUsers, UserRecord, authenticate};
use countersign_axum::serve::{Arguments, serve};
use countersign_axum::token::{Issuer, NewToken, SigningKey};
use countersign_axum::{
    Algorithm, Claims, Clock, CurrentUser, ErrorStyle, Guard, LoadUser, Unavailable, Verifier, routes,
};
use countersign_password::{HashPool, Hasher, Policy, PoolSettings};
use serde::Serialize;
use utoipa::ToSchema;

// Made with `openssl rand -hex 32`, and published here: make another one for a program of your own, and keep it secret.
const SECRET_KEY: &[u8] = b"380e91edcddfe3c0733585523c7bf4b80c9e6d720787142ed9da5e6c37a29185";
const TOKEN_EXPIRE_MINUTES: i64 = 30;

/// The table of users. A password is kept as a hash, here one of bcrypt, which becomes Argon2id when its user logs in.
const TEST_DB: &str = r#"{
    "username": "testuser", "full_name": "Test User", "email": "testuser@example.com",
    "password_hash": "$2b$12$PQO42dMponRoPGWyt5co5OiZCQJcpKDFxet8n5MnkUHNNHAg/mioS"
}"#;

/// What the API shows of a user.
#[derive(Serialize, ToSchema)]
struct User {
    username: String,
    email: Option<String>,
    full_name: Option<String>,
}

/// A user as the table has it, without the hash.
impl From<UserRecord> for User {
    fn from(record: UserRecord) -> Self {
        Self { username: record.username, email: record.email, full_name: record.full_name }
    }
}

/// The user whom a token speaks of; without one the token is refused.
impl LoadUser<App> for User {
    async fn load_user(claims: &Claims, app: &App) -> Result<Option<Self>, Unavailable> {
        Ok(app.users.get(claims.subject()).map(Self::from))
    }
}

/// What every handler may use.
#[derive(Clone, FromRef)]
struct App {
    users: MemoryUsers,
    passwords: HashPool,
    issuer: Issuer,
    guard: Guard,
}

/// Login method to authenticate
#[utoipa::path(post, path = "/login")]
async fn login(State(app): State<App>, form: OAuth2PasswordRequestForm) -> Result<TokenAnswer, HttpException> {
    let user = authenticate(&app.users, &app.passwords, form.username(), form.password()).await?;
    let request = NewToken::for_subject(user.username).lifetime_s(TOKEN_EXPIRE_MINUTES * 60);
    let access_token = app.issuer.issue(&request, Clock::system().now())?.token;
    Ok(TokenAnswer::fastapi(access_token))
}

/// Fetch current user
#[utoipa::path(get, path = "/user/current/")]
async fn fetch_user(CurrentUser(user): CurrentUser<User>) -> Json<User> {
    Json(user)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let key = SigningKey::from_secret(Algorithm::Hs256, SECRET_KEY)?;
    let app = App {
        users: MemoryUsers::from_json(TEST_DB)?.and_file(arguments.users.as_deref())?,
        passwords: HashPool::new(Hasher::new(Policy::default()), PoolSettings::default())?,
        guard: Guard::new(Verifier::plain(key.verification_key())).style(ErrorStyle::FastApi),
        issuer: Issuer::plain(key),
    };
    let program = FastApi::new("FastAPI", "login").routes(routes!(login)).routes(routes!(fetch_user));
    Ok(serve(program.with_state(app)?, arguments.listen).await?)
}
