//! `countersign client`, and what its clients then do at a running server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;

use crate::support::{Place, Server};

fn token(server: &Server, form: &str) -> (u16, Value) {
    let (status, body) = server.ask("POST", "/token", &[("Content-Type", "application/x-www-form-urlencoded")], form);
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn clients_are_registered_changed_and_given_new_secrets_while_the_server_runs() {
    let place = Place::new();
    let server = place.serve(&[]);
    let secret = |said: String| said.lines().find_map(|line| line.strip_prefix("client_secret: ")).unwrap().to_owned();
    let add =
        ["client", "add", "worker", "--name", "The worker", "--grant", "client_credentials", "--scope", "a:read", "b"];
    let first = secret(place.run(&add).good());
    assert!(place.run(&add).bad(1).contains("taken"));
    place.run(&["client", "add", "app", "--public", "--grant", "password", "refresh_token"]).good();
    let own = |secret: &str| {
        token(&server, &format!("grant_type=client_credentials&client_id=worker&client_secret={secret}"))
    };
    let (status, answer) = own(&first);
    assert_eq!((status, &answer["scope"]), (200, &"a:read b".into()), "{answer}");

    let shown = place.run(&["client", "show", "worker", "--json"]).json();
    assert_eq!((&shown["name"], &shown["is_public"]), (&"The worker".into(), &false.into()));
    let id = shown["secrets"][0]["id"].as_str().unwrap();
    let second = secret(place.run(&["client", "add-secret", "worker"]).good());
    place.run(&["client", "add-secret", "worker"]).bad(1);
    place.run(&["client", "remove-secret", "worker", id]).good();
    assert_eq!((own(&first).0, own(&second).0), (400, 200));
    assert!(place.run(&["client", "add-secret", "app"]).bad(1).contains("public"));

    place.run(&["client", "set", "worker", "--scope", "a:read", "--access-token-seconds", "60"]).good();
    let (_, answer) = own(&second);
    assert_eq!((&answer["scope"], &answer["expires_in"]), (&"a:read".into(), &60.into()));
    place.run(&["client", "disable", "worker"]).good();
    assert_eq!(own(&second).0, 400);
    place.run(&["client", "enable", "worker"]).good();
    assert_eq!(own(&second).0, 200);
    let table = place.run(&["client", "list"]).good();
    assert!(
        table.contains("confidential") && table.contains("public") && table.contains("password refresh_token"),
        "{table}"
    );
    assert!(!table.contains(&second) && !place.run(&["client", "show", "worker"]).good().contains(&second));
    place.run(&["client", "delete", "worker"]).good();
    place.run(&["client", "show", "worker"]).bad(1);
    assert_eq!(own(&second).0, 400);
    for wrong in [
        &["client", "add", "a b"][..],
        &["client", "add", "x", "--grant", "magic"],
        &["client", "add", "x", "--audience", "\u{e9}"],
    ] {
        place.run(wrong).bad(2);
    }
    let log = server.stop().stderr;
    assert!(!log.contains(&first) && !log.contains(&second), "{log}");
}
