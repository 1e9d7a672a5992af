//! `countersign migrate`, `backup` and `restore` as an operator uses them, with processes that are killed and servers that are at work.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod migrate;

use serde_json::Value;

use support::{Place, Server};

const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

/// Logs in for a pair of tokens: the access token and the refresh token.
fn log_in(server: &Server, name: &str) -> (String, String) {
    let form = format!("grant_type=password&username={name}&password={}&scope=offline_access", support::PASSWORD);
    let (status, body) = server.ask("POST", "/token", &FORM, &form);
    assert_eq!(status, 200, "{body}");
    pair(&body)
}

fn refresh(server: &Server, token: &str) -> Option<(String, String)> {
    let (status, body) =
        server.ask("POST", "/token", &FORM, &format!("grant_type=refresh_token&refresh_token={token}"));
    (status == 200).then(|| pair(&body))
}

fn pair(body: &str) -> (String, String) {
    let body: Value = serde_json::from_str(body).unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// A place with so many users, of whom the first is `user-0`, and can log in.
fn with_users(place: &Place, count: usize) {
    place.add_user(&["user-0"]).good();
    let lines: Vec<_> = (1..count).map(|n| format!("{{\"username\":\"user-{n}\"}}")).collect();
    place.write("users.jsonl", &lines.join("\n"));
    place.run(&["import", "users", "users.jsonl"]).good();
}

/// The rows of each table, as `migrate` or `backup` tell them.
fn rows_of(summary: &Value, table: &str) -> u64 {
    let tables = summary["tables"].as_array().unwrap();
    tables.iter().find(|entry| entry["table"] == table).unwrap()["rows"].as_u64().unwrap()
}
