//! An API that takes the tokens of a running Countersign server, and knows nothing of users and passwords.
//!
//! ```sh
//! cargo run --release -- serve &
//! cargo run -p resource-server -- --listen 127.0.0.1:9000 --issuer http://127.0.0.1:8000
//! ```
//!
//! It finds the server's keys by itself, and goes on when the server is away. Log in at the server's `/docs`, and show the token
//! here.

use std::net::SocketAddr;

use axum::Json;
use clap::Parser;
use countersign_axum::openapi::PasswordFlow;
use countersign_axum::remote::RemoteIssuer;
use countersign_axum::serve::serve;
use countersign_axum::{Bearer, Guard, Scope, Scoped, docs, routes};
use utoipa_axum::router::OpenApiRouter;

/// An API that takes the tokens of a Countersign server
#[derive(Parser)]
struct Options {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// The server, as it names itself in its tokens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    issuer: String,
    /// Whom the tokens are for: the server's setting `audience`, which is the issuer unless it is set
    #[arg(long, value_name = "NAME")]
    audience: Option<String>,
}

struct UsersRead;
impl Scope for UsersRead {
    const NAME: &'static str = "users:read";
    const DESCRIPTION: &'static str = "Read users.";
}

/// For everybody.
#[utoipa::path(get, path = "/")]
async fn welcome() -> Json<&'static str> {
    Json("Welcome. Show a token at /me.")
}

/// For who shows a token.
#[utoipa::path(get, path = "/me")]
async fn me(Bearer(claims): Bearer) -> Json<String> {
    Json(claims.subject().to_owned())
}

/// For who shows a token with a scope.
#[utoipa::path(get, path = "/report")]
async fn report(token: Scoped<UsersRead>) -> Json<String> {
    Json(format!("{} may read users.", token.claims().subject()))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Options { listen, issuer, audience } = Options::parse();
    let guard = RemoteIssuer::new(&issuer, audience.as_ref().unwrap_or(&issuer)).guard()?;
    let router = OpenApiRouter::<Guard>::new().routes(routes!(welcome)).routes(routes!(me)).routes(routes!(report));
    let (router, mut document) = router.split_for_parts();
    PasswordFlow::at(format!("{issuer}/token")).write_to(&mut document);
    Ok(serve(router.merge(docs::router(&document)?).with_state(guard), listen).await?)
}
