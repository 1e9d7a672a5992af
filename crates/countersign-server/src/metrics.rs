//! Numbers for Prometheus, in its text format 0.0.4: what hashing costs and whom it keeps waiting, and what becomes of sessions and of
//! tokens for things, and who is refused for having tried too often.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use countersign::entities::{Entities, EntityStats};
use countersign::sessions::{SessionStats, Sessions};
use countersign::throttles::Throttles;
use countersign::trail::{Trail, TrailStats};
use countersign_password::{HashPool, PoolStats};

/// The media type of the format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the numbers are read from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// What hashes.
    pub hashing: HashPool,
    /// Who is logged in where.
    pub sessions: Sessions,
    /// Tokens for things.
    pub entities: Entities,
    /// What counts guesses.
    pub throttles: Throttles,
    /// What was done.
    pub trail: Trail,
}

/// Serves `GET /metrics`.
pub fn router(sources: Sources) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(sources)
}

async fn metrics(State(sources): State<Sources>) -> impl IntoResponse {
    let metrics = hashing(&sources.hashing.stats()).into_iter().chain(sessions(&sources.sessions.stats()));
    let metrics = metrics.chain([things(&sources.entities.stats()), throttled(&sources.throttles)]);
    let metrics = metrics.chain(audit(&sources.trail.stats()));
    ([(CONTENT_TYPE, TEXT)], text(metrics))
}

/// One metric: its name without the prefix, its type, what it says, and its samples as labels and values.
type Metric = (&'static str, &'static str, &'static str, Vec<(String, f64)>);

#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers, and these stay far below 2 to the 53")]
fn hashing(stats: &PoolStats) -> [Metric; 5] {
    let alone = |value: usize| vec![(String::new(), value as f64)];
    let refused = [
        ("full", stats.refused.full),
        ("displaced", stats.refused.displaced),
        ("late", stats.refused.late),
        ("over_budget", stats.refused.over_budget),
    ];
    let times = stats.times.iter().flat_map(|time| {
        let labels = format!("{{scheme=\"{}\"}}", time.scheme);
        [(format!("_sum{labels}"), time.time.as_secs_f64()), (format!("_count{labels}"), time.count as f64)]
    });
    [
        ("hash_waiting", "gauge", "Passwords that wait to be hashed or checked", alone(stats.waiting)),
        ("hash_running", "gauge", "Passwords that are being hashed or checked", alone(stats.running)),
        ("hash_memory_bytes", "gauge", "Memory that is held for hashes", alone(stats.memory_kib * 1024)),
        ("hash_refused_total", "counter", "Passwords that were refused, by reason", labelled("reason", refused)),
        ("hash_duration_seconds", "summary", "How long hashes took, by algorithm", times.collect()),
    ]
}

fn sessions(stats: &SessionStats) -> [Metric; 2] {
    let refreshed =
        [("rotated", stats.rotated), ("retried", stats.retried), ("reused", stats.reused), ("refused", stats.refused)];
    [
        ("sessions_begun_total", "counter", "Logins that began a session", vec![(String::new(), number(stats.begun))]),
        ("refresh_total", "counter", "Uses of refresh tokens, by what became of them", labelled("outcome", refreshed)),
    ]
}

fn things(stats: &EntityStats) -> Metric {
    let outcomes = [("minted", stats.minted), ("refused", stats.refused), ("revoked", stats.revoked)];
    ("entity_tokens_total", "counter", "Tokens for things, by what became of them", labelled("outcome", outcomes))
}

fn throttled(throttles: &Throttles) -> Metric {
    let kinds = throttles.refusals().map(|(attempted, count)| (attempted.name(), count));
    ("throttled_total", "counter", "Attempts that were refused with 429, by kind", labelled("kind", kinds))
}

fn audit(stats: &TrailStats) -> [Metric; 2] {
    let outcomes = [("kept", stats.kept), ("lost", stats.lost)];
    let waiting = vec![(String::new(), number(stats.waiting as u64))];
    [
        (
            "audit_records_total",
            "counter",
            "Records for the audit log, by what became of them",
            labelled("outcome", outcomes),
        ),
        ("audit_records_waiting", "gauge", "Records that are not in the audit log yet", waiting),
    ]
}

/// A sample for each value of a label.
fn labelled<const N: usize>(label: &str, samples: [(&str, u64); N]) -> Vec<(String, f64)> {
    samples.map(|(value, count)| (format!("{{{label}=\"{value}\"}}"), number(count))).to_vec()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the format has no other numbers, and counts stay far below 2 to the 53"
)]
fn number(count: u64) -> f64 {
    count as f64
}

fn text(metrics: impl Iterator<Item = Metric>) -> String {
    let mut text = String::new();
    for (name, kind, help, samples) in metrics {
        let _ = write!(text, "# HELP countersign_{name} {help}\n# TYPE countersign_{name} {kind}\n");
        for (labels, value) in samples {
            let _ = writeln!(text, "countersign_{name}{labels} {value}");
        }
    }
    text
}
