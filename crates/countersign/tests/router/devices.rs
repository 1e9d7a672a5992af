//! Browsers that are known: whose budget a guess is counted on, wherever it comes from.

use axum::http::StatusCode;
use countersign::Settings;
use countersign::user::Login;
use countersign_axum::ErrorStyle;
use futures_util::future::join_all;
use serde_json::json;

use crate::clients;
use crate::common::{ISSUER, PASSWORD, Server, from};
use crate::throttle::{DAY, HOME, change_password, elsewhere, log_in, status, with_alice};

/// A login from this address by a browser with this cookie, and the cookie that it keeps from then on.
async fn browse(server: &Server, address: &str, cookie: &str, username: &str, password: &str) -> (u16, String) {
    let form = format!("grant_type=password&username={username}&password={}", password.replace(' ', "+"));
    let request = axum::http::Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", format!("theme=dark; {cookie}"));
    let answer = server.send(from(address, request.body(form.into()).unwrap())).await;
    let set = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    (answer.status.as_u16(), if set.is_empty() { cookie.to_owned() } else { set })
}

#[tokio::test]
async fn a_browser_is_known_wherever_it_is() {
    // S-026, R-157
    let server = with_alice().await;
    server.register("bob").await;
    let answer = log_in(&server, HOME, "alice", PASSWORD).await;
    let set = answer.header("set-cookie").to_owned();
    assert!(set.starts_with("__Host-countersign-device="), "{set}");
    assert!(set.ends_with("; Path=/; Max-Age=7776000; Secure; HttpOnly; SameSite=Strict"), "{set}");
    let alices = set.split(';').next().unwrap().to_owned();
    let (_, bobs) = browse(&server, HOME, "", "bob", PASSWORD).await;
    for number in 0..50 {
        status(&server, &elsewhere(number), "alice", "wrong").await;
    }
    let try_at = async |address: &str, cookie: &str| browse(&server, address, cookie, "alice", PASSWORD).await.0;
    for cookie in
        ["", &bobs, &alices.replace("device=", "device=A"), &format!("x{alices}"), "__Host-countersign-device="]
    {
        assert_eq!(try_at("192.0.2.1", cookie).await, 429, "{cookie}");
    }
    assert_eq!(browse(&server, "192.0.2.1", &alices, "alice", PASSWORD).await, (200, alices.clone()), "it will do");
    // It has a budget of its own, and no more than that.
    for number in 0..10 {
        assert_eq!(browse(&server, &elsewhere(number), &alices, "alice", "wrong").await.0, 400);
    }
    assert_eq!(try_at("192.0.2.2", &alices).await, 429);
    assert_eq!(status(&server, HOME, "alice", PASSWORD).await, 200);
    // It is given anew once a day, and is good for 90.
    server.clock.advance(2 * DAY);
    let (status, newer) = browse(&server, "192.0.2.3", &alices, "alice", PASSWORD).await;
    assert_eq!(status, 200);
    assert_ne!(newer, alices);
    server.clock.advance(89 * DAY);
    let guesses = (0..20).map(|number| {
        let server = &server;
        async move { log_in(server, &elsewhere(number), "alice", "wrong").await }
    });
    join_all(guesses).await;
    assert_eq!((try_at("192.0.2.4", &alices).await, try_at("192.0.2.4", &newer).await), (429, 200));
}

#[tokio::test]
async fn browsers_that_knew_an_earlier_password_are_not_known_any_more() {
    // whoever knew the old one could have made any number of them, each with guesses of its own.
    let server = with_alice().await;
    let answer = log_in(&server, HOME, "alice", PASSWORD).await;
    let token = answer.body["access_token"].as_str().unwrap().to_owned();
    let mut before = Vec::new();
    for number in 0..20 {
        before.push(browse(&server, &elsewhere(number), "", "alice", PASSWORD).await.1);
    }
    let changed = change_password(&server, HOME, &token, PASSWORD).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT);
    let newer = changed.header("set-cookie").split(';').next().unwrap().to_owned();
    let mut looked_at = 0;
    for cookie in &before {
        for _ in 0..5 {
            looked_at += usize::from(browse(&server, "192.0.2.1", cookie, "alice", "wrong").await.0 == 400);
        }
    }
    assert_eq!(looked_at, 10);
    // The browser in which it was changed is known.
    let (status, kept) = browse(&server, "192.0.2.1", &newer, "alice", "tragic tribal trial trombone").await;
    assert_eq!((status, kept), (200, newer));
}

#[tokio::test]
async fn who_is_logged_in_changes_the_password_while_others_guess_at_it() {
    // S-026
    let server = with_alice().await;
    let token = server.log_in("alice").await;
    for number in 0..20 {
        status(&server, &elsewhere(number), "alice", "wrong").await;
    }
    assert_eq!(status(&server, "192.0.2.1", "alice", PASSWORD).await, 429);
    assert_eq!(change_password(&server, "192.0.2.1", &token, PASSWORD).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_operator_who_lets_somebody_in_does_not_make_them_a_stranger_at_home() {
    // S-026
    let server = with_alice().await;
    assert_eq!(status(&server, HOME, "alice", PASSWORD).await, 200);
    for number in 0..10 {
        status(&server, HOME, "alice", "wrong").await;
        status(&server, &elsewhere(number), "alice", "wrong").await;
    }
    let users = &server.app.stores().users;
    let alice = users.find_credentials(&Login::parse("alice")).await.unwrap().unwrap().user;
    assert_eq!(status(&server, HOME, "alice", PASSWORD).await, 429);
    server.app.throttles().forgive(&alice).await.unwrap();
    for number in 0..20 {
        status(&server, &elsewhere(number), "alice", "wrong").await;
    }
    assert_eq!(status(&server, "192.0.2.1", "alice", PASSWORD).await, 429);
    assert_eq!(status(&server, HOME, "alice", PASSWORD).await, 200);
}

#[tokio::test]
async fn a_cookie_is_for_browsers_of_the_own_front_end_over_tls() {
    let (server, token) = clients::with_administrator().await;
    let body = json!({ "id": "web", "grants": ["password"], "audiences": [ISSUER] });
    let secret = clients::register(&server, &token, body).await;
    let fields = [("grant_type", "password"), ("username", "root"), ("password", PASSWORD), ("client_id", "web")];
    let answer = server.form_from(HOME, "/token", &[&fields[..], &[("client_secret", &*secret)]].concat()).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::OK, ""), "of another program");
    let plain = Settings { issuer: "http://login.test".to_owned(), ..server.app.settings().clone() };
    let plain = Server::over(&server, plain).await;
    assert_eq!(log_in(&plain, HOME, "root", PASSWORD).await.header("set-cookie"), "");
    let settings = Settings { error_style: ErrorStyle::FastApi, ..server.app.settings().clone() };
    let fastapi = Server::over(&server, settings).await;
    assert!(log_in(&fastapi, HOME, "root", PASSWORD).await.header("set-cookie").contains("HttpOnly"));
}
