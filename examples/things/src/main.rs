//! Tokens that stand for things: a car that may be driven, a blog post that may be edited. Whoever holds such a token, a
//! person or a bot without an account, acts with it alone.
//!
//! ```sh
//! cargo run -p things
//! ```
//!
//! Log in at <http://127.0.0.1:8000/docs> as `ada` with the password `countess`, and make a token for her car `foo` at
//! `POST /cars/{car}/tokens`. A bot drives the car with it:
//!
//! ```sh
//! curl -X POST http://127.0.0.1:8000/cars/foo/drive -H "Authorization: Bearer …"
//! ```

mod things;

use std::error::Error;

use axum::extract::{FromRef, State};
use countersign_axum::fastapi::{FastApi, HttpException, OAuth2PasswordRequestForm};
use countersign_axum::form::TokenAnswer;
use countersign_axum::login::{MemoryUsers, UserRecord, authenticate};
use countersign_axum::serve::{Arguments, serve};
use countersign_axum::token::{Issuer, NewToken, SigningKey, Subject};
use countersign_axum::{Algorithm, Claims, Clock, ErrorStyle, Guard, LoadUser, Unavailable, Verifier, routes};
use countersign_password::{HashPool, Hasher, Policy, PoolSettings};

use crate::things::Things;

const USERS: &str = r#"
{"username": "ada", "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$Sn2vzGOB+tjKoQ4JFTzj7Q$FZ7XERYz1Q0qG5/LM+EOey56MRo3gXtcfFF4UumOmxM"}
{"username": "bob", "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$42Ju3ItBlzATN/jSORVbew$zADC63ob7KFLaySeZ5KvkTNdgU+xFBwXDAQr51+h7z8"}
"#;

/// What every handler may use.
#[derive(Clone, FromRef)]
struct App {
    users: MemoryUsers,
    things: Things,
    passwords: HashPool,
    issuer: Issuer,
    guard: Guard,
}

/// Somebody with an account. The subject of a user's token is `user:ada`: one who is called like a car is no car.
struct User(UserRecord);

impl LoadUser<App> for User {
    async fn load_user(claims: &Claims, app: &App) -> Result<Option<Self>, Unavailable> {
        let subject = claims.subject().parse::<Subject>().ok().filter(|subject| subject.kind() == Subject::USER);
        Ok(subject.and_then(|subject| app.users.get(subject.id())).map(Self))
    }
}

/// Log in
#[utoipa::path(post, path = "/token")]
async fn login(State(app): State<App>, form: OAuth2PasswordRequestForm) -> Result<TokenAnswer, HttpException> {
    let user = authenticate(&app.users, &app.passwords, form.username(), form.password()).await?;
    let request = NewToken::for_subject(format!("{}:{}", Subject::USER, user.username));
    Ok(TokenAnswer::fastapi(app.issuer.issue(&request, Clock::system().now())?.token))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    // A key that nobody else has: tokens end with the program.
    let key = SigningKey::generate(Algorithm::Hs256)?;
    let app = App {
        users: MemoryUsers::from_json(USERS)?.and_file(arguments.users.as_deref())?,
        things: Things::default(),
        passwords: HashPool::new(Hasher::new(Policy::default()), PoolSettings::default())?,
        guard: Guard::new(Verifier::plain(key.verification_key())).style(ErrorStyle::FastApi),
        issuer: Issuer::plain(key),
    };
    let program = FastApi::new("Things", "token").routes(routes!(login)).merge(things::router());
    Ok(serve(program.with_state(app)?, arguments.listen).await?)
}
