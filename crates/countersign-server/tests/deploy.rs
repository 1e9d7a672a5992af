//! What lies in `deploy/` speaks of settings and metrics that there are.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::Place;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(deploy(name)).unwrap()
}

/// The words of a text that begin with this.
fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_of_word(c)).filter(|word| word.starts_with(prefix));
    words.map(str::to_owned).collect()
}

/// The selectors of a query such as `name{outcome="lost"}`: the name, and the label with its value.
fn selectors(query: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in query.match_indices("countersign_") {
        let rest = &query[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let Some(labels) = rest[end..].strip_prefix('{').and_then(|labels| labels.split('}').next()) else { continue };
        let exact = labels.split(',').filter(|label| label.contains("=\"") && !label.contains('~'));
        found.extend(exact.map(|label| (rest[..end].to_owned(), label.to_owned())));
    }
    found
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_that_there_are() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let server = place.serve(&["--metrics", "127.0.0.1:0"]);
    assert_eq!(server.log_in("ada").0, 200);
    let metrics = server.metrics();
    let log = metrics.lines().find_map(|line| line.strip_prefix("countersign_store_log_bytes ")).unwrap();
    let file = fs::metadata(place.data().join("countersign.db-wal")).map_or(0, |metadata| metadata.len());
    // F-19
    assert_eq!(log.parse::<u64>().unwrap() > 0, file > 0);
    let dashboard: Value = serde_json::from_str(&read("grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut queries: Vec<String> = targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(queries.len() >= panels.len());
    queries.push(read("alerts.yml"));
    let exposed: BTreeSet<&str> =
        metrics.lines().filter_map(|line| line.split(['{', ' ']).next()).filter(|name| *name != "#").collect();
    for query in &queries {
        for name in words(query, "countersign_").into_iter().chain(words(query, "process_")) {
            assert!(exposed.contains(name.as_str()), "{name} of {query}");
        }
        for (name, label) in selectors(query) {
            let is_there = |line: &str| line.starts_with(&format!("{name}{{")) && line.contains(&label);
            assert!(metrics.lines().any(is_there), "{name}{{{label}}} of {query}");
        }
    }
    // Whatever there is to see is on the dashboard.
    let asked: BTreeSet<String> = queries.iter().flat_map(|query| words(query, "countersign_")).collect();
    for line in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE countersign_")) {
        let name = format!("countersign_{}", line.split(' ').next().unwrap());
        assert!(asked.iter().any(|asked| asked.starts_with(&name)), "{name} is on no panel");
    }
}

#[test]
fn what_is_deployed_is_configured_by_settings_that_there_are() {
    let place = Place::new();
    let shown = place.run(&["config", "--config", deploy("countersign.toml").to_str().unwrap(), "--json"]).json();
    let names: Vec<&str> =
        shown.as_array().unwrap().iter().map(|setting| setting["setting"].as_str().unwrap()).collect();
    let variables: Vec<String> =
        names.iter().map(|name| format!("COUNTERSIGN_{}", name.replace('-', "_").to_uppercase())).collect();
    let dockerfile = read("Dockerfile");
    let used = words(&dockerfile, "COUNTERSIGN_");
    assert!(!used.is_empty() && used.iter().all(|variable| variables.contains(variable)), "{used:?}");
    for copied in dockerfile.lines().filter_map(|line| line.strip_prefix("COPY --from=build ")) {
        let source = copied.split(' ').find(|word| word.starts_with('/')).unwrap();
        assert!(["/source/target/release/countersign", "/state"].contains(&source), "{copied}");
    }
    let unit = read("countersign.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/countersign ")).unwrap();
    assert_eq!(start, "serve --config /etc/countersign.toml");
}
