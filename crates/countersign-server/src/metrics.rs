//! Numbers for Prometheus, in its text format 0.0.4: at present, what hashing costs and whom it keeps waiting.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use countersign_password::{HashPool, PoolStats};

/// The media type of the format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves `GET /metrics`.
pub fn router(hashing: HashPool) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(hashing)
}

async fn metrics(State(hashing): State<HashPool>) -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT)], text(&hashing.stats()))
}

/// One metric: its name without the prefix, its type, what it says, and its samples as labels and values.
type Metric = (&'static str, &'static str, &'static str, Vec<(String, f64)>);

#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers, and these stay far below 2 to the 53")]
fn text(stats: &PoolStats) -> String {
    let alone = |value: usize| vec![(String::new(), value as f64)];
    let refused = [
        ("full", stats.refused.full),
        ("displaced", stats.refused.displaced),
        ("late", stats.refused.late),
        ("over_budget", stats.refused.over_budget),
    ];
    let refused = refused.map(|(reason, count)| (format!("{{reason=\"{reason}\"}}"), count as f64));
    let times = stats.times.iter().flat_map(|time| {
        let labels = format!("{{scheme=\"{}\"}}", time.scheme);
        [(format!("_sum{labels}"), time.time.as_secs_f64()), (format!("_count{labels}"), time.count as f64)]
    });
    let metrics: [Metric; 5] = [
        ("hash_waiting", "gauge", "Passwords that wait to be hashed or checked", alone(stats.waiting)),
        ("hash_running", "gauge", "Passwords that are being hashed or checked", alone(stats.running)),
        ("hash_memory_bytes", "gauge", "Memory that is held for hashes", alone(stats.memory_kib * 1024)),
        ("hash_refused_total", "counter", "Passwords that were refused, by reason", refused.to_vec()),
        ("hash_duration_seconds", "summary", "How long hashes took, by algorithm", times.collect()),
    ];
    let mut text = String::new();
    for (name, kind, help, samples) in metrics {
        let _ = write!(text, "# HELP countersign_{name} {help}\n# TYPE countersign_{name} {kind}\n");
        for (labels, value) in samples {
            let _ = writeln!(text, "countersign_{name}{labels} {value}");
        }
    }
    text
}
