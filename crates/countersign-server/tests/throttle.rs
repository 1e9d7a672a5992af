//! Too many attempts at the server: counted by all nodes together, by where they come from, and over a restart.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::thread;

use crate::support::{PASSWORD, Place, Server, postgres};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The status of a login, with this header besides.
fn log_in(server: &Server, name: &str, password: &str, field: (&str, &str)) -> u16 {
    server.ask("POST", "/token", &[FORM, field], &format!("grant_type=password&username={name}&password={password}")).0
}

fn forwarded(address: &str) -> (&str, &str) {
    ("X-Forwarded-For", address)
}

const NOTHING: (&str, &str) = ("X-Nothing", "");

/// How many of so many wrong passwords at once are looked at, at these servers by turns. Whom a busy server asks to come again comes again.
fn looked_at_of(count: usize, servers: &[&Server]) -> usize {
    thread::scope(|scope| {
        let guess = |number: usize| {
            let mut tries = (0..100).map(|_| log_in(servers[number % servers.len()], "ada", "wrong", NOTHING));
            tries.find(|status| *status != 503).unwrap()
        };
        let guesses: Vec<_> = (0..count).map(|number| scope.spawn(move || guess(number))).collect();
        let answers: Vec<_> = guesses.into_iter().map(|guess| guess.join().unwrap()).collect();
        assert!(answers.iter().all(|status| [400, 429].contains(status)), "{answers:?}");
        answers.into_iter().filter(|status| *status == 400).count()
    })
}

/// With as many as can be set the first pause is a day: none ends while a slow machine is at work, which may take its time.
const FIFTY: [&str; 4] = ["--login-attempts", "50", "--hash-deadline", "1m"];

// S-025, R-137
#[test]
fn of_two_hundred_guesses_at_once_as_many_are_looked_at_as_are_free_and_a_restart_forgets_nothing() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let server = place.serve_throttling(&[&FIFTY[..], &["--metrics", "127.0.0.1:0"]].concat());
    assert_eq!(looked_at_of(200, &[&server]), 50);
    let metrics = server.metrics();
    assert!(metrics.contains("countersign_throttled_total{kind=\"login\"} 150\n"), "{metrics}");
    server.stop().good();
    assert_eq!(looked_at_of(20, &[&place.serve_throttling(&FIFTY)]), 0);
}

// S-025, over several nodes
#[test]
fn two_nodes_on_one_database_count_together() {
    let here = Place::on(&postgres::fresh());
    here.add_user(&["ada"]).good();
    let arguments = [&FIFTY[..], &["--issuer", "http://127.0.0.1"]].concat();
    let (first, second) = (here.serve_throttling(&arguments), here.serve_throttling(&arguments));
    assert_eq!(looked_at_of(200, &[&first, &second]), 50);
}

// S-027, R-138
#[test]
fn a_made_up_source_dodges_nothing_and_a_trusted_proxy_is_believed() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    // Other names each time: a name waits as well.
    let guess = |server: &Server, name: &str, number: usize| {
        log_in(server, &format!("{name}{number}"), "wrong", forwarded(&format!("100.64.{number}.1")))
    };
    let server = place.serve_throttling(&["--login-attempts", "1"]);
    let answers: Vec<_> = (0..12).map(|number| guess(&server, "user", number)).collect();
    assert_eq!(answers.iter().filter(|status| **status == 400).count(), 10, "{answers:?}");
    let stopped = server.stop();
    assert_eq!(stopped.stderr.matches("name it by --trusted-proxies").count(), 1, "{}", stopped.stderr);

    let server = place.serve_throttling(&["--login-attempts", "1", "--trusted-proxies", "127.0.0.1"]);
    let answers: Vec<_> = (0..12).map(|number| guess(&server, "somebody", number)).collect();
    assert!(answers.iter().all(|status| *status == 400), "{answers:?}");
    let token = {
        let form = format!("grant_type=password&username=ada&password={PASSWORD}");
        let (status, body) = server.ask("POST", "/token", &[FORM, forwarded("192.0.2.9, 203.0.113.7")], &form);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<serde_json::Value>(&body).unwrap()["access_token"].as_str().unwrap().to_owned()
    };
    // Sessions and the log see the same source.
    let (_, sessions) = server.ask("GET", "/users/me/sessions", &[("Authorization", &format!("Bearer {token}"))], "");
    assert!(sessions.contains("\"address\":\"203.0.113.7\""), "{sessions}");
    let stopped = server.stop();
    assert!(stopped.stderr.contains("203.0.113.7") && !stopped.stderr.contains("192.0.2.9"), "{}", stopped.stderr);
    assert!(!stopped.stderr.contains("--trusted-proxies"), "{}", stopped.stderr);
}

// S-026
#[test]
fn an_operator_lets_in_whom_others_keep_waiting() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let server = place.serve_throttling(&[&FIFTY[..], &["--trusted-proxies", "127.0.0.1"]].concat());
    for number in 0..50 {
        assert_eq!(log_in(&server, "ada", "wrong", forwarded(&format!("100.64.{number}.1"))), 400);
    }
    assert_eq!(log_in(&server, "ada", PASSWORD, forwarded("203.0.113.7")), 429);
    place.run(&["user", "unlock", "ada"]).good();
    assert_eq!(log_in(&server, "ada", PASSWORD, forwarded("203.0.113.7")), 200);
    for number in 0..51 {
        let status = log_in(&server, "ada", "wrong", forwarded(&format!("100.64.{number}.1")));
        assert_eq!(status, if number < 50 { 400 } else { 429 });
    }
    assert_eq!(log_in(&server, "ada", PASSWORD, forwarded("203.0.113.7")), 200, "it is known there by now");
}

// S-026
#[test]
fn who_is_given_a_new_password_need_not_wait_for_the_wrong_ones_before() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let set_password = || {
        let arguments = ["user", "set-password", "ada", "--password-stdin"];
        place.run_with(&arguments, &[], "another-good-password\n").good()
    };
    assert_eq!(set_password(), "ada has a new password.\n", "no server has counted anything yet");
    let server = place.serve_throttling(&[&FIFTY[..], &["--trusted-proxies", "127.0.0.1"]].concat());
    for number in 0..50 {
        log_in(&server, "ada", "wrong", forwarded(&format!("100.64.{number}.1")));
    }
    assert_eq!(log_in(&server, "ada", "another-good-password", forwarded("203.0.113.7")), 429);
    assert_eq!(set_password(), "ada has a new password.\n");
    assert_eq!(log_in(&server, "ada", "another-good-password", forwarded("203.0.113.7")), 200);
    // Somewhere else, where only the database is at hand.
    let key = place.data().join("sealing.key");
    std::fs::rename(&key, place.path().join("elsewhere")).unwrap();
    let said = set_password();
    assert!(
        said.contains("new password") && said.contains("could not be forgotten") && said.contains("sealing.key"),
        "{said}"
    );
    assert!(!key.exists());
}
