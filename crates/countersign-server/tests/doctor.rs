//! `countersign doctor` over installations that are sound, and over some that are not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;

use serde_json::Value;

use crate::support::{Done, Place, postgres};

/// Of SQLite, in bytes.
const PAGE: usize = 4096;

/// The levels of what was found of this, and all that was said of it.
fn found(done: &Done, check: &str) -> (Vec<String>, String) {
    let findings: Value = serde_json::from_str(&done.stdout).unwrap();
    let those: Vec<_> =
        findings.as_array().unwrap().iter().filter(|finding| finding["check"] == check).cloned().collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let said = those.iter().map(|finding| format!("{} | {}", text(&finding["found"]), text(&finding["remedy"])));
    (those.iter().map(|finding| text(&finding["level"])).collect(), said.collect::<Vec<_>>().join("\n"))
}

fn doctor(place: &Place, more: &[&str]) -> Done {
    place.run(&[&["doctor", "--json"], more].concat())
}

#[track_caller]
fn assert_wrong(done: &Done, check: &str, said: &str) {
    let (levels, text) = found(done, check);
    assert!(levels.contains(&"wrong".to_owned()) && text.contains(said), "{}{}", done.stdout, done.stderr);
    assert_eq!(done.code, Some(1));
}

#[test]
fn nothing_is_wrong_with_a_server_as_it_starts() {
    let place = Place::on_sqlite();
    let server = place.serve(&[]);
    let listen = server.address.to_string();
    let done = doctor(&place, &["--listen", &listen]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    for check in
        ["data directory", "sealing key", "schema", "integrity", "durability", "clock", "signing keys", "issuer"]
    {
        assert!(found(&done, check).0.contains(&"good".to_owned()), "{check}: {}", done.stdout);
    }
    assert!(found(&done, "integrity").1.contains("every page"), "{}", done.stdout);
    assert!(found(&doctor(&place, &["--offline", "--thorough"]), "integrity").1.contains("every row"));
    let text = place.run(&["doctor", "--listen", &listen]).good();
    assert!(text.lines().all(|line| line.starts_with("good ")), "{text}");
    // Another server, whose keys are others.
    let other = Place::on_sqlite();
    other.serve(&[]).stop().good();
    assert_wrong(&doctor(&other, &["--listen", &listen]), "issuer", "does not publish");
    assert_wrong(
        &doctor(&place, &["--issuer", &format!("http://localhost:{}", server.address.port())]),
        "issuer",
        "and not of",
    );
    server.stop().good();
    assert_wrong(&doctor(&place, &["--listen", &listen]), "issuer", "--offline");
    assert_eq!(doctor(&place, &["--offline"]).code, Some(0));
}

//
#[test]
fn callers_behind_a_proxy_that_nobody_named_and_guesses_that_nobody_counts_are_warned_of() {
    let place = Place::on_sqlite();
    place.add_user(&["ada"]).good();
    let of = |more: &[&str]| found(&doctor(&place, &[&["--offline"], more].concat()), "callers");
    assert_eq!(of(&["--throttle", "on"]).0, ["good"]);
    let behind = ["--throttle", "on", "--issuer", "https://login.example"];
    let (levels, said) = of(&behind);
    assert!(levels == ["warning"] && said.contains("--trusted-proxies"), "{said}");
    assert_eq!(of(&[&behind[..], &["--trusted-proxies", "10.0.0.0/8"]].concat()).0, ["good"]);
    let plain = ["--issuer", "http://127.0.0.1:8080", "--trusted-proxies", "127.0.0.1"];
    assert!(of(&plain).1.contains("told by the proxies 127.0.0.1"));
    assert_eq!(of(&["--throttle", "off"]).0, ["good", "warning"]);
}

#[test]
fn a_doctor_changes_nothing_and_makes_nothing() {
    let place = Place::on_sqlite();
    assert_wrong(&doctor(&place, &["--offline"]), "data directory", "there is no");
    assert!(!place.data().exists());
    let postgres = Place::on(&postgres::fresh());
    let done = doctor(&postgres, &["--offline"]);
    assert_eq!(found(&done, "schema").0, ["warning"], "{}", done.stdout);
    assert!(found(&doctor(&postgres, &["--offline"]), "schema").1.contains("is empty"));
}

//
#[test]
fn files_that_others_can_read_and_keys_that_do_not_fit_are_wrong() {
    let (place, other) = (Place::on_sqlite(), Place::on_sqlite());
    for place in [&place, &other] {
        place.serve(&[]).stop().good();
    }
    for (file, check, mode) in [
        ("countersign-data", "data directory", 0o755),
        ("countersign-data/sealing.key", "sealing key", 0o644),
        ("countersign-data/countersign.db", "database file", 0o640),
    ] {
        let before = place.mode(file);
        place.set_mode(file, mode);
        assert_wrong(&doctor(&place, &["--offline"]), check, &format!("has mode {mode:03o}"));
        place.set_mode(file, before);
    }
    let key = place.data().join("sealing.key");
    let own = fs::read(&key).unwrap();
    fs::copy(other.data().join("sealing.key"), &key).unwrap();
    assert_wrong(&doctor(&place, &["--offline"]), "sealing key", "does not open 1 of 1 signing keys");
    fs::remove_file(&key).unwrap();
    assert_wrong(&doctor(&place, &["--offline"]), "sealing key", "is missing");
    fs::write(&key, own).unwrap();
    place.set_mode("countersign-data/sealing.key", 0o600);
    assert_eq!(doctor(&place, &["--offline"]).code, Some(0));
}

// F-21
#[test]
fn a_database_that_is_damaged_is_told_of() {
    let place = Place::on_sqlite();
    for name in ["ada", "bob"] {
        place.add_user(&[name]).good();
    }
    place.serve(&[]).stop().good();
    let database = place.data().join("countersign.db");
    let whole = fs::read(&database).unwrap();
    // The beginning of each page but the first says what is on it.
    let mut damaged = whole;
    for page in damaged.chunks_mut(PAGE).skip(1) {
        page[..8].fill(0x5A);
    }
    fs::write(&database, damaged).unwrap();
    let done = doctor(&place, &["--offline"]);
    let told = format!("{}{}", found(&done, "integrity").1, found(&done, "database").1);
    assert!(done.code == Some(1) && (told.contains("damaged") || told.contains("malformed")), "{}", done.stdout);
    let refused = place.run(&["backup", "bad.backup"]).bad(1);
    assert!(refused.contains("damaged") || refused.contains("malformed"), "{refused}");
    assert!(!place.path().join("bad.backup").exists());
}

// F-03: the server that tests run on waits for no disk.
#[test]
fn a_database_server_that_loses_what_it_has_acknowledged_is_warned_of_at_the_start_and_by_the_doctor() {
    let place = Place::on(&format!("{}%20-c%20synchronous_commit%3Doff", postgres::fresh()));
    let log = place.serve(&[]).stop();
    for setting in ["fsync off", "full_page_writes off", "synchronous_commit is off for this role"] {
        let warned = log.stderr.lines().any(|line| line.contains("WARN") && line.contains(setting));
        assert!(warned, "{setting}: {}", log.stderr);
    }
    let done = doctor(&place, &["--offline", "--database-connections", "500"]);
    assert_wrong(&done, "durability", "fsync = on in postgresql.conf");
    assert_wrong(&done, "durability", "full_page_writes = on");
    assert!(found(&done, "durability").1.contains("synchronous_commit is off"), "{}", done.stdout);
    assert_wrong(&done, "connections", "max_connections");
    assert_eq!(found(&done, "clock").0, ["good"], "{}", done.stdout);
}
