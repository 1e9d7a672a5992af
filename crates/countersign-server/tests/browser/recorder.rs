//! A forward proxy between the browser and the server that writes down every request, so that a test can say what travelled
//! and what did not. Other hosts are refused: the browser asks its maker things of its own accord.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::response::{Html, IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// The host that stands for a reverse proxy which serves Countersign under [`PREFIX`].
pub(crate) const PREFIXED_HOST: &str = "site.localhost";
/// See [`PREFIXED_HOST`].
pub(crate) const PREFIX: &str = "/login";

/// A host whose pages are those of a front end elsewhere, and empty.
pub(crate) const FRONT_END: &str = "app.localhost";

/// A request as the browser sent it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
    head: String,
}

impl Seen {
    /// Whether this text stands anywhere in the request.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        self.head.contains(text) || self.body.contains(text)
    }
}

/// A running proxy.
#[derive(Clone)]
pub(crate) struct Recorder {
    address: String,
    server: Arc<str>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Recorder {
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let recorder = Self { address, server: server.into(), seen: Arc::default() };
        let router = Router::new().fallback(hand_on).with_state(recorder.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        recorder
    }

    /// Where the browser finds the proxy.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn hand_on(State(recorder): State<Recorder>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let host = parts.uri.authority().map(ToString::to_string).unwrap_or_default();
    let authorization = parts.headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let stripped = (host == PREFIXED_HOST).then(|| parts.uri.path().strip_prefix(PREFIX)).flatten();
    let path = stripped.unwrap_or(parts.uri.path()).to_owned();
    if host == FRONT_END {
        return Html("<title>app</title>").into_response();
    }
    if host != *recorder.server && stripped.is_none() {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    recorder.seen.lock().unwrap().push(Seen {
        path: path.clone(),
        authorization: authorization.unwrap_or_default(),
        body: String::from_utf8_lossy(&body).into_owned(),
        head: format!("{parts:?}"),
    });
    let target = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut request = Request::builder().method(parts.method).uri(target);
    for (name, value) in &parts.headers {
        request = request.header(name, value);
    }
    request.headers_mut().unwrap().insert(HOST, recorder.server.parse().unwrap());
    ask(&recorder.server, request.body(Body::from(body)).unwrap()).await
}

async fn ask(server: &str, request: Request<Body>) -> Response {
    let stream = TcpStream::connect(server).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    let body: Bytes = axum::body::to_bytes(Body::new(body), 1 << 24).await.unwrap();
    Response::from_parts(parts, Body::from(body))
}
