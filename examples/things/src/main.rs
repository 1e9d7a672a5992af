//! Tokens that stand for things: a car that may be driven, a blog post that may be edited. Whoever holds such a token, a
//! person or a bot without an account, acts with it alone.
//!
//! ```sh
//! cargo run -p things
//! ```
//!
//! Log in at <http://127.0.0.1:8000/docs> as `ada` with the password `countess`, tick `drive`, and make a token for her car
//! `foo` at `POST /cars/{car}/tokens`: `{"scope": "drive", "seconds": 600}`. A bot drives the car with it:
//!
//! ```sh
//! curl -X POST http://127.0.0.1:8000/cars/foo/drive -H "Authorization: Bearer …"
//! ```

mod things;

use axum::Router;
use axum::extract::{FromRef, State};
use countersign_axum::docs::DocumentError;
use countersign_axum::fastapi::{FastApi, HttpException, OAuth2PasswordRequestForm};
use countersign_axum::form::TokenAnswer;
use countersign_axum::login::{MemoryUsers, authenticate};
use countersign_axum::serve::{Arguments, serve};
use countersign_axum::token::{IssueError, Issuer, NewToken, ScopeSet, SigningKey, Subject};
use countersign_axum::{Algorithm, Claims, Clock, ErrorStyle, Guard, LoadUser, Unavailable, Verifier, routes};
use countersign_password::{HashPool, Hasher, Policy, PoolSettings};

use crate::things::Things;

const USERS: &str = r#"
{"username": "ada", "scope": "drive unlock edit", "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$Sn2vzGOB+tjKoQ4JFTzj7Q$FZ7XERYz1Q0qG5/LM+EOey56MRo3gXtcfFF4UumOmxM"}
{"username": "bob", "scope": "unlock", "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$42Ju3ItBlzATN/jSORVbew$zADC63ob7KFLaySeZ5KvkTNdgU+xFBwXDAQr51+h7z8"}
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

impl App {
    fn new(users: MemoryUsers) -> anyhow::Result<Self> {
        // A key that nobody else has: tokens end with the program.
        let key = SigningKey::generate(Algorithm::Hs256)?;
        Ok(Self {
            users,
            things: Things::default(),
            passwords: HashPool::new(Hasher::new(Policy::default()), PoolSettings::default())?,
            guard: Guard::new(Verifier::plain(key.verification_key())).style(ErrorStyle::FastApi),
            issuer: Issuer::plain(key),
        })
    }
}

/// Somebody with an account, and what the token at hand permits. The subject of a user's token is `user:ada`: one who is
/// called like a car is no car.
struct User {
    name: String,
    permissions: ScopeSet,
}

impl LoadUser<App> for User {
    async fn load_user(claims: &Claims, app: &App) -> Result<Option<Self>, Unavailable> {
        let subject = claims.subject().parse::<Subject>().ok().filter(|subject| subject.kind() == Subject::USER);
        let user = subject.and_then(|subject| app.users.get(subject.id())).filter(|user| !user.disabled);
        Ok(user.map(|user| Self { name: user.username, permissions: claims.scope().intersection(&user.scope) }))
    }
}

/// Log in
#[utoipa::path(post, path = "/token")]
async fn login(State(app): State<App>, form: OAuth2PasswordRequestForm) -> Result<TokenAnswer, HttpException> {
    let user = authenticate(&app.users, &app.passwords, form.username(), form.password()).await?;
    let subject = Subject::user(&user.username).map_err(|_| IssueError::Subject)?;
    let request = NewToken::for_subject(subject.as_str()).scope(form.scope().intersection(&user.scope));
    Ok(TokenAnswer::fastapi(app.issuer.issue(&request, Clock::system().now())?.token))
}

fn program(app: App) -> Result<Router, DocumentError> {
    FastApi::new("Things", "token").routes(routes!(login)).merge(things::router()).with_state(app)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let users = MemoryUsers::from_json(USERS)?.and_file(arguments.users.as_deref())?;
    Ok(serve(program(App::new(users)?)?, arguments.listen).await?)
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use countersign_axum::testing::differences;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn every_route_demands_what_its_document_says() {
        let router = program(App::new(MemoryUsers::default()).expect("a state")).expect("a router");
        let request = Request::get("/openapi.json").body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("infallible");
        let document = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        let document: Value = serde_json::from_slice(&document).expect("JSON");
        assert_eq!(differences(router, &document).await, []);
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for operation in operations.as_object().expect("operations").values() {
                let declared = operation["parameters"].as_array().map_or(0, Vec::len);
                assert_eq!(declared, path.matches('{').count(), "{path}");
            }
        }
    }
}
