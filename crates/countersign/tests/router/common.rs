//! A Countersign in memory, and how the tests talk to it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
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

pub(crate) const ISSUER: &str = "https://login.test";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A Countersign in memory, with a clock that the test moves.
pub(crate) struct Server {
    pub(crate) app: Countersign,
    pub(crate) router: Router,
    pub(crate) clock: ClockHand,
    /// What hashes for it.
    pub(crate) hashing: HashPool,
    sealing: Arc<SealingKey>,
}

/// An answer, its body read as JSON; `null` when it is none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(ISSUER);
        change(&mut settings);
        Self::open(settings, new_stores(), new_sealing_key(), cheap_pool()).await
    }

    /// One whose hashing is as dear and as narrow as this.
    pub(crate) async fn hashing_with(argon2: Argon2Params, pool: PoolSettings) -> Self {
        Self::open(Settings::new(ISSUER), new_stores(), new_sealing_key(), pool_of(argon2, pool)).await
    }

    /// A second one with other settings over the same stores.
    pub(crate) async fn over(first: &Self, settings: Settings) -> Self {
        Self::open(settings, first.app.stores().clone(), first.sealing.clone(), cheap_pool()).await
    }

    /// A second one whose hashing is as dear and as narrow as this.
    pub(crate) async fn over_with(first: &Self, argon2: Argon2Params, pool: PoolSettings) -> Self {
        let pool = pool_of(argon2, pool);
        Self::open(first.app.settings().clone(), first.app.stores().clone(), first.sealing.clone(), pool).await
    }

    async fn open(settings: Settings, stores: Stores, sealing: Arc<SealingKey>, pool: HashPool) -> Self {
        let (clock, hand) = Clock::settable(1_800_000_000);
        let app = Countersign::open(settings, stores, Arc::clone(&sealing), pool.clone(), clock).await.unwrap();
        let router = countersign::http::router(app.clone()).unwrap();
        Self { router, app, clock: hand, hashing: pool, sealing }
    }

    pub(crate) fn sealing(&self) -> &SealingKey {
        &self.sealing
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(form(path, fields)).await
    }

    /// The same, from this address.
    pub(crate) async fn form_from(&self, address: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(from(address, form(path, fields))).await
    }

    pub(crate) async fn json(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn bare(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Registers a user with [`PASSWORD`] and an address of the same name.
    pub(crate) async fn register(&self, username: &str) -> UserId {
        let body = json!({ "username": username, "password": PASSWORD, "email": format!("{username}@example.com") });
        let answer = self.json("POST", "/users", None, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.body["id"].as_str().unwrap().parse().unwrap()
    }

    /// Registers a user who has these scopes.
    pub(crate) async fn register_with(&self, username: &str, scopes: &str) -> UserId {
        use countersign::user::{ScopesChange, UserChange};
        let id = self.register(username).await;
        let scopes = ScopesChange::Replace(ScopeSet::parse(scopes).unwrap());
        let change = UserChange { scopes, ..UserChange::default() };
        self.app.stores().users.update(id, &change, self.app.clock().now()).await.unwrap().unwrap();
        id
    }

    /// Logs in with [`PASSWORD`].
    pub(crate) async fn log_in(&self, username: &str) -> String {
        let answer = self.password_grant(&[("username", username), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// A token request of the password grant with these fields besides.
    pub(crate) async fn password_grant(&self, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("grant_type", "password")];
        all.extend_from_slice(fields);
        self.form("/token", &all).await
    }
}

fn form(path: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let body = serde_urlencoded::to_string(fields).unwrap();
    let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(Body::from(body)).unwrap()
}

/// The request as if it came from this address.
pub(crate) fn from(address: &str, mut request: Request<Body>) -> Request<Body> {
    let peer = SocketAddr::new(address.parse().unwrap(), 4711);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn new_stores() -> Stores {
    Stores::in_engine(Arc::new(MemoryStore::new()))
}

fn new_sealing_key() -> Arc<SealingKey> {
    Arc::new(SealingKey::from_bytes(SealingKey::generate().unwrap().as_ref()).unwrap())
}

fn cheap_pool() -> HashPool {
    pool_of(Argon2Params::for_tests(), PoolSettings::default())
}

fn pool_of(argon2: Argon2Params, size: PoolSettings) -> HashPool {
    HashPool::new(Hasher::new(Policy::new(argon2)), size).unwrap()
}
