//! One request, from its head to its answer: refused here, or handled by the router within time, then named, headed and logged.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::http::header::{CONNECTION, HOST, RETRY_AFTER, TRANSFER_ENCODING};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version};
use axum::response::Response;
use countersign::store::share_time;
use countersign::trail::request_span;
use countersign_axum::ErrorStyle;
use futures_util::FutureExt;
use http_body::Body as _;
use hyper::body::Incoming;
use tower::Service;
use tracing::{Instrument, Span};

use crate::traces::{continue_trace, describe};
use crate::transport::body::{AnswerBody, request_body};
use crate::transport::limits::Limits;
use crate::transport::link::InFlight;
use crate::transport::matched_route::ReportMatchedRoute;
use crate::transport::proxies::TrustedProxies;
use crate::transport::refusal::Refusal;
use crate::transport::request_counts::RequestCounts;
use crate::transport::request_id::{RequestIds, X_REQUEST_ID};
use crate::transport::response_headers;

/// What is served, and how it presents itself.
#[derive(Clone, Debug)]
pub struct Presentation {
    /// Callers reach this server over TLS only: answers carry Strict-Transport-Security.
    pub is_https: bool,
    /// How the bodies of refusals look.
    pub error_style: ErrorStyle,
    /// Who may say for whom it asks.
    pub proxies: TrustedProxies,
    /// Spans of requests are sent to a collector.
    pub is_traced: bool,
    /// Where requests are counted.
    pub counts: RequestCounts,
}

/// Everything that all connections share.
#[derive(Debug)]
pub(crate) struct Site {
    router: Router,
    presentation: Presentation,
    limits: Arc<Limits>,
    request_ids: RequestIds,
    has_warned: AtomicBool,
}

impl Site {
    pub(crate) fn new(router: Router, presentation: Presentation, limits: Arc<Limits>) -> Self {
        let router = router.layer(ReportMatchedRoute);
        Self { router, presentation, limits, request_ids: RequestIds::default(), has_warned: AtomicBool::new(false) }
    }

