//! OAuth2 with a password (hashed) and a bearer with JWT tokens, as FastAPI's documentation teaches it; and scopes.
//!
//! ```sh
//! cargo run -p fastapi-docs
//! ```
//!
//! Then open <http://127.0.0.1:8000/docs> and log in as `johndoe` with the password `secret`. The boxes in the dialog are
//! the scopes that the routes below demand: nobody has listed them.

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use countersign_axum::fastapi::{FastApi, HttpException, OAuth2PasswordRequestForm};
use countersign_axum::form::TokenAnswer;
use countersign_axum::login::{MemoryUsers, UserRecord, authenticate};
use countersign_axum::serve::{Arguments, serve};
use countersign_axum::token::{IssueError, Issuer, NewToken, SigningKey};
use countersign_axum::{
    Algorithm, Claims, Clock, CurrentUser, ErrorStyle, Guard, LoadUser, Requirement, Requires, Scope, Scoped,
    Unavailable, Verifier, routes,
};
use countersign_password::{Argon2Params, HashPool, Hasher, Policy, PoolSettings};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

// Made with `openssl rand -hex 32`, and published here: make another one for a program of your own, and keep it secret.
const SECRET_KEY: &[u8] = b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7";
const ACCESS_TOKEN_EXPIRE_MINUTES: i64 = 30;
const FAKE_USERS_DB: &str = r#"{
    "username": "johndoe", "full_name": "John Doe", "email": "johndoe@example.com", "disabled": false,
    "password_hash": "$argon2id$v=19$m=65536,t=3,p=4$wagCPXjifgvUFBzq4hqe3w$CYaIb8sB+wtD+Vu/P4uod1+Qof8h+1g7bbDlBID48Rc",
    "scope": "items:read items:write"
}"#;

struct ItemsRead;
impl Scope for ItemsRead {
    const NAME: &'static str = "items:read";
    const DESCRIPTION: &'static str = "Read items.";
}

struct ItemsWrite;
impl Scope for ItemsWrite {
    const NAME: &'static str = "items:write";
    const DESCRIPTION: &'static str = "Change items.";
}

#[derive(Clone, FromRef)]
struct App {
    users: MemoryUsers,
    passwords: HashPool,
    issuer: Issuer,
    guard: Guard,
}

/// What the API shows of a user: all but the hash.
#[derive(Serialize, ToSchema)]
struct User {
    username: String,
    email: Option<String>,
    full_name: Option<String>,
    disabled: Option<bool>,
}

impl From<UserRecord> for User {
    fn from(record: UserRecord) -> Self {
        let UserRecord { username, email, full_name, disabled, .. } = record;
        // Of an account without a profile nothing is said but the name, unless it is disabled.
        let disabled = (disabled || email.is_some() || full_name.is_some()).then_some(disabled);
        Self { username, email, full_name, disabled }
    }
}

/// `get_current_user`: the user whom a good token speaks of.
impl LoadUser<App> for User {
    async fn load_user(claims: &Claims, app: &App) -> Result<Option<Self>, Unavailable> {
        Ok(app.users.get(claims.subject()).map(Self::from))
    }
}

/// `get_current_active_user`: an extractor that is built of a guard demands what the guard demands, and more.
struct ActiveUser(User);

impl Requires for ActiveUser {
    fn requirement() -> Requirement {
        CurrentUser::<User>::requirement()
    }
}

impl FromRequestParts<App> for ActiveUser {
    type Rejection = HttpException;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, HttpException> {
        let CurrentUser(user) = CurrentUser::<User>::from_request_parts(parts, app).await?;
        match user.disabled {
            Some(true) => Err(HttpException::new(StatusCode::BAD_REQUEST, "Inactive user")),
            _ => Ok(Self(user)),
        }
    }
}

