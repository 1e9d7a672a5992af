//! A Countersign in memory, and how the tests talk to it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Request, StatusCode};
use countersign::sealing::SealingKey;
use countersign::store::memory::MemoryStore;
use countersign::user::UserId;
use countersign::{Countersign, Settings, Stores};
use countersign_axum::{Clock, ClockHand};
use countersign_password::{Argon2Params, HashPool, Hasher, Policy, PoolSettings};
use countersign_token::ScopeSet;
use serde_json::{Value, json};
use tower::ServiceExt;

pub const ISSUER: &str = "https://login.test";
pub const PASSWORD: &str = "correct horse battery staple";

/// A Countersign in memory, with a clock that the test moves.
pub struct Server {
    pub app: Countersign,
    pub router: Router,
    pub clock: ClockHand,
}

/// An answer, its body read as JSON; `null` when it is none.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(ISSUER);
        change(&mut settings);
        let (clock, hand) = Clock::settable(1_800_000_000);
        let hasher = Hasher::new(Policy { argon2: Argon2Params::for_tests(), ..Policy::default() });
        let pool = HashPool::new(hasher, PoolSettings::default()).unwrap();
        let sealing = SealingKey::from_bytes(SealingKey::generate().unwrap().as_ref()).unwrap();
        let stores = Stores::in_engine(Arc::new(MemoryStore::new()));
        let app = Countersign::open(settings, stores, &sealing, pool, clock).await.unwrap();
        Self { router: countersign::http::router(app.clone()), app, clock: hand }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(fields).unwrap();
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn json(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn bare(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Registers a user with [`PASSWORD`] and an address of the same name.
    pub async fn register(&self, username: &str) -> UserId {
        let body =
            json!({ "username": username, "password": PASSWORD, "email": format!("{username}@example.com") });
        let answer = self.json("POST", "/users", None, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.body["id"].as_str().unwrap().parse().unwrap()
    }

    /// Registers a user who has these scopes.
    pub async fn register_with(&self, username: &str, scopes: &str) -> UserId {
        use countersign::user::{ScopesChange, UserChange};
        let id = self.register(username).await;
        let scopes = ScopesChange::Replace(ScopeSet::parse(scopes).unwrap());
        let change = UserChange { scopes, ..UserChange::default() };
        self.app.stores().users.update(id, &change, self.app.clock().now()).await.unwrap().unwrap();
        id
    }

    /// Logs in with [`PASSWORD`].
    pub async fn log_in(&self, username: &str) -> String {
        let answer = self.password_grant(&[("username", username), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// A token request of the password grant with these fields besides.
    pub async fn password_grant(&self, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("grant_type", "password")];
        all.extend_from_slice(fields);
        self.form("/token", &all).await
    }
}
