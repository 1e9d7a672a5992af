//! A lesson on verifying tokens: whoever shows a good one reads the message, and nobody else.
//!
//! ```sh
//! cargo run -p lesson
//! ```
//!
//! Then open <http://127.0.0.1:8000/docs> and log in as `user1` with the password `pass1`.

use axum::Json;
use axum::extract::{FromRef, State};
use countersign_axum::fastapi::{FastApi, HttpException, OAuth2PasswordRequestForm};
use countersign_axum::form::TokenAnswer;
use countersign_axum::login::{MemoryUsers, UserRecord, authenticate};
use countersign_axum::serve::{Arguments, serve};
use countersign_axum::token::{Issuer, NewToken, SigningKey};
use countersign_axum::{Clock, CurrentUser, ErrorStyle, Guard, Verifier, routes};
use countersign_password::{HashPool, Hasher, Policy, PoolSettings};
use serde_json::{Value, json};

// A published key, and a short one: for this lesson alone.
const SECRET_KEY: &[u8] = b"your_secret_key";
const ACCESS_TOKEN_EXPIRE_MINUTES: i64 = 30;
const USERS: &str = r#"
{"username": "user1", "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$OpX+T/03UgNWyydJtM0Csw$QeccUD9zk0WoZ0S+fnRp0KZAahwozEQlk0p7qE/fWF4"}
{"username": "user2", "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$wn3saHD1RIrZ7tMa4NyIJg$CwPzj2UK5H5WzfzxtkDvO966E6NDBtj7zzFMgbgpnZ0"}
"#;

#[derive(Clone, FromRef)]
struct App {
    users: MemoryUsers,
    passwords: HashPool,
    issuer: Issuer,
    guard: Guard,
}

/// A name and a password become a token.
#[utoipa::path(post, path = "/login")]
async fn login(State(app): State<App>, form: OAuth2PasswordRequestForm) -> Result<TokenAnswer, HttpException> {
    let user = authenticate(&app.users, &app.passwords, form.username(), form.password()).await?;
    let request = NewToken::for_subject(user.username).lifetime_s(ACCESS_TOKEN_EXPIRE_MINUTES * 60);
    Ok(TokenAnswer::fastapi(app.issuer.issue(&request, Clock::system().now())?.token))
}

/// This runs only after the token was verified and its user found.
#[utoipa::path(get, path = "/secure-message")]
async fn secure_message(CurrentUser(_): CurrentUser<UserRecord>) -> Json<Value> {
    Json(json!({ "message": "This is a secured message" }))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let key = SigningKey::from_weak_secret(SECRET_KEY)?;
    let guard = Guard::new(Verifier::plain(key.verification_key())).style(ErrorStyle::FastApi);
    let app = App {
        users: MemoryUsers::from_json(USERS)?.and_file(arguments.users.as_deref())?,
        passwords: HashPool::new(Hasher::new(Policy::default()), PoolSettings::default())?,
        issuer: Issuer::plain(key),
        guard: guard.invalid_token_detail("Invalid token"),
    };
    let program = FastApi::new("FastAPI", "login").routes(routes!(login)).routes(routes!(secure_message));
    Ok(serve(program.with_state(app)?, arguments.listen).await?)
}
