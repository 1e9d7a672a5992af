//! Signing keys: published before they sign, kept until their last token has expired, withdrawn at once.

use axum::http::StatusCode;
use countersign::keys::generate;
use countersign::sealing::SealingKey;
use countersign::store::KeyState;
use countersign_token::Algorithm;
use serde_json::Value;

use crate::common::Server;

const DAY: i64 = 86_400;
/// The max-age of the published keys, and two seconds for all processes to see.
const AHEAD: i64 = 302;

async fn published(server: &Server) -> Vec<String> {
    let answer = server.bare("GET", "/.well-known/jwks.json", None).await;
    answer.body["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The key that a token names.
fn kid(token: &str) -> String {
    let header = countersign_token::inspect(token).unwrap().header;
    header.get("kid").and_then(Value::as_str).unwrap().to_owned()
}

async fn is_good(server: &Server, token: &str) -> bool {
    server.bare("GET", "/users/me", Some(token)).await.status == StatusCode::OK
}

//
#[tokio::test]
async fn a_key_is_published_then_signs_then_retires_then_is_gone() {
    let server = Server::new().await;
    server.register("alice").await;
    let first = kid(&server.log_in("alice").await);
    assert_eq!(published(&server).await, std::slice::from_ref(&first));

    server.clock.advance(90 * DAY - AHEAD - 1);
    server.app.tend_keys().await.unwrap();
    assert_eq!(published(&server).await.len(), 1);
    server.clock.advance(1);
    server.app.tend_keys().await.unwrap();
    let two = published(&server).await;
    assert_eq!((two.len(), two.contains(&first)), (2, true));
    server.clock.advance(AHEAD - 1);
    server.app.tend_keys().await.unwrap();
    let old = server.log_in("alice").await;
    assert_eq!(kid(&old), first, "others may not know the next key yet");
    server.clock.advance(1);
    server.app.tend_keys().await.unwrap();
    let new = server.log_in("alice").await;
    assert!(kid(&new) != first && two.contains(&kid(&new)));
    assert!(is_good(&server, &old).await && is_good(&server, &new).await);

    server.clock.advance(1800 + 59);
    server.app.tend_keys().await.unwrap();
    assert_eq!(published(&server).await.len(), 2);
    server.clock.advance(1);
    server.app.tend_keys().await.unwrap();
    assert_eq!(published(&server).await, [kid(&new)]);
}

// R-083, F-12
#[tokio::test]
async fn two_processes_make_one_next_key_and_take_it_over_together() {
    let one = Server::new().await;
    let other = Server::over(&one, one.app.settings().clone()).await;
    one.register("alice").await;
    for seconds in [90 * DAY - AHEAD, AHEAD] {
        one.clock.advance(seconds);
        other.clock.advance(seconds);
        let (first, second) = tokio::join!(one.app.tend_keys(), other.app.tend_keys());
        first.unwrap();
        second.unwrap();
        // Whoever was second sees what the first has done.
        one.app.tend_keys().await.unwrap();
        other.app.tend_keys().await.unwrap();
    }
    assert_eq!(published(&one).await.len(), 2);
    assert_eq!(published(&one).await, published(&other).await);
    let (ours, theirs) = (one.log_in("alice").await, other.log_in("alice").await);
    assert_eq!(kid(&ours), kid(&theirs));
    assert!(is_good(&one, &theirs).await && is_good(&other, &ours).await);
}

//
#[tokio::test]
async fn a_key_that_is_withdrawn_signs_no_more_and_its_tokens_are_refused() {
    let server = Server::new().await;
    server.register("alice").await;
    let token = server.log_in("alice").await;
    assert!(is_good(&server, &token).await);
    let sealing = SealingKey::from_bytes(&[7; 32]).unwrap();
    let foreign = generate(&sealing, Algorithm::default(), KeyState::Active, 0).unwrap();
    let keys = &server.app.stores().keys;
    assert_eq!(keys.remove_key(&kid(&token), Some(&foreign)).await, Ok(true));
    // The other key was sealed by somebody else: what is known stays in use, and the failure is told.
    let error = server.app.tend_keys().await.unwrap_err();
    assert!(error.to_string().contains("sealing key"), "{error}");
    assert!(is_good(&server, &token).await);

    let good = generate(server.sealing(), Algorithm::EdDsa, KeyState::Active, 0).unwrap();
    assert_eq!(keys.remove_key(&foreign.kid, Some(&good)).await, Ok(true));
    server.app.tend_keys().await.unwrap();
    assert!(!is_good(&server, &token).await, "also where it was remembered");
    let new = server.log_in("alice").await;
    assert_eq!(kid(&new), good.kid);
    assert!(is_good(&server, &new).await);
}
