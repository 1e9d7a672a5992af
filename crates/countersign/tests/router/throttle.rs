//! Too many attempts: 429, before anything is hashed.

use axum::http::StatusCode;
use countersign::throttles::{Attempted, MINTS_A_DAY};
use countersign::{Settings, Throttling};
use countersign_axum::ErrorStyle;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::clients::{self, OWN};
use crate::common::{Answer, ISSUER, PASSWORD, Server, from};
use crate::entities::{Garage, TOKENS};

pub(crate) const HOME: &str = "203.0.113.7";
const ATTACKER: &str = "198.51.100.1";
pub(crate) const DAY: i64 = 24 * 60 * 60;

pub(crate) async fn log_in(server: &Server, address: &str, username: &str, password: &str) -> Answer {
    let fields = [("grant_type", "password"), ("username", username), ("password", password)];
    server.form_from(address, "/token", &fields).await
}

pub(crate) async fn status(server: &Server, address: &str, username: &str, password: &str) -> u16 {
    log_in(server, address, username, password).await.status.as_u16()
}

/// Changes the password of whose token this is from what is said to be the current one.
pub(crate) async fn change_password(server: &Server, address: &str, token: &str, current: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": "tragic tribal trial trombone" });
    let request = axum::http::Request::put("/users/me/password")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"));
    server.send(from(address, request.body(body.to_string().into()).unwrap())).await
}

/// Addresses of different networks.
pub(crate) fn elsewhere(number: usize) -> String {
    format!("100.{}.{}.1", number / 256 % 256, number % 256)
}

/// How many passwords have been hashed or checked.
pub(crate) fn hashes(server: &Server) -> u64 {
    server.hashing.stats().times.iter().map(|time| time.count).sum()
}

pub(crate) fn refused(server: &Server, attempted: Attempted) -> u64 {
    server.app.throttles().refusals().into_iter().find(|(kind, _)| *kind == attempted).unwrap().1
}

pub(crate) async fn with_alice() -> Server {
    let server = Server::new().await;
    server.register("alice").await;
    // What the start hashes is done: the times of the hashes there are.
    server.app.accounts().learn_hash_times().await.unwrap();
    server
}

#[tokio::test]
async fn after_ten_wrong_passwords_each_is_followed_by_a_pause_that_grows() {
    //
    let server = with_alice().await;
    for _ in 0..10 {
        assert_eq!(status(&server, HOME, "alice", "wrong").await, 400);
    }
    let before = hashes(&server);
    for pause in [1, 2, 4, 8] {
        let answer = log_in(&server, HOME, "alice", PASSWORD).await;
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, &*pause.to_string()));
        server.clock.advance(pause);
        assert_eq!(status(&server, HOME, "alice", "wrong").await, 400);
    }
    assert_eq!(hashes(&server), before + 4, "nothing is hashed for who is refused");
    assert_eq!(refused(&server, Attempted::Login), 4);
    server.clock.advance(16);
    assert_eq!(status(&server, HOME, "Alice", PASSWORD).await, 200);
    for _ in 0..9 {
        assert_eq!(status(&server, HOME, "alice", "wrong").await, 400, "it begins anew after a login");
    }
}

#[tokio::test]
async fn of_two_hundred_guesses_at_once_ten_are_looked_at() {
    // S-025, R-137
    let server = with_alice().await;
    let before = hashes(&server);
    let guesses = (0..200).map(|number| {
        let server = &server;
        async move { status(server, &elsewhere(number), "alice", "wrong").await }
    });
    let answers = join_all(guesses).await;
    let count = |wanted| answers.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(400), count(429)), (10, 190));
    assert_eq!(hashes(&server), before + 10);
}

