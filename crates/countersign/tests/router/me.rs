//! `/users/me`: one's own account.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{PASSWORD, Server};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use countersign::password_rules::BreachedRange;
use serde_json::json;

const NEW_PASSWORD: &str = "staple battery horse correct";

#[tokio::test]
async fn the_bearer_of_a_token_reads_the_own_account() {
    let server = Server::new().await;
    let id = server.register_with("alice", "items:read").await;
    let token = server.log_in("alice").await;

    let answer = server.bare("GET", "/users/me", Some(&token)).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.body,
        json!({
            "id": id.to_string(), "username": "alice", "email": "alice@example.com", "full_name": null, "disabled": false,
            "scopes": ["items:read"], "created_at": "2027-01-15T08:00:00Z", "updated_at": "2027-01-15T08:00:00Z",
        })
    );
    assert!(!answer.body.to_string().contains("argon2"));
}

#[tokio::test]
async fn without_a_good_token_nobody_comes_in() {
    let server = Server::new().await;
    server.register("alice").await;
    let token = server.log_in("alice").await;
    // R-030
    let none = server.bare("GET", "/users/me", None).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"countersign\"");
    // R-031
    let bad = server.bare("GET", "/users/me", Some("garbage")).await;
    assert_eq!(bad.status, StatusCode::UNAUTHORIZED);
    assert!(bad.header("www-authenticate").contains("error=\"invalid_token\""), "{bad:?}");
    // R-033
    let twice = format!("/users/me?access_token={token}");
    assert_eq!(server.bare("GET", &twice, Some(&token)).await.status, StatusCode::BAD_REQUEST);
    // R-034
    assert_eq!(server.bare("GET", &twice, None).await.status, StatusCode::UNAUTHORIZED);
    // R-073: `exp` is the first second in which it is refused.
    server.clock.advance(1799);
    assert_eq!(server.bare("GET", "/users/me", Some(&token)).await.status, StatusCode::OK);
    server.clock.advance(1);
    assert_eq!(server.bare("GET", "/users/me", Some(&token)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn name_and_address_are_changed_and_removed() {
    let server = Server::new().await;
    server.register("alice").await;
    let token = server.log_in("alice").await;
    server.clock.advance(60);

    let named = server.json("PATCH", "/users/me", Some(&token), &json!({ "full_name": "Alice Doe" })).await;
    assert_eq!(named.status, StatusCode::OK, "{named:?}");
    assert_eq!(named.body["full_name"], "Alice Doe");
    assert_eq!(named.body["email"], "alice@example.com");
    assert_eq!(named.body["updated_at"], "2027-01-15T08:01:00Z");

    let removed = server.json("PATCH", "/users/me", Some(&token), &json!({ "email": null })).await;
    assert_eq!(removed.body["email"], json!(null));
    assert_eq!(removed.body["full_name"], "Alice Doe");
}

#[tokio::test]
async fn what_is_not_ones_own_to_change_is_refused() {
    let server = Server::new().await;
    server.register("alice").await;
    server.register("bob").await;
    let token = server.log_in("alice").await;
    for (body, status) in [
        (json!({ "scopes": ["admin"] }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "disabled": false }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "username": "root" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "email": "not an address" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "email": "BOB@example.com" }), StatusCode::CONFLICT),
        (json!(["a@example.com", "x"]), StatusCode::BAD_REQUEST),
    ] {
        let answer = server.json("PATCH", "/users/me", Some(&token), &body).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.body["detail"].is_string(), "{answer:?}");
    }
    let me = server.bare("GET", "/users/me", Some(&token)).await;
    assert_eq!(me.body["email"], "alice@example.com");
}

