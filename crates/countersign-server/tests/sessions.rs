//! Sessions of a running server, as an operator sees them and as they outlive the process.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{PASSWORD, Place, Server};

const FORM: [(&str, &str); 2] =
    [("Content-Type", "application/x-www-form-urlencoded"), ("User-Agent", "test-client/1.0")];

fn token(server: &Server, form: &str) -> (u16, Value) {
    let (status, body) = server.ask("POST", "/token", &FORM, form);
    (status, serde_json::from_str(&body).unwrap())
}

/// Logs ada in with a refresh token: the answer.
fn log_in(server: &Server) -> Value {
    let form = format!("grant_type=password&username=ada&password={PASSWORD}&scope=offline_access");
    let (status, answer) = token(server, &form);
    assert_eq!(status, 200, "{answer}");
    answer
}

fn refresh(server: &Server, refresh_token: &Value) -> (u16, Value) {
    token(server, &format!("grant_type=refresh_token&refresh_token={}", refresh_token.as_str().unwrap()))
}

// S-005, R-116
#[test]
fn a_used_token_is_known_after_the_process_was_killed() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let server = place.serve(&[]);
    let first = log_in(&server)["refresh_token"].clone();
    let (_, second) = refresh(&server, &first);
    let (status, third) = refresh(&server, &second["refresh_token"]);
    assert_eq!(status, 200);
    server.signal(Signal::KILL);
    drop(server);

    let server = place.serve(&["--metrics", "127.0.0.1:0"]);
    assert_eq!(refresh(&server, &second["refresh_token"]).1["refresh_token"], third["refresh_token"]);
    assert_eq!(refresh(&server, &first).0, 400);
    assert_eq!(refresh(&server, &third["refresh_token"]).0, 400, "the thief's turn ended it for both");
    let metrics = server.metrics();
    for line in ["countersign_refresh_total{outcome=\"reused\"} 1", "countersign_refresh_total{outcome=\"retried\"} 1"]
    {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }
    let log = server.stop().stderr;
    assert!(log.contains("used before"), "{log}");
    for secret in [&first, &second["refresh_token"], &third["refresh_token"], &third["access_token"]] {
        assert!(!log.contains(secret.as_str().unwrap()), "{log}");
    }
}

#[test]
fn an_operator_lists_sessions_and_ends_them_while_the_server_runs() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    place.add_user(&["bob"]).good();
    let server = place.serve(&[]);
    let answer = log_in(&server);
    let access = answer["access_token"].as_str().unwrap();
    let (_, bobs) = server.log_in("bob");
    let listed = place.run(&["session", "list", "--user", "ada", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let session = &listed[0];
    assert_eq!((&session["username"], &session["address"]), (&"ada".into(), &"127.0.0.1".into()));
    assert_eq!((&session["user_agent"], &session["is_refreshable"]), (&"test-client/1.0".into(), &true.into()));
    let table = place.run(&["session", "list"]).good();
    assert!(table.contains("ada") && table.contains("bob") && table.contains("127.0.0.1"), "{table}");

    let short = place.run(&["session", "list", "--limit", "1", "--json"]);
    assert!(short.stderr.contains("more than these 1"), "{}", short.stderr);
    assert_eq!(short.json().as_array().unwrap().len(), 1);
    assert_eq!(place.run(&["session", "list", "--limit", "2"]).stderr, "");

    let id = session["id"].as_str().unwrap();
    place.run(&["session", "end", id]).good();
    assert_eq!(server.whoami(access).0, 401);
    assert_eq!(refresh(&server, &answer["refresh_token"]).0, 400);
    assert_eq!(server.whoami(&bobs).0, 200);
    place.run(&["session", "end", id]).bad(1);
    place.run(&["session", "end", "x"]).bad(2);
    place.run(&["session", "end"]).bad(2);
    assert!(place.run(&["session", "end", "--user", "bob"]).good().contains("1 sessions of bob"));
    assert_eq!(server.whoami(&bobs).0, 401);
}
