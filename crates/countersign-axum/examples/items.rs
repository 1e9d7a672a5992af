//! A whole API in one file: a login, guarded routes, and documentation in which the Authorize button works.
//!
//! ```sh
//! cargo run -p countersign-axum --example items --features docs,form,openapi
//! ```
//!
//! Then open <http://127.0.0.1:3000/docs> and log in as `alice` with the password `wonderland`. Her tokens carry
//! `items:read`, and `items:write` when it is asked for.

use std::error::Error;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, Path, State};
use axum::response::{IntoResponse, Response};
use countersign_axum::form::{PasswordForm, TokenAnswer, TokenError, TokenErrorCode};
use countersign_axum::openapi::PasswordFlow;
use countersign_axum::token::{Issuer, NewToken, ScopeSet, SigningKey};
use countersign_axum::{
    Algorithm, Claims, Clock, CurrentUser, Guard, LoadUser, Problem, Scope, Scoped, Unavailable, Verifier, docs, routes,
};
use countersign_password::{HashPool, Hasher, Password, PasswordHash, Policy, PoolSettings};
use http::StatusCode;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

// The scopes of this API. Each route names those that it demands, and the document follows.

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

// The state: what a program would have anyway, and the guard.

#[derive(Clone)]
struct App {
    guard: Guard,
    issuer: Arc<Issuer>,
    clock: Clock,
    passwords: HashPool,
    alice: Arc<PasswordHash>,
}

impl FromRef<App> for Guard {
    fn from_ref(app: &App) -> Self {
        app.guard.clone()
    }
}

#[derive(serde::Serialize, utoipa::ToSchema)]
struct User {
    username: String,
}

impl LoadUser<App> for User {
    async fn load_user(claims: &Claims, _: &App) -> Result<Option<Self>, Unavailable> {
        Ok((claims.subject() == "alice").then(|| Self { username: "alice".to_owned() }))
    }
}

// The routes. A parameter is the guard: nothing else is written.

/// Who am I?
#[utoipa::path(get, path = "/users/me", responses((status = 200, description = "The user of the token", body = User)))]
async fn me(CurrentUser(user): CurrentUser<User>) -> Json<User> {
    Json(user)
}

/// Read an item.
#[utoipa::path(get, path = "/items/{id}", params(("id" = u32, Path, description = "Below 100")), responses(
    (status = 200, description = "The item", body = String),
    (status = 404, description = "No such item", body = Problem, content_type = "application/problem+json"),
))]
async fn item(_: Scoped<ItemsRead>, Path(id): Path<u32>) -> Result<Json<String>, Problem> {
    if id < 100 { Ok(Json(format!("Item {id}"))) } else { Err(Problem::new(StatusCode::NOT_FOUND, "No such item")) }
}

/// Delete an item.
#[utoipa::path(delete, path = "/items/{id}", params(("id" = u32, Path)), responses((status = 204, description = "Gone")))]
async fn delete_item(_: CurrentUser<User>, _: Scoped<(ItemsRead, ItemsWrite)>, Path(_): Path<u32>) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Log in.
#[utoipa::path(post, path = "/token", responses((status = 200, description = "A token", body = TokenAnswer)),
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"))]
async fn token(State(app): State<App>, form: PasswordForm) -> Result<TokenAnswer, Response> {
    let known = (form.username() == "alice").then(|| app.alice.as_ref().clone());
    let password =
        Password::new(form.password().to_owned()).map_err(|_| TokenError::wrong_password().into_response())?;
    // An unknown user costs as much as a known one.
    let verdict = app.passwords.verify(password, known).await;
    let verdict =
        verdict.map_err(|_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Try again later").into_response())?;
    if !verdict.is_match() {
        return Err(TokenError::wrong_password().into_response());
    }
    let scope = granted(form.scope()).map_err(IntoResponse::into_response)?;
    let request = NewToken::for_subject(form.username()).scope(scope.clone()).lifetime_s(1800);
    let issued = app.issuer.issue(&request, app.clock.now());
    let issued = issued.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())?;
    Ok(TokenAnswer::new(issued.token, 1800).scope(scope))
}

/// What alice may have of what she asks for; reading, when she asks for nothing.
fn granted(asked: Option<&ScopeSet>) -> Result<ScopeSet, TokenError> {
    let scopes = |names: &[&str]| ScopeSet::from_tokens(names).unwrap_or_default();
    let allowed = scopes(&[ItemsRead::NAME, ItemsWrite::NAME]);
    let granted = asked.map_or_else(|| scopes(&[ItemsRead::NAME]), |asked| asked.intersection(&allowed));
    if granted.is_empty() {
        return Err(TokenError::new(TokenErrorCode::InvalidScope, "None of these scopes can be granted"));
    }
    Ok(granted)
}

#[derive(OpenApi)]
#[openapi(info(title = "Items", version = "1.0", description = "An API that guards and documents itself."))]
struct Api;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A key that is shared with nobody: tokens end with the program.
    let key = SigningKey::generate(Algorithm::Hs256)?;
    let passwords = HashPool::new(Hasher::new(Policy::default()), PoolSettings::default())?;
    let app = App {
        guard: Guard::new(Verifier::plain(key.verification_key())).realm("items"),
        issuer: Arc::new(Issuer::plain(key)),
        clock: Clock::system(),
        alice: Arc::new(passwords.hash(Password::new("wonderland".to_owned())?).await?),
        passwords,
    };

    let (router, mut document) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(me))
        .routes(routes!(item, delete_item))
        .routes(routes!(token))
        .split_for_parts();
    PasswordFlow::at("token").write_to(&mut document);
    let router = router.merge(docs::router(&document)?).with_state(app);

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}/docs", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
