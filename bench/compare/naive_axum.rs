//! A first axum program with passwords and tokens, with nothing of Countersign in it: a map of users, HS256 by
//! jsonwebtoken, Argon2id by the argon2 crate at its defaults, and the password checked where it arrives, in the handler.
//! `naive-axum PORT`

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::{Context, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use axum::extract::{Form, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Json, Router};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode, get_current_timestamp};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

const SECRET: &[u8] = b"a-secret-of-the-bench-which-is-long-enough";
const LIFETIME: Duration = Duration::from_mins(30);

static DECODING: LazyLock<DecodingKey> = LazyLock::new(|| DecodingKey::from_secret(SECRET));
static ENCODING: LazyLock<EncodingKey> = LazyLock::new(|| EncodingKey::from_secret(SECRET));

/// A user as the answer shows it.
#[derive(Clone, Serialize)]
struct User {
    username: String,
    email: String,
    full_name: String,
    disabled: bool,
}

struct Account {
    user: User,
    hash: String,
}

type Accounts = Arc<HashMap<String, Account>>;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

#[derive(Serialize)]
struct Token {
    access_token: String,
    token_type: &'static str,
}

impl FromRequestParts<Accounts> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, accounts: &Accounts) -> Result<Self, StatusCode> {
        let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
        let token = decode::<Claims>(token, &DECODING, &Validation::default()).map_err(|_| StatusCode::UNAUTHORIZED)?;
        let account = accounts.get(&token.claims.sub).ok_or(StatusCode::UNAUTHORIZED)?;
        Ok(account.user.clone())
    }
}

async fn log_in(State(accounts): State<Accounts>, Form(login): Form<Login>) -> Result<Json<Token>, StatusCode> {
    let account = accounts.get(&login.username).ok_or(StatusCode::UNAUTHORIZED)?;
    let hash = PasswordHash::new(&account.hash).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Argon2::default().verify_password(login.password.as_bytes(), &hash).map_err(|_| StatusCode::UNAUTHORIZED)?;
    let claims = Claims { sub: login.username, exp: get_current_timestamp() + LIFETIME.as_secs() };
    let access_token = encode(&Header::default(), &claims, &ENCODING).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(Token { access_token, token_type: "bearer" }))
}

async fn me(user: User) -> Json<User> {
    Json(user)
}

#[tokio::main]
async fn main() -> Result<()> {
    let port: u16 = std::env::args().nth(1).context("usage: naive-axum PORT")?.parse()?;
    let hash = Argon2::default().hash_password(b"correct-horse-1").map_err(|error| anyhow::anyhow!("{error}"))?;
    let user = User {
        username: "johndoe".to_owned(),
        email: "johndoe@example.com".to_owned(),
        full_name: "John Doe".to_owned(),
        disabled: false,
    };
    let accounts = HashMap::from([(user.username.clone(), Account { user, hash: hash.to_string() })]);
    let router = Router::new().route("/token", post(log_in)).route("/users/me", get(me)).with_state(Arc::new(accounts));
    axum::serve(TcpListener::bind(("127.0.0.1", port)).await?, router).await?;
    Ok(())
}
