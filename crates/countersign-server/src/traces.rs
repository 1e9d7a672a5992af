//! Traces: where the time of each request went, for a collector of OpenTelemetry (OTLP over HTTP).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SamplingResult, SdkTracerProvider, ShouldSample};
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use crate::outbound::{HttpsClient, client};

/// How long the collector may take to answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long the last spans may take at the end.
const LAST_SPANS: Duration = Duration::from_secs(3);
/// The most bytes of an answer: there is nothing in it for us.
const MOST_BYTES: usize = 1 << 16;
const NAME: &str = "countersign";
const WANTED: &str = "write the http or https URL of a collector's receiver, such as http://127.0.0.1:4318/v1/traces";

/// Where traces go.
#[derive(Clone, Debug)]
pub struct Collector {
    url: String,
}

impl Collector {
    /// The collector at this URL.
    pub fn new(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| WANTED.to_owned())?;
        let is_http = uri.scheme() == Some(&Scheme::HTTPS) || uri.scheme() == Some(&Scheme::HTTP);
        // A password in it would be shown by `countersign config`.
        if !is_http || uri.host().is_none() || url.contains(['#', '@']) {
            return Err(WANTED.to_owned());
        }
        Ok(Self { url: url.to_owned() })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Traces on their way to a collector. What it does not take is dropped: nobody waits for it.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Sends one of so many traces to this collector, on this runtime.
    pub fn start(collector: &Collector, one_of: u32, runtime: &Handle) -> anyhow::Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(&collector.url)
            .with_timeout(DEADLINE)
            .with_http_client(Sender::new(runtime)?)
            .build()?;
        // By the id of the trace, whatever the caller's own flag says: nobody else decides what this server spends.
        let sampler = OfRequests(Sampler::TraceIdRatioBased(1.0 / f64::from(one_of)));
        let resource = Resource::builder()
            .with_service_name(NAME)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler)
            .with_resource(resource.build())
            .build();
        Ok(Self { provider })
    }

    /// The layer that makes spans of ours into spans of theirs.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let filter: FilterFn = filter_fn(is_wanted);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(NAME))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter.with_max_level_hint(LevelFilter::DEBUG))
    }

    /// Sends what is left. To be called while the runtime still works.
    pub fn finish(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_SPANS) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// What is done for no request (looking at the keys, tidying up) makes no trace.
#[derive(Clone, Debug)]
struct OfRequests(Sampler);

impl ShouldSample for OfRequests {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let has_parent = parent.is_some_and(|parent| parent.span().span_context().is_valid());
        if *kind != SpanKind::Server && !has_parent {
            return Sampler::AlwaysOff.should_sample(parent, trace, name, kind, attributes, links);
        }
        self.0.should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// Our own spans, and what the log would tell of them.
fn is_wanted(metadata: &Metadata<'_>) -> bool {
    let is_loud = metadata.is_span() || *metadata.level() <= LevelFilter::INFO;
    metadata.target().starts_with(NAME) && is_loud && *metadata.level() <= LevelFilter::DEBUG
}

/// Makes the span of a request, which has not begun, a part of the trace that the caller has begun, if it names one (`traceparent`, W3C
/// Trace Context).
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    span.record("otel.kind", "server");
    if headers.contains_key("traceparent") {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
        if parent.span().span_context().is_valid() {
            // It fails for a span that nobody traces.
            drop(span.set_parent(parent));
        }
    }
}

/// Says what the request of a span was, by the names of the semantic conventions for HTTP servers. The route and never the path, and no method
/// that the caller made up.
pub fn describe(span: &Span, method: Option<&str>, route: &str, status: u16) {
    span.context().span().update_name(format!("{} {route}", method.unwrap_or("HTTP")));
    span.set_attribute("http.request.method", method.unwrap_or("_OTHER").to_owned());
    span.set_attribute("http.route", route.to_owned());
    span.set_attribute("http.response.status_code", i64::from(status));
}

/// Takes spans to the collector on the runtime of the server, whatever thread they come from.
#[derive(Debug)]
struct Sender {
    client: HttpsClient<Full<Bytes>>,
    runtime: Handle,
    is_failing: Arc<AtomicBool>,
}

impl Sender {
    fn new(runtime: &Handle) -> anyhow::Result<Self> {
        let client = client().map_err(anyhow::Error::msg)?;
        Ok(Self { client, runtime: runtime.clone(), is_failing: Arc::default() })
    }

    /// Tells of the first failure, and of its end.
    fn tell(&self, outcome: &Result<Response<Bytes>, HttpError>) {
        let failure = match outcome {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(error.to_string()),
        };
        let has_failed = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(failure) if !has_failed => {
                tracing::warn!(failure, "the collector of traces does not take them: they are dropped");
            }
            None if has_failed => tracing::info!("the collector of traces takes them again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move {
            let answer = tokio::time::timeout(DEADLINE, client.request(request.map(Full::new))).await??;
            let (parts, body) = answer.into_parts();
            let body = tokio::time::timeout(DEADLINE, Limited::new(body, MOST_BYTES).collect()).await??;
            Ok::<_, HttpError>(Response::from_parts(parts, body.to_bytes()))
        });
        let outcome = sending.await.unwrap_or_else(|error| Err(error.into()));
        self.tell(&outcome);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_reached_by_http_and_its_url_holds_no_password() {
        for good in ["http://127.0.0.1:4318/v1/traces", "https://collector.example/v1/traces?x=y"] {
            assert_eq!(Collector::new(good).unwrap().url(), good);
        }
        for bad in ["", "collector:4318", "ftp://x/", "https://me:secret@collector.example/", "http://"] {
            assert!(Collector::new(bad).is_err(), "{bad}");
        }
    }
}