/// A token that says this: for 15 minutes, unless a time in seconds is given.
fn create_access_token(app: &App, data: NewToken, expires_s: Option<i64>) -> Result<String, IssueError> {
    let data = data.lifetime_s(expires_s.unwrap_or(15 * 60));
    Ok(app.issuer.issue(&data, Clock::system().now())?.token)
}

/// Trade a name and a password for a token.
#[utoipa::path(post, path = "/token")]
async fn login(State(app): State<App>, form: OAuth2PasswordRequestForm) -> Result<TokenAnswer, HttpException> {
    let user = authenticate(&app.users, &app.passwords, form.username(), form.password()).await?;
    let data = NewToken::for_subject(user.username).scope(form.scope().intersection(&user.scope));
    let token = create_access_token(&app, data, Some(ACCESS_TOKEN_EXPIRE_MINUTES * 60))?;
    Ok(TokenAnswer::fastapi(token))
}

/// The user of the token.
#[utoipa::path(get, path = "/users/me/")]
async fn read_users_me(ActiveUser(user): ActiveUser) -> Json<User> {
    Json(user)
}

/// The items of the user of the token.
#[utoipa::path(get, path = "/users/me/items/")]
async fn read_own_items(ActiveUser(user): ActiveUser) -> Json<Value> {
    Json(json!([{ "item_id": "Foo", "owner": user.username }]))
}

/// All items, for who may read them.
#[utoipa::path(get, path = "/items/")]
async fn read_items(_: ActiveUser, _: Scoped<ItemsRead>) -> Json<Value> {
    Json(json!([{ "item_id": "Foo", "owner": "johndoe" }]))
}

/// A new item, from who may change them.
#[utoipa::path(post, path = "/items/")]
async fn create_item(ActiveUser(user): ActiveUser, _: Scoped<ItemsWrite>) -> Json<Value> {
    Json(json!({ "item_id": "Bar", "owner": user.username }))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let key = SigningKey::from_secret(Algorithm::Hs256, SECRET_KEY)?;
    let app = App {
        users: MemoryUsers::from_json(FAKE_USERS_DB)?.and_file(arguments.users.as_deref())?,
        passwords: HashPool::new(Hasher::new(Policy::new(Argon2Params::HIGH)), PoolSettings::default())?,
        guard: Guard::new(Verifier::plain(key.verification_key())).style(ErrorStyle::FastApi),
        issuer: Issuer::plain(key),
    };
    let program = FastApi::new("FastAPI", "token").routes(routes!(login)).routes(routes!(read_users_me));
    let program = program.routes(routes!(read_own_items)).routes(routes!(read_items, create_item));
    Ok(serve(program.with_state(app)?, arguments.listen).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> (App, Verifier) {
        let key = SigningKey::from_secret(Algorithm::Hs256, SECRET_KEY).unwrap();
        let verifier = Verifier::plain(key.verification_key());
        let passwords = HashPool::new(Hasher::new(Policy::default()), PoolSettings::default()).unwrap();
        let (users, guard) = (MemoryUsers::default(), Guard::new(verifier.clone()));
        (App { users, passwords, guard, issuer: Issuer::plain(key) }, verifier)
    }

    #[test]
    fn a_token_lives_for_15_minutes_unless_asked_for_longer_and_never_for_nothing() {
        let (app, verifier) = app();
        let before = Clock::system().now();
        let life = |expires_s| {
            let token = create_access_token(&app, NewToken::for_subject("johndoe"), expires_s)?;
            let claims = verifier.verify(&token, before).expect("a good token");
            Ok(claims.expires_at() - before)
        };
        let week = 7 * 24 * 60 * 60;
        // The clock may move on while a token is made.
        assert!(life(None).is_ok_and(|life| (15 * 60..15 * 60 + 5).contains(&life)));
        assert!(life(Some(week)).is_ok_and(|life| (week..week + 5).contains(&life)));
        assert_eq!(life(Some(0)), Err(IssueError::Lifetime));
    }
}
