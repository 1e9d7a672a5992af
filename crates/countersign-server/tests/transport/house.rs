//! A server around a trivial router, and clients that speak bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use countersign_axum::ErrorStyle;
use countersign_server::transport::{Limits, Presentation, RequestCounts, Stopped, TrustedProxies, serve};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};

/// Far beyond every limit that a test sets: reaching it means that the server did not close.
const PATIENCE: Duration = Duration::from_mins(1);

/// As most servers present themselves.
pub(crate) fn plain() -> Presentation {
    Presentation {
        is_https: false,
        error_style: ErrorStyle::Problem,
        proxies: TrustedProxies::default(),
        is_traced: false,
        counts: RequestCounts::default(),
    }
}

/// A running server.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    /// Lets one request to `/wait` go on.
    pub(crate) go_on: Arc<Notify>,
    /// Requests that reached `/wait`.
    waiting: Arc<Notify>,
    /// Requests that reached any handler.
    pub(crate) handled: Arc<AtomicUsize>,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<Stopped>,
}

impl House {
    pub(crate) fn start(limits: Limits) -> Self {
        Self::start_as(limits, plain())
    }

    pub(crate) fn start_as(limits: Limits, presentation: Presentation) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stop_asked) = oneshot::channel();
        let (tell, stopped) = oneshot::channel();
        let (go_on, waiting, handled) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::default());
        let router = router(&go_on, &waiting, &handled);
        runtime.spawn(async move {
            let stop = async { stop_asked.await.unwrap_or(()) };
            let _ = tell.send(serve(listener, router, presentation, limits, stop).await);
        });
        Self { address, go_on, waiting, handled, runtime, stop, stopped }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends the bytes and reads until the server closes.
    pub(crate) fn exchange(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect();
        // Refused early: the answer is there to read all the same.
        let _ = stream.write_all(bytes.as_ref());
        rest(stream)
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Until a request has reached `/wait`.
    pub(crate) fn until_one_waits(&self) {
        self.block_on(async { tokio::time::timeout(PATIENCE, self.waiting.notified()).await.unwrap() });
    }

    pub(crate) fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }

    pub(crate) fn stop(self) -> Stopped {
        let Self { runtime, stop, stopped, .. } = self;
        stop.send(()).unwrap();
        runtime.block_on(stopped).unwrap()
    }

    /// Asks the server to stop and goes on.
    pub(crate) fn begin_to_stop(self) -> (Runtime, oneshot::Receiver<Stopped>) {
        self.stop.send(()).unwrap();
        (self.runtime, self.stopped)
    }
}

fn router(go_on: &Arc<Notify>, waiting: &Arc<Notify>, handled: &Arc<AtomicUsize>) -> Router {
    let (go_on, waiting, handled) = (Arc::clone(go_on), Arc::clone(waiting), Arc::clone(handled));
    let wait = move || async move {
        waiting.notify_one();
        go_on.notified().await;
        "waited"
    };
    Router::new()
        .route("/", get(async || "hello"))
        .route("/token", post(async |body: Bytes| body))
        .route("/peer", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
        .route("/unread", post(async || "not read"))
        .route("/large", get(async || "x".repeat(8 * 1024 * 1024)))
        .route("/wait", get(wait))
        .route("/panic", get(async || -> &'static str { panic!("a panic that a test asked for") }))
        .layer(axum::middleware::from_fn(move |request, next: axum::middleware::Next| {
            handled.fetch_add(1, Ordering::SeqCst);
            next.run(request)
        }))
}

/// Everything that came until the server closed.
pub(crate) fn rest(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() => panic!("no answer and no close: {error}"),
        _ => Answer(bytes),
    }
}

/// Reads one answer with a body of known length, and leaves the connection open.
pub(crate) fn one(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "closed inside a head: {}", String::from_utf8_lossy(&bytes));
        bytes.push(byte[0]);
    }
    let length = Answer(bytes.clone()).header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Answer([bytes, body].concat())
}

/// The bytes of one answer or of several in a row.
#[derive(Clone)]
pub(crate) struct Answer(pub(crate) Vec<u8>);

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The status of the first answer; 0 without one.
    pub(crate) fn status(&self) -> u16 {
        let text = self.text();
        text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn statuses(&self) -> Vec<String> {
        self.text().split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (head, _) = text.split_once("\r\n\r\n")?;
        head.lines().find_map(|line| {
            let (given, value) = line.split_once(": ")?;
            given.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }

    pub(crate) fn body(&self) -> String {
        self.text().split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }
}