#[tokio::test]
async fn whoever_fails_ten_thousand_times_locks_nobody_out_who_is_known() {
    // S-026
    let server = with_alice().await;
    assert_eq!(status(&server, HOME, "alice", PASSWORD).await, 200);
    let mut looked_at = 0;
    for number in 0..10_000 {
        server.clock.advance(1);
        looked_at += usize::from(status(&server, &elsewhere(number), "alice", "wrong").await == 400);
    }
    // 10 000 seconds of guesses by as many addresses are 22 guesses.
    assert!((11..=25).contains(&looked_at), "{looked_at}");
    assert_eq!(status(&server, "192.0.2.1", "alice", PASSWORD).await, 429, "where she is not known she has to wait");
    for name in ["alice", "Alice@example.com"] {
        assert_eq!(status(&server, HOME, name, PASSWORD).await, 200, "{name}");
    }
    // Nor does somebody at her address: it has its budget for the others.
    for number in 0..200 {
        status(&server, HOME, &format!("user{number}"), "wrong").await;
    }
    assert_eq!(status(&server, HOME, "nobody", "wrong").await, 429);
    assert_eq!(status(&server, HOME, "alice", PASSWORD).await, 200);
    // An administrator lets her in everywhere.
    let alice = log_in(&server, HOME, "alice", PASSWORD).await;
    let token = alice.body["access_token"].as_str().unwrap();
    let id = server.bare("GET", "/users/me", Some(token)).await.body["id"].as_str().unwrap().parse().unwrap();
    let password = countersign_password::Password::new(PASSWORD.to_owned()).unwrap();
    server.app.accounts().set_password(id, password).await.unwrap();
    assert_eq!(status(&server, "192.0.2.1", "alice", PASSWORD).await, 200);
}

#[tokio::test]
async fn names_that_nobody_has_are_throttled_as_those_that_somebody_has() {
    //
    let server = with_alice().await;
    let mut answers = Vec::new();
    for name in ["alice", "nobody", "alice@example.com", "nobody@example.com", "al\u{202e}ice"] {
        let mut of_name = Vec::new();
        for number in 0..12 {
            let answer = log_in(&server, &elsewhere(number), name, "wrong").await;
            of_name.push((answer.status, answer.headers, answer.body));
        }
        answers.push(of_name);
    }
    for of_name in &answers {
        assert_eq!(of_name, &answers[0]);
        assert_eq!((of_name[9].0, of_name[10].0), (StatusCode::BAD_REQUEST, StatusCode::TOO_MANY_REQUESTS));
    }
}

#[tokio::test]
async fn the_refusal_has_the_shape_of_its_style() {
    let server = with_alice().await;
    let settings = Settings { error_style: ErrorStyle::FastApi, ..server.app.settings().clone() };
    let fastapi = Server::over(&server, settings).await;
    for _ in 0..10 {
        assert_eq!(status(&fastapi, HOME, "alice", "wrong").await, 401);
    }
    let text = "Too many attempts, try again in 1 second";
    let answer = log_in(&fastapi, HOME, "alice", PASSWORD).await;
    assert_eq!((answer.status, &answer.body), (StatusCode::TOO_MANY_REQUESTS, &json!({ "detail": text })));
    assert_eq!((answer.header("retry-after"), answer.header("cache-control")), ("1", "no-store"));
    assert_eq!(answer.header("www-authenticate"), "");
    let answer = log_in(&server, HOME, "alice", PASSWORD).await;
    let shape = json!({ "error": "temporarily_unavailable", "error_description": text, "detail": text });
    assert_eq!((answer.status, &answer.body), (StatusCode::TOO_MANY_REQUESTS, &shape));
    assert_eq!((answer.header("retry-after"), answer.header("cache-control")), ("1", "no-store"));
}

