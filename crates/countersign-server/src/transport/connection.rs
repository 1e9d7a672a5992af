//! One connection: the HTTP machinery over the watched socket, until it ends or the server stops.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::sync::watch;

use crate::transport::deadline::Deadline;
use crate::transport::limits::Limits;
use crate::transport::link::{Link, Wait};
use crate::transport::site::Site;
use crate::transport::stream::Stream;
use crate::transport::wire::Wire;

/// What an HTTP/2 stream may queue of its answer.
const HTTP2_SEND_BYTES: usize = 32 * 1024;
/// Requests at one time on one HTTP/2 connection.
const HTTP2_STREAMS: u32 = 100;
/// Streams that a peer opened and reset before they were looked at (CVE-2023-44487).
const HTTP2_PENDING_RESETS: usize = 20;
/// Streams that its errors made us reset.
const HTTP2_LOCAL_RESETS: usize = 64;

/// Runs streams of HTTP/2, each for a bounded time: a peer that takes no answer must not keep it for ever.
#[derive(Clone, Debug)]
pub(crate) struct StreamTasks {
    longest: Duration,
}

impl<F> Executor<F> for StreamTasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(tokio::time::timeout(self.longest, stream));
    }
}

/// The HTTP machinery with its limits set.
pub(crate) fn protocol(limits: &Limits) -> auto::Builder<StreamTasks> {
    let longest = limits.body + limits.handler + limits.write;
    let mut protocol = auto::Builder::new(StreamTasks { longest });
    protocol
        .http1()
        .max_headers(limits.header_fields)
        // A larger head is refused by the parser, with 431; below that the site says which part is too large.
        .max_buf_size(limits.request_line_bytes + limits.header_bytes)
        // The socket watches the clock, also before the version of HTTP is known and between requests.
        .header_read_timeout(None);
    // h2 bounds CONTINUATION frames by the header list size (RUSTSEC-2024-0332).
    let header_list = u32::try_from(limits.header_bytes).unwrap_or(u32::MAX);
    protocol
        .http2()
        .max_header_list_size(header_list)
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS)
        .max_local_error_reset_streams(HTTP2_LOCAL_RESETS)
        .max_send_buf_size(HTTP2_SEND_BYTES);
    protocol
}

/// Serves one peer until it leaves, breaks a rule, or `stop` turns true and its requests in flight are answered.
pub(crate) async fn serve(
    socket: Stream,
    peer: SocketAddr,
    site: Arc<Site>,
    protocol: Arc<auto::Builder<StreamTasks>>,
    mut stop: watch::Receiver<bool>,
) {
    let link = Arc::new(Link::default());
    let limits = site.limits();
    let wire = Wire::new(socket, Arc::clone(&limits), Arc::clone(&link));
    let address: Arc<str> = peer.to_string().into();
    let service = service_fn(|mut request: Request<Incoming>| {
        let source = site.source(peer, request.headers());
        request.extensions_mut().insert(ConnectInfo(source));
        let (in_flight, refusal) = link.begin();
        let shown = if source == peer { Arc::clone(&address) } else { source.ip().to_string().into() };
        Arc::clone(&site).answer(request, shown, in_flight, refusal)
    });
    let mut connection = pin!(protocol.serve_connection(TokioIo::new(wire), service));
    let mut stopped = pin!(async {
        // The sender never goes before the connections do.
        let _ = stop.wait_for(|stop| *stop).await;
        link.stop();
        tokio::time::sleep(limits.farewell).await;
    });
    let mut is_stopping = false;
    let mut deadline = Deadline::default();
    let ended = poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(ended);
        }
        if !is_stopping && stopped.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
            return connection.as_mut().poll(cx);
        }
        let wait = link.wait();
        let limit = match wait {
            Wait::Head(_) | Wait::Leftover(_) => limits.head,
            Wait::Request(_) => limits.idle,
            Wait::Answer => return Poll::Pending,
        };
        ready!(deadline.poll(wait, limit, cx));
        Poll::Ready(Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    })
    .await;
    if let Err(error) = ended {
        tracing::debug!(%peer, error = %error, "connection ended early");
    }
}