#[tokio::test]
async fn a_password_change_needs_the_current_one_and_ends_the_tokens_before_it() {
    // R-139, R-090, S-010
    let server = Server::new().await;
    server.register("alice").await;
    let token = server.log_in("alice").await;
    let put = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        server.json("PUT", "/users/me/password", Some(&token), &body).await
    };
    assert_eq!(put("wrong", NEW_PASSWORD).await.status, StatusCode::FORBIDDEN);
    let short = put(PASSWORD, "short").await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.body["detail"].as_str().unwrap().contains("15 characters"), "{short:?}");

    // In the very second in which the token was issued.
    assert_eq!(put(PASSWORD, NEW_PASSWORD).await.status, StatusCode::NO_CONTENT);

    assert_eq!(server.bare("GET", "/users/me", Some(&token)).await.status, StatusCode::UNAUTHORIZED);
    let old = server.password_grant(&[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(old.body["error"], "invalid_grant");
    let new = server.password_grant(&[("username", "alice"), ("password", NEW_PASSWORD)]).await;
    assert_eq!(new.status, StatusCode::OK);
}

/// Counts how often it is asked, and knows nothing.
#[derive(Debug, Default)]
struct Asked(AtomicUsize);

#[async_trait::async_trait]
impl BreachedRange for Asked {
    async fn range(&self, _: &str) -> Result<String, String> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(String::new())
    }
}

#[tokio::test]
async fn a_new_password_is_looked_at_only_for_who_knows_the_current_one() {
    let service = Arc::new(Asked::default());
    let server = Server::with(|settings| settings.password_rules.breached = Some(service.clone())).await;
    server.register("alice").await;
    let token = server.log_in("alice").await;
    let before = service.0.load(Ordering::SeqCst);
    let put = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        server.json("PUT", "/users/me/password", Some(&token), &body).await.status
    };
    for new in [NEW_PASSWORD, "short"] {
        assert_eq!(put("wrong", new).await, StatusCode::FORBIDDEN, "{new}");
    }
    assert_eq!(service.0.load(Ordering::SeqCst), before);
    assert_eq!(put(PASSWORD, NEW_PASSWORD).await, StatusCode::NO_CONTENT);
    assert_eq!(service.0.load(Ordering::SeqCst), before + 1);
}

#[tokio::test]
async fn a_hash_that_is_upgraded_meanwhile_does_not_stand_in_the_way_of_a_password_change() {
    // S-031, R-123: every login upgrades the hash in the background, since the policy asks for more than it was made with.
    use countersign_password::{Argon2Params, PoolSettings};
    let cheap = Server::new().await;
    let dear = Server::over_with(&cheap, Argon2Params::OWASP, PoolSettings::default()).await;
    for round in 0..8 {
        let name = format!("user{round}x");
        cheap.register(&name).await;
        let token = dear.log_in(&name).await;
        let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        let changed = dear.json("PUT", "/users/me/password", Some(&token), &body).await;
        assert_eq!(changed.status, StatusCode::NO_CONTENT, "{changed:?}");
        let old = dear.password_grant(&[("username", &name), ("password", PASSWORD)]).await;
        assert_eq!(old.body["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn a_deleted_account_is_gone_at_once() {
    let server = Server::new().await;
    server.register("alice").await;
    let token = server.log_in("alice").await;
    assert_eq!(server.bare("DELETE", "/users/me", Some(&token)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.bare("GET", "/users/me", Some(&token)).await.status, StatusCode::UNAUTHORIZED);
    let answer = server.password_grant(&[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(answer.body["error"], "invalid_grant");
}

#[tokio::test]
async fn bodies_are_taken_strictly() {
    // R-013, R-170
    let server = Server::new().await;
    server.register("alice").await;
    let token = server.log_in("alice").await;
    let send = async |content_type: &str, body: String| {
        let request = Request::patch("/users/me")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", content_type);
        server.send(request.body(Body::from(body)).unwrap()).await.status
    };
    let good = r#"{"full_name":"Alice"}"#;
    assert_eq!(send("application/json; charset=utf-8", good.to_owned()).await, StatusCode::OK);
    assert_eq!(send("text/plain", good.to_owned()).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send("application/json", good.replace('}', "")).await, StatusCode::BAD_REQUEST);
    assert_eq!(send("application/json", " ".repeat(17_000) + good).await, StatusCode::PAYLOAD_TOO_LARGE);
}