#[tokio::test]
async fn an_address_has_a_hundred_failures_an_hour_and_does_not_get_them_back_by_logging_in() {
    let server = with_alice().await;
    server.register("mallory").await;
    let mut looked_at = 0;
    for number in 0..300 {
        looked_at += usize::from(status(&server, ATTACKER, &format!("user{number}"), "wrong").await == 400);
        if number % 10 == 0 {
            let own = status(&server, ATTACKER, "mallory", PASSWORD).await;
            assert!(own == 200 || number > 100, "{number}");
        }
    }
    assert_eq!(looked_at, 100);
    assert_eq!(status(&server, ATTACKER, "alice", PASSWORD).await, 429);
    assert_eq!(
        status(&server, ATTACKER, "mallory", PASSWORD).await,
        200,
        "where one is known the address does not count"
    );
    assert_eq!(status(&server, "198.51.100.2", "alice", "wrong").await, 400, "the neighbour has a budget too");
    server.clock.advance(36);
    assert_eq!(status(&server, ATTACKER, "alice", "wrong").await, 400);
    assert_eq!(status(&server, ATTACKER, "alice", "wrong").await, 429, "one more every 36 seconds");
}

#[tokio::test]
async fn a_network_has_ten_times_as_many() {
    // S-027: IPv6 by 64 bits, and by 48 as a network.
    let server = with_alice().await;
    let mut looked_at = 0;
    for number in 0..1100 {
        let address = format!("2001:db8:1:{:x}::{number:x}", number / 50);
        looked_at += usize::from(status(&server, &address, &format!("user{number}"), "wrong").await == 400);
    }
    assert_eq!(looked_at, 1000);
    assert_eq!(status(&server, "2001:db8:2::1", "alice", "wrong").await, 400);
    for number in 0..200 {
        status(&server, &format!("2001:db8:3:4:{number:x}::1"), &format!("user{number}"), "wrong").await;
    }
    assert_eq!(status(&server, "2001:db8:3:4::1", "alice", "wrong").await, 429, "64 bits are one address");
    assert_eq!(status(&server, "2001:db8:3:5::1", "alice", "wrong").await, 400);
}

#[tokio::test]
async fn a_clock_that_jumps_back_locks_nobody_out_for_ever() {
    // F-13
    let server = with_alice().await;
    server.clock.advance(10 * 365 * DAY);
    for _ in 0..10 {
        assert_eq!(status(&server, HOME, "alice", "wrong").await, 400);
    }
    server.clock.advance(-10 * 365 * DAY);
    assert_eq!(status(&server, HOME, "alice", PASSWORD).await, 200);
    // An hour is what the clocks of two processes may differ by: nobody gets round a pause by it.
    for _ in 0..10 {
        assert_eq!(status(&server, ATTACKER, "alice", "wrong").await, 400);
    }
    server.clock.advance(-1800);
    assert_eq!(log_in(&server, ATTACKER, "alice", PASSWORD).await.header("retry-after"), "1801");
    server.clock.advance(1801);
    assert_eq!(status(&server, ATTACKER, "alice", PASSWORD).await, 200);
}

