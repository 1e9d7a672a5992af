//! How many accounts one address makes.

use axum::http::StatusCode;
use countersign::throttles::{Attempted, EMAIL_CHANGES_A_DAY};
use futures_util::future::join_all;
use serde_json::json;

use crate::common::{Answer, PASSWORD, Server, from};
use crate::throttle::{HOME, hashes, refused};

async fn register(server: &Server, address: &str, name: &str, token: Option<&str>) -> Answer {
    let body = json!({ "username": name, "password": PASSWORD });
    let mut request = axum::http::Request::post("/users").header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    server.send(from(address, request.body(body.to_string().into()).unwrap())).await
}

#[tokio::test]
async fn an_address_registers_as_many_accounts_an_hour_as_are_set_and_a_network_ten_times_as_many() {
    let server = Server::with(|settings| settings.throttling.registrations_per_hour = 10).await;
    let before = hashes(&server);
    let many = (0..40).map(|number| {
        let server = &server;
        async move { register(server, HOME, &format!("user{number}"), None).await.status.as_u16() }
    });
    let answers = join_all(many).await;
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 10);
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 30);
    assert_eq!((hashes(&server), refused(&server, Attempted::Registration)), (before + 10, 30));
    let answer = register(&server, HOME, "late", None).await;
    assert_eq!(answer.header("retry-after"), "360");
    assert_eq!(answer.body["detail"], "Too many attempts, try again in 6 minutes");
    // What is refused before anything is hashed costs nothing.
    let body = json!({ "username": "late", "password": "short" });
    let request = axum::http::Request::post("/users").header("content-type", "application/json");
    let answer = server.send(from("203.0.113.8", request.body(body.to_string().into()).unwrap())).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut registered = 10;
    for number in 0..150 {
        let address = format!("203.0.113.{}", 8 + number / 10);
        registered += usize::from(register(&server, &address, &format!("more{number}"), None).await.status == 201);
    }
    assert_eq!(registered, 100);
    // An administrator is not held up, and the rest of the world is not either.
    server.register_with("root", "users:write").await;
    let root = server.log_in("root").await;
    assert_eq!(register(&server, HOME, "appointed", Some(&root)).await.status, StatusCode::CREATED);
    assert_eq!(register(&server, "192.0.2.1", "distant", None).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_account_tries_few_addresses_to_see_who_has_them() {
    //
    let server = Server::new().await;
    server.register("alice").await;
    server.register("bob").await;
    let token = server.log_in("bob").await;
    let give = async |address: &str, body: &serde_json::Value| {
        let request = axum::http::Request::patch("/users/me")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        server.send(from(address, request.body(body.to_string().into()).unwrap())).await
    };
    let alices = json!({ "email": "alice@example.com" });
    for number in 0..EMAIL_CHANGES_A_DAY {
        assert_eq!(give(&format!("203.0.{number}.1"), &alices).await.status, StatusCode::CONFLICT);
    }
    let answer = give("192.0.2.1", &json!({ "email": "nobody@example.com" })).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "4320"));
    assert_eq!(refused(&server, Attempted::EmailChange), 1);
    assert_eq!(give("192.0.2.1", &json!({ "full_name": "Bob", "email": null })).await.status, StatusCode::OK);
}
