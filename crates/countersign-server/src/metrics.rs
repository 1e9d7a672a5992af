//! Numbers for Prometheus: what is asked, what becomes of it, how long it takes, and what it costs.

mod text;
mod process;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use countersign::Countersign;
use countersign::client::Grant;
use countersign::entities::EntityStats;
use countersign::grant::{GrantOutcome, GrantStats};
use countersign::sessions::SessionStats;
use countersign::store::HealthCheck;
use countersign::throttles::Throttles;
use countersign::trail::{Trail, TrailStats};
use countersign_axum::{Guard, GuardStats};
use countersign_password::{HashPool, PoolStats};

use crate::metrics::text::{Metric, Samples, write};
use crate::transport::{RequestCounts, RouteCounts};

/// The media type of the format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the numbers are read from.
#[derive(Clone)]
pub struct Sources {
    /// What answers.
    pub app: Countersign,
    /// What hashes.
    pub hashing: HashPool,
    /// What was done.
    pub trail: Trail,
    /// What was asked.
    pub requests: RequestCounts,
}

/// Serves `GET /metrics`.
pub fn router(sources: Sources) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(sources)
}

async fn metrics(State(sources): State<Sources>) -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT)], sources.text())
}

impl Sources {
    /// All of them, in the text format 0.0.4.
    fn text(&self) -> String {
        let app = &self.app;
        let mut metrics = Vec::from(requests(&self.requests.read()));
        metrics.push(token_requests(app.grants().stats()));
        metrics.push(tokens_checked(Guard::from_ref(app).stats()));
        metrics.extend(store(app.stores().health.as_ref()));
        metrics.extend(hashing(&self.hashing.stats()));
        metrics.extend(sessions(&app.sessions().stats()));
        metrics.push(things(&app.entities().stats()));
        metrics.push(throttled(app.throttles()));
        metrics.extend(audit(&self.trail.stats()));
        metrics.push(keys(app));
        metrics.extend(process::metrics());
        write(&metrics)
    }
}

fn requests(routes: &BTreeMap<Box<str>, RouteCounts>) -> [Metric; 2] {
    let counted = routes.iter().flat_map(|(route, counts)| {
        let statuses = counts.statuses.iter();
        statuses.map(move |(status, count)| (format!("route=\"{route}\",status=\"{status}\""), number(*count)))
    });
    let times = routes.iter().map(|(route, counts)| (format!("route=\"{route}\""), counts.times.clone()));
    [
        Metric::of(
            "requests_total",
            "Requests, by route and status; - is no route",
            Samples::Counters(counted.collect()),
        ),
        Metric::of("request_duration_seconds", "How long requests took, by route", Samples::Times(times.collect())),
    ]
}

fn token_requests(stats: &GrantStats) -> Metric {
    let of = |grant: Option<Grant>| {
        GrantOutcome::ALL.map(|outcome| {
            let name = grant.map_or("-", Grant::name);
            let labels = format!("grant=\"{name}\",outcome=\"{}\"", outcome.name());
            (labels, number(stats.read(grant, outcome)))
        })
    };
    let help = "Token requests by grant and outcome: a refused one of the grant password is a failed login; - is no grant that there is";
    let grants = Grant::ALL.into_iter().map(Some).chain([None]);
    Metric::of("token_requests_total", help, Samples::Counters(grants.flat_map(of).collect()))
}

fn tokens_checked(stats: GuardStats) -> Metric {
    let outcomes = [
        ("verified", stats.verified),
        ("remembered", stats.remembered),
        ("refused", stats.refused),
        ("unchecked", stats.unchecked),
    ];
    Metric::of("tokens_checked_total", "Access tokens shown to this server, by outcome", labelled("outcome", outcomes))
}

fn store(health: &dyn HealthCheck) -> [Metric; 2] {
    let times = health.times().into_iter().map(|(step, times)| (format!("step=\"{step}\""), times));
    let help = "How long steps of the store took, with the wait for their turn";
    let log = Samples::Gauges(vec![(String::new(), number(health.log_bytes().unwrap_or_default()))]);
    [
        Metric::of("store_duration_seconds", help, Samples::Times(times.collect())),
        Metric::of("store_log_bytes", "Size of SQLite's write-ahead log; 0 on PostgreSQL", log),
    ]
}

fn hashing(stats: &PoolStats) -> [Metric; 5] {
    let alone = |value: usize| Samples::Gauges(vec![(String::new(), number(value as u64))]);
    let refused = [
        ("full", stats.refused.full),
        ("displaced", stats.refused.displaced),
        ("late", stats.refused.late),
        ("over_budget", stats.refused.over_budget),
    ];
    let times = stats.times.iter().map(|time| {
        let labels = format!("scheme=\"{}\"", time.scheme);
        (labels, (time.time.as_secs_f64(), number(time.count)))
    });
    [
        Metric::of("hash_waiting", "Passwords that wait to be hashed or checked", alone(stats.waiting)),
        Metric::of("hash_running", "Passwords that are being hashed or checked", alone(stats.running)),
        Metric::of("hash_memory_bytes", "Memory that is held for hashes", alone(stats.memory_kib * 1024)),
        Metric::of("hash_refused_total", "Passwords that were refused, by reason", labelled("reason", refused)),
        Metric::of("hash_duration_seconds", "How long hashes took, by algorithm", Samples::Sums(times.collect())),
    ]
}

fn sessions(stats: &SessionStats) -> [Metric; 2] {
    let refreshed =
        [("rotated", stats.rotated), ("retried", stats.retried), ("reused", stats.reused), ("refused", stats.refused)];
    let begun = Samples::Counters(vec![(String::new(), number(stats.begun))]);
    [
        Metric::of("sessions_begun_total", "Logins that began a session", begun),
        Metric::of("refresh_total", "Uses of refresh tokens, by what became of them", labelled("outcome", refreshed)),
    ]
}

fn things(stats: &EntityStats) -> Metric {
    let outcomes = [("minted", stats.minted), ("refused", stats.refused), ("revoked", stats.revoked)];
    Metric::of("entity_tokens_total", "Tokens for things, by what became of them", labelled("outcome", outcomes))
}

fn throttled(throttles: &Throttles) -> Metric {
    let kinds = throttles.refusals().map(|(attempted, count)| (attempted.name(), count));
    Metric::of("throttled_total", "Attempts that were refused with 429, by kind", labelled("kind", kinds))
}

fn audit(stats: &TrailStats) -> [Metric; 2] {
    let outcomes = [("kept", stats.kept), ("lost", stats.lost)];
    let waiting = Samples::Gauges(vec![(String::new(), number(stats.waiting as u64))]);
    let help = "Records for the audit log, by what became of them";
    [
        Metric::of("audit_records_total", help, labelled("outcome", outcomes)),
        Metric::of("audit_records_waiting", "Records that are not in the audit log yet", waiting),
    ]
}

fn keys(app: &Countersign) -> Metric {
    let stale = Samples::Gauges(vec![(String::new(), f64::from(u8::from(app.has_stale_keys())))]);
    Metric::of("signing_keys_stale", "1 while the signing keys could not be looked at for some seconds", stale)
}

/// A counter for each value of a label.
fn labelled<const N: usize>(label: &str, samples: [(&str, u64); N]) -> Samples {
    Samples::Counters(samples.map(|(value, count)| (format!("{label}=\"{value}\""), number(count))).to_vec())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the format has no other numbers, and counts stay far below 2 to the 53"
)]
fn number(count: u64) -> f64 {
    count as f64
}