#[tokio::test]
async fn who_is_refused_because_the_machine_is_busy_has_not_failed() {
    use countersign_password::{Argon2Params, PoolSettings};
    let busy = PoolSettings { threads: 1, queue_limit: 1, ..PoolSettings::default() };
    let server = Server::hashing_with(Argon2Params::OWASP, busy).await;
    server.register("alice").await;
    let mut refused = 0;
    for _ in 0..4 {
        let guesses = (0..8).map(|_| status(&server, HOME, "alice", PASSWORD));
        let answers = join_all(guesses).await;
        assert!(answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
        refused += answers.iter().filter(|status| **status == 503).count();
    }
    assert!(refused > 10, "{refused}: more than would be free");
}

#[tokio::test]
async fn the_current_password_is_guessed_at_no_more_often_than_at_a_login() {
    //
    let server = with_alice().await;
    let token = server.log_in("alice").await;
    let change = async |address: &str, current: &str| change_password(&server, address, &token, current).await;
    for number in 0..10 {
        assert_eq!(change(&elsewhere(number), "wrong").await.status, StatusCode::FORBIDDEN);
        assert_eq!(status(&server, &elsewhere(number), "alice", "wrong").await, 400);
    }
    let before = hashes(&server);
    let answer = change(ATTACKER, PASSWORD).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.body["detail"], "Too many attempts, try again in 1 second");
    assert_eq!((hashes(&server), refused(&server, Attempted::PasswordChange)), (before, 1));
    server.clock.advance(1);
    assert_eq!(change(ATTACKER, PASSWORD).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn wrong_secrets_of_a_client_are_counted_and_right_ones_are_not() {
    //
    let (server, token) = clients::with_administrator().await;
    let body = json!({ "id": "worker", "grants": ["client_credentials"], "audiences": [ISSUER] });
    let secret = clients::register(&server, &token, body).await;
    let ask = async |address: &str, path: &str, id: &str, secret: &str| {
        let fields = [("client_id", id), ("client_secret", secret), OWN[0], ("token", "x")];
        server.form_from(address, path, &fields).await
    };
    for _ in 0..100 {
        assert_eq!(ask(HOME, "/token", "worker", &secret).await.status, StatusCode::OK);
    }
    for id in ["worker", "nobody", "a b"] {
        for (number, path) in (0..10).zip(["/token", "/revoke", "/introspect"].into_iter().cycle()) {
            assert_eq!(ask(&elsewhere(number), path, id, "css_wrong").await.body["error"], "invalid_client");
        }
        let answer = ask("192.0.2.1", "/token", id, &secret).await;
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"), "{id}");
    }
    for path in ["/token", "/revoke", "/introspect"] {
        assert_eq!(ask(HOME, path, "worker", &secret).await.status, StatusCode::OK, "{path}: it is known there");
    }
    assert_eq!(refused(&server, Attempted::Client), 3);
    server.clock.advance(1);
    let guesses = (0..50).map(|number| {
        let address = elsewhere(1000 + number);
        let ask = &ask;
        async move { ask(&address, "/token", "worker", "css_wrong").await.status }
    });
    let heard = join_all(guesses).await.into_iter().filter(|status| *status == StatusCode::BAD_REQUEST).count();
    assert_eq!(heard, 1, "of many at once, one hears that it was wrong");
}

#[tokio::test]
async fn an_owner_makes_a_thousand_tokens_a_day() {
    let garage = Garage::new().await;
    for _ in 1..MINTS_A_DAY {
        garage.server.app.throttles().mint(garage.alice).await.unwrap();
    }
    let mint = async || garage.mint(TOKENS, &garage.alices, &["drive"]).await;
    assert_eq!(mint().await.status, StatusCode::CREATED);
    let answer = mint().await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "87"));
    assert_eq!(refused(&garage.server, Attempted::EntityToken), 1);
    garage.server.clock.advance(87);
    assert_eq!(mint().await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn what_counts_nothing_refuses_nobody() {
    let server = Server::with(|settings| settings.throttling = Throttling { is_on: false, ..Throttling::default() });
    let server = server.await;
    server.register("alice").await;
    for _ in 0..30 {
        assert_eq!(status(&server, HOME, "alice", "wrong").await, 400);
    }
    assert_eq!(status(&server, HOME, "alice", PASSWORD).await, 200);
    assert!(server.app.throttles().refusals().iter().all(|(_, count)| *count == 0));
}

#[tokio::test]
async fn the_document_says_where_there_are_too_many() {
    let document = countersign::http::document(ErrorStyle::Problem, countersign::Profile::OAuth2);
    let document: Value = serde_json::to_value(document).unwrap();
    for (path, method) in [
        ("/token", "post"),
        ("/revoke", "post"),
        ("/introspect", "post"),
        ("/users", "post"),
        ("/users/me", "patch"),
        ("/users/me/password", "put"),
        ("/entities/{kind}/{id}/tokens", "post"),
    ] {
        let answer = &document["paths"][path][method]["responses"]["429"];
        assert!(answer["description"].as_str().is_some_and(|text| text.contains("Retry-After")), "{path}");
    }
}
