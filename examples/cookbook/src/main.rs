//! A recipe: users in an SQL table, who register, log in by user name or e-mail address, and show a token.
//!
//! ```sh
//! cargo run -p cookbook -- --database users.db
//! ```
//!
//! Then open <http://127.0.0.1:8000/docs>, register at `POST /register/user`, and log in by the name or the address.

mod users;
mod registration;
mod security;

use std::path::PathBuf;

use axum::extract::FromRef;
use clap::Parser;
use countersign_axum::fastapi::FastApi;
use countersign_axum::login::UserRecord;
use countersign_axum::serve::{Arguments, serve};
use countersign_axum::token::{Issuer, SigningKey};
use countersign_axum::{ErrorStyle, Guard, Verifier};
use countersign_password::{HashPool, Hasher, Policy, PoolSettings};

use crate::users::Users;

// A published key, and a short one: for this recipe alone.
const SECRET_KEY: &[u8] = b"a_very_secret_key";

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    arguments: Arguments,
    /// Where the users are kept; in memory, unless given
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
}

/// What every handler may use.
#[derive(Clone, FromRef)]
struct App {
    users: Users,
    passwords: HashPool,
    issuer: Issuer,
    guard: Guard,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Options { arguments, database } = Options::parse();
    let users = Users::open(database.as_deref())?;
    for record in arguments.users.as_deref().map_or(Ok(Vec::new()), UserRecord::read_file)? {
        let hash = record.password_hash.map(|hash| hash.as_str().to_owned());
        users.insert((record.username, record.email, hash)).await?;
    }
    let key = SigningKey::from_weak_secret(SECRET_KEY)?;
    let guard = Guard::new(Verifier::plain(key.verification_key())).style(ErrorStyle::FastApi);
    let app = App {
        users,
        passwords: HashPool::new(Hasher::new(Policy::default()), PoolSettings::default())?,
        guard: guard.invalid_token_detail("User not authorized"),
        issuer: Issuer::plain(key),
    };
    let program = FastApi::new("Saas application", "token").merge(registration::router()).merge(security::router());
    Ok(serve(program.with_state(app)?, arguments.listen).await?)
}
