//! A small authorization server on a real socket, which says what a test wants and counts what it is asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countersign_axum::token::{Issuer, NewToken, SigningKey, StatusList, StatusListLives, StatusReference};
use countersign_axum::{Algorithm, KeySet};
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::{AUDIENCE, NOW};

/// What an address answers.
#[derive(Clone)]
pub(crate) enum Play {
    Text(String),
    Redirect(String),
    Broken,
    /// No answer at all.
    Silence,
}

#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) metadata: Play,
    pub(crate) jwks: Play,
    pub(crate) cache_control: &'static str,
    /// The one list of statuses.
    pub(crate) list: Play,
}

/// How often each was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) metadata: u32,
    pub(crate) jwks: u32,
    pub(crate) list: u32,
    /// How often the list was asked for by whoever had it already.
    pub(crate) unchanged: u32,
}

#[derive(Clone)]
struct Stage {
    script: Arc<Mutex<Script>>,
    asked: Arc<watch::Sender<Asked>>,
}

pub(crate) struct Fake {
    pub(crate) issuer: String,
    address: SocketAddr,
    stage: Stage,
    listening: Option<AbortHandle>,
}

impl Fake {
    /// A server with this key, listening.
    pub(crate) async fn with(key: &SigningKey) -> Self {
        let mut fake = Self::silent(key).await;
        fake.start().await;
        fake
    }

    /// A server that does not listen yet: who connects is refused.
    pub(crate) async fn silent(key: &SigningKey) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let issuer = format!("http://{address}");
        let metadata = metadata(&issuer, &format!("{issuer}/keys"));
        let script = Script {
            metadata: Play::Text(metadata),
            jwks: jwks(&[key]),
            cache_control: "max-age=300",
            list: Play::Broken,
        };
        let stage = Stage { script: Arc::new(Mutex::new(script)), asked: Arc::default() };
        Self { issuer, address, stage, listening: None }
    }

    pub(crate) async fn start(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server", get(read_metadata))
            .route("/.well-known/oauth-authorization-server/{*path}", get(read_metadata))
            .route("/keys", get(read_keys))
            .route("/statuslists/{id}", get(read_list))
            .with_state(self.stage.clone());
        let serving = async move { axum::serve(listener, router).await.unwrap() };
        self.listening = Some(tokio::spawn(serving).abort_handle());
    }

    /// Stops listening: who connects from now on is refused.
    pub(crate) async fn stop(&mut self) {
        self.listening.take().unwrap().abort();
        while tokio::net::TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn play(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.stage.script.lock().unwrap());
    }

    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        self.play(|script| script.jwks = jwks(keys));
    }

    pub(crate) fn asked(&self) -> Asked {
        *self.stage.asked.borrow()
    }

    /// Waits until the keys were asked for so often.
    pub(crate) async fn asked_for_keys(&self, times: u32) {
        self.stage.asked.subscribe().wait_for(|asked| asked.jwks >= times).await.unwrap();
    }

    /// Waits until the metadata was asked for so often.
    pub(crate) async fn asked_for_metadata(&self, times: u32) {
        self.stage.asked.subscribe().wait_for(|asked| asked.metadata >= times).await.unwrap();
    }

    /// Waits until the list was asked for so often.
    pub(crate) async fn asked_for_list(&self, times: u32) {
        self.stage.asked.subscribe().wait_for(|asked| asked.list >= times).await.unwrap();
    }

    fn issuer(&self, key: &SigningKey) -> Issuer {
        Issuer::new(&self.issuer, SigningKey::from_private_bytes(key.algorithm(), &key.to_private_bytes()).unwrap())
    }

    /// Publishes a list in which these are taken back.
    pub(crate) fn take_back(&self, indices: &[u32], key: &SigningKey) {
        let list = StatusList::of_invalid(64, indices.iter().copied());
        let lives = StatusListLives { ttl_s: 5, lifetime_s: 24 * 60 * 60 };
        let list = self.issuer(key).sign_status_list(&list, &self.list_uri(), lives, NOW).unwrap();
        self.play(|script| script.list = Play::Text(list));
    }

    pub(crate) fn list_uri(&self) -> String {
        format!("{}/statuslists/x", self.issuer)
    }

    /// A token whose status stands at this place of the list.
    pub(crate) fn token_at(&self, index: u32, key: &SigningKey) -> String {
        self.token_in(&self.list_uri(), index, key)
    }

    pub(crate) fn token_in(&self, uri: &str, index: u32, key: &SigningKey) -> String {
        let request = NewToken::for_subject("user:ada").client_id("web").audience(AUDIENCE).lifetime_s(1800);
        let request = request.status(StatusReference { index, uri: uri.to_owned() });
        self.issuer(key).issue(&request, NOW).unwrap().token
    }

    /// A token of this issuer.
    pub(crate) fn token(&self, key: &SigningKey) -> String {
        self.token_for(AUDIENCE, key)
    }

    pub(crate) fn token_for(&self, audience: &str, key: &SigningKey) -> String {
        let request = NewToken::for_subject("user:ada").client_id("web").audience(audience).lifetime_s(1800);
        self.issuer(key).issue(&request, NOW).unwrap().token
    }
}

pub(crate) fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

pub(crate) fn metadata(issuer: &str, jwks_uri: &str) -> String {
    json!({ "issuer": issuer, "jwks_uri": jwks_uri }).to_string()
}

pub(crate) fn jwks(keys: &[&SigningKey]) -> Play {
    let keys = KeySet::new(keys.iter().map(|key| key.verification_key()).collect()).unwrap();
    Play::Text(keys.to_jwks().to_string())
}

async fn read_metadata(State(stage): State<Stage>) -> Response {
    stage.asked.send_modify(|asked| asked.metadata += 1);
    let script = stage.script.lock().unwrap().clone();
    answer(script.metadata, "no-store").await
}

async fn read_keys(State(stage): State<Stage>) -> Response {
    stage.asked.send_modify(|asked| asked.jwks += 1);
    let script = stage.script.lock().unwrap().clone();
    answer(script.jwks, script.cache_control).await
}

async fn read_list(State(stage): State<Stage>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if id != "x" {
        return StatusCode::NOT_FOUND.into_response();
    }
    let play = stage.script.lock().unwrap().list.clone();
    let tag = match &play {
        Play::Text(text) => format!("\"{}\"", &text[text.len() - 20..]),
        _ => String::new(),
    };
    let is_unchanged = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    stage.asked.send_modify(|asked| {
        asked.list += 1;
        asked.unchanged += u32::from(is_unchanged);
    });
    if is_unchanged {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(ETAG, tag)], answer(play, "max-age=5").await).into_response()
}

async fn answer(play: Play, cache_control: &'static str) -> Response {
    match play {
        Play::Text(text) => ([(CACHE_CONTROL, cache_control)], text).into_response(),
        Play::Redirect(to) => (StatusCode::FOUND, [(LOCATION, to)]).into_response(),
        Play::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Play::Silence => std::future::pending().await,
    }
}
