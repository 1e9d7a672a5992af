//! Countersign: users, grants, stores and the router of an OAuth2 authorization server, to embed in a program of your own or to run
//! as the server `countersign`.
//!
//! [`Countersign::open`] puts one together over the stores, and [`http::router`] answers its requests. Embedded in a program of
//! your own, its accounts guard your routes as well:
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{Router, routing::get};
//! use countersign::axum::{Clock, CurrentUser};
//! use countersign::password::{HashPool, Hasher, Policy, PoolSettings};
//! use countersign::sealing::SealingKey;
//! use countersign::store::memory::MemoryStore;
//! use countersign::user::User;
//! use countersign::{Countersign, Settings, Stores};
//!
//! async fn hello(CurrentUser(user): CurrentUser<User>) -> String {
//!     format!("Hello, {}!", user.username)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::new("https://api.example.com");
//! let stores = Stores::in_engine(Arc::new(MemoryStore::new()));
//! // Keep the bytes of the sealing key where the database is not.
//! let sealing = SealingKey::from_bytes(SealingKey::generate()?.as_ref())?;
//! let pool = HashPool::new(Hasher::new(Policy::default()), PoolSettings::default())?;
//! let app = Countersign::open(settings, stores, sealing, pool, Clock::system()).await?;
//!
//! let own = Router::new().route("/hello", get(hello)).with_state(app.clone());
//! let router: Router = countersign::http::router(app)?.merge(own);
//! # drop(router);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod times;
pub mod user;
pub mod status;
pub mod session;
pub mod client;
pub mod scopes;
pub mod entity;
pub mod throttle;
pub mod audit;
pub mod import;
pub mod store;
pub mod trail;
pub mod sealing;
pub mod password_rules;
pub mod settings;
pub mod keys;
mod refusal_log;
pub mod throttles;
pub mod accounts;
pub mod statuses;
pub mod sessions;
pub mod clients;
pub mod entities;
pub mod grant;
pub mod app;
mod introspection;
pub mod http;

pub use countersign_axum as axum;
pub use countersign_password as password;
pub use countersign_token as token;

pub use crate::app::{Countersign, Stores};
pub use crate::settings::{Profile, Registration, Settings, Throttling};
