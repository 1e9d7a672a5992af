//! Prometheus' text format 0.0.4.

use std::fmt::Write as _;

use countersign::times::{BOUNDS_S, Times};

/// Before the names of our own metrics.
const PREFIX: &str = "countersign_";

/// A metric: its name, what it says, and its samples.
pub(super) struct Metric {
    name: String,
    help: &'static str,
    samples: Samples,
}

/// Samples by their labels, such as `route="/token"`, which may be empty.
pub(super) enum Samples {
    /// What only grows.
    Counters(Vec<(String, f64)>),
    /// What goes up and down.
    Gauges(Vec<(String, f64)>),
    /// Sums and counts.
    Sums(Vec<(String, (f64, f64))>),
    /// Histograms.
    Times(Vec<(String, Times)>),
}

impl Metric {
    /// One of this program.
    pub(super) fn of(name: &'static str, help: &'static str, samples: Samples) -> Self {
        Self { name: format!("{PREFIX}{name}"), help, samples }
    }

    /// One that every process may have, by its usual name.
    pub(super) fn usual(name: &'static str, help: &'static str, samples: Samples) -> Self {
        Self { name: name.to_owned(), help, samples }
    }

    fn write(&self, text: &mut String) {
        let Self { name, help, samples } = self;
        let kind = match samples {
            Samples::Counters(_) => "counter",
            Samples::Gauges(_) => "gauge",
            Samples::Sums(_) => "summary",
            Samples::Times(_) => "histogram",
        };
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        match samples {
            Samples::Counters(samples) | Samples::Gauges(samples) => {
                for (labels, value) in samples {
                    sample(text, name, labels, *value);
                }
            }
            Samples::Sums(samples) => {
                for (labels, (sum, count)) in samples {
                    sample(text, &format!("{name}_sum"), labels, *sum);
                    sample(text, &format!("{name}_count"), labels, *count);
                }
            }
            Samples::Times(samples) => {
                for (labels, times) in samples {
                    histogram(text, name, labels, times);
                }
            }
        }
    }
}

/// All of them.
pub(super) fn write(metrics: &[Metric]) -> String {
    let mut text = String::new();
    for metric in metrics {
        metric.write(&mut text);
    }
    text
}

fn histogram(text: &mut String, name: &str, labels: &str, times: &Times) {
    let bucket = format!("{name}_bucket");
    let before = if labels.is_empty() { String::new() } else { format!("{labels},") };
    let mut within = 0;
    for (bound, count) in BOUNDS_S.iter().zip(times.within) {
        within += count;
        sample(text, &bucket, &format!("{before}le=\"{bound}\""), super::number(within));
    }
    sample(text, &bucket, &format!("{before}le=\"+Inf\""), super::number(times.count));
    sample(text, &format!("{name}_sum"), labels, times.total.as_secs_f64());
    sample(text, &format!("{name}_count"), labels, super::number(times.count));
}

fn sample(text: &mut String, name: &str, labels: &str, value: f64) {
    let _ = match labels {
        "" => writeln!(text, "{name} {value}"),
        labels => writeln!(text, "{name}{{{labels}}} {value}"),
    };
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_histogram_counts_what_is_within_each_bound() {
        let mut times = Times::default();
        for millis in [1, 2, 60_000] {
            times.add(Duration::from_millis(millis));
        }
        let text = write(&[Metric::of("x_seconds", "Help", Samples::Times(vec![("a=\"b\"".to_owned(), times)]))]);
        for line in [
            "# TYPE countersign_x_seconds histogram",
            "countersign_x_seconds_bucket{a=\"b\",le=\"0.001\"} 1",
            "countersign_x_seconds_bucket{a=\"b\",le=\"0.0025\"} 2",
            "countersign_x_seconds_bucket{a=\"b\",le=\"10\"} 2",
            "countersign_x_seconds_bucket{a=\"b\",le=\"+Inf\"} 3",
            "countersign_x_seconds_sum{a=\"b\"} 60.003",
            "countersign_x_seconds_count{a=\"b\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_sample_without_labels_has_no_braces() {
        let text = write(&[Metric::usual("y", "Help", Samples::Gauges(vec![(String::new(), 0.5)]))]);
        assert_eq!(text, "# HELP y Help\n# TYPE y gauge\ny 0.5\n");
    }
}