    pub(crate) fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits)
    }

    /// Where a request comes from: the one place that says who the caller is. Its port is unknown where a proxy has said it.
    pub(crate) fn source(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let proxies = &self.presentation.proxies;
        if proxies.lack(peer.ip(), headers) && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                proxy = %peer.ip(),
                "requests that a proxy forwards count as its own, all callers as one: name it by --trusted-proxies"
            );
        }
        proxies.source(peer.ip(), headers).map_or(peer, |source| SocketAddr::new(source, 0))
    }

    /// Answers one request. `peer`: where it comes from, as the log has it. `refusal`: what the socket found wrong with its head.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Arc<str>,
        in_flight: InFlight,
        refusal: Option<Refusal>,
    ) -> Result<Response<AnswerBody>, Infallible> {
        let started = Instant::now();
        let id = self.request_ids.name(request.headers());
        let method = request.method().clone();
        let is_http1 = request.version() < Version::HTTP_2;
        // Nothing behind a chunked body is read: the gate does not follow it, so it must not be followed here either.
        let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let span = request_span(id.to_str().unwrap_or_default(), &peer);
        if self.presentation.is_traced {
            continue_trace(&span, request.headers());
        }
        let response = async {
            let response = match refusal.map_or_else(|| self.check(&request), Err) {
                Ok(()) => self.handle(request).await,
                Err(refusal) => self.refuse(refusal),
            };
            self.tell(&method, &response, started);
            response
        };
        let mut response = response.instrument(span).await;
        if !is_http1 {
            response.headers_mut().remove(CONNECTION);
        } else if is_chunked || in_flight.is_last() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response_headers::complete(response.headers_mut(), self.presentation.is_https);
        response.headers_mut().insert(X_REQUEST_ID, id);
        Ok(response.map(|body| AnswerBody::new(body, in_flight)))
    }

    /// What can be refused by the head alone, in either version of HTTP.
    fn check(&self, request: &Request<Incoming>) -> Result<(), Refusal> {
        let limits = &*self.limits;
        if request_line_bytes(request.method(), request.uri()) > limits.request_line_bytes {
            return Err(Refusal::RequestLineTooLong);
        }
        let fields = request.headers();
        if fields.len() > limits.header_fields || header_bytes(fields) > limits.header_bytes {
            return Err(Refusal::HeadersTooLarge);
        }
        if !has_one_host(request) {
            return Err(Refusal::BadHost);
        }
        // Announced by Content-Length; what is not announced is counted while it streams.
        if request.body().size_hint().lower() > limits.body_bytes as u64 {
            return Err(Refusal::BodyTooLarge);
        }
        Ok(())
    }

    async fn handle(&self, request: Request<Incoming>) -> Response {
        let (parts, incoming) = request.into_parts();
        let (body, body_clock) = request_body(incoming, &self.limits);
        let request = Request::from_parts(parts, body);
        let handling = AssertUnwindSafe(share_time(self.router.clone().call(request))).catch_unwind();
        match tokio::time::timeout(self.limits.handler, handling).await {
            Ok(Ok(Ok(_))) if body_clock.has_run_out() => self.refuse(Refusal::BodyTimedOut),
            Ok(Ok(Ok(response))) => response,
            Ok(Err(_panic)) => self.refuse(Refusal::HandlerPanicked),
            Err(_elapsed) => {
                let mut response = self.refuse(Refusal::HandlerTimedOut);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
                response
            }
        }
    }

    /// Counts and logs a request by its route, and never by the path or the query.
    fn tell(&self, method: &Method, response: &Response, started: Instant) {
        let route = response.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
        let took = started.elapsed();
        self.presentation.counts.count(route, response.status().as_u16(), took);
        // An extension method is the caller's text.
        let method = Some(method.as_str()).filter(|_| is_standard(method));
        log(method.unwrap_or("-"), response, route, took);
        if self.presentation.is_traced {
            describe(&Span::current(), method, route, response.status().as_u16());
        }
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        let mut response = self.presentation.error_style.answer(refusal.status(), refusal.detail());
        response.extensions_mut().insert(refusal);
        if refusal.closes() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// One event a request.
fn log(method: &str, response: &Response<Body>, route: &str, took: Duration) {
    let status = response.status().as_u16();
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    // A storm of requests that a handler puts off must not flood the log: the handler tells of it as a whole.
    let is_put_off = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&response.status())
        && response.headers().contains_key(RETRY_AFTER)
        && response.extensions().get::<Refusal>().is_none();
    if is_put_off {
        tracing::debug!(target: "countersign::access", method, route, status, micros, "request put off");
    } else if response.status().is_server_error() {
        tracing::warn!(target: "countersign::access", method, route, status, micros, "request failed");
    } else {
        tracing::info!(target: "countersign::access", method, route, status, micros, "request");
    }
}

fn is_standard(method: &Method) -> bool {
    const STANDARD: [Method; 9] = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    STANDARD.contains(method)
}

fn request_line_bytes(method: &Method, uri: &Uri) -> usize {
    const REST: usize = "  HTTP/1.1\r\n".len();
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    let scheme = uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    method.as_str().len() + scheme + authority + target + REST
}

fn header_bytes(headers: &HeaderMap) -> usize {
    const REST: usize = ": \r\n".len();
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + REST).sum()
}

/// RFC 9112 section 3.2; in HTTP/2 the authority may stand for it (RFC 9113 section 8.3.1).
fn has_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).is_ok_and(|host| !host.as_str().contains('@')),
        (None, _) => match request.version() {
            Version::HTTP_09 | Version::HTTP_10 => true,
            Version::HTTP_11 => false,
            _ => request.uri().authority().is_some(),
        },
        (Some(_), Some(_)) => false,
    }
}
