//! What an issuer's answers have to be, for its keys to be taken.

use std::time::Duration;

use countersign_axum::remote::RemoteIssuer;
use countersign_axum::token::{Issuer, NewToken, SigningKey};
use http::StatusCode;

use crate::fake::{self, Asked, Fake, Play, Script, key};
use crate::{AUDIENCE, Api, NOW};

/// What an API says to a good token, once the issuer plays by a changed script.
async fn with(change: impl FnOnce(&mut Script)) -> (StatusCode, Asked) {
    let key = key();
    let issuer = Fake::with(&key).await;
    issuer.play(change);
    let api = Api::of(&issuer);
    let status = api.ask(&issuer.token(&key)).await;
    assert_eq!(api.ask_without_token().await, StatusCode::UNAUTHORIZED);
    (status, issuer.asked())
}

fn padded(play: &Play, length: usize) -> Play {
    let text = if let Play::Text(text) = play { text.as_str() } else { "" };
    Play::Text(text.to_owned() + &" ".repeat(length.saturating_sub(text.len())))
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_taken() {
    // R-091, RFC 8414 section 3.3
    let key = key();
    let issuer = Fake::with(&key).await;
    let keys = format!("{}/keys", issuer.issuer);
    for other in [format!("{}/", issuer.issuer), issuer.issuer.to_uppercase(), "https://evil.test".to_owned()] {
        issuer.play(|script| script.metadata = Play::Text(fake::metadata(&other, &keys)));
        assert_eq!(Api::of(&issuer).ask(&issuer.token(&key)).await, StatusCode::SERVICE_UNAVAILABLE, "{other}");
    }
    for text in ["", "[]", "null", "{}", "<html>", r#"{"issuer":["x"]}"#] {
        issuer.play(|script| script.metadata = Play::Text(text.to_owned()));
        assert_eq!(Api::of(&issuer).ask(&issuer.token(&key)).await, StatusCode::SERVICE_UNAVAILABLE, "{text}");
    }
    assert_eq!(issuer.asked(), Asked { metadata: 9, jwks: 0, ..Asked::default() });
}

#[tokio::test]
async fn an_issuer_with_a_path_is_found() {
    // RFC 8414 section 3.1
    let key = key();
    let mut issuer = Fake::with(&key).await;
    let keys = format!("{}/keys", issuer.issuer);
    issuer.issuer += "/login";
    issuer.play(|script| script.metadata = Play::Text(fake::metadata(&issuer.issuer, &keys)));
    assert_eq!(Api::of(&issuer).ask(&issuer.token(&key)).await, StatusCode::OK);
}

#[tokio::test]
async fn keys_on_another_host_are_not_asked_for() {
    let key = key();
    let (issuer, elsewhere) = (Fake::with(&key).await, Fake::with(&key).await);
    let there = format!("{}/keys", elsewhere.issuer);
    issuer.play(|script| script.metadata = Play::Text(fake::metadata(&issuer.issuer, &there)));
    assert_eq!(Api::of(&issuer).ask(&issuer.token(&key)).await, StatusCode::SERVICE_UNAVAILABLE);
    issuer
        .play(|script| script.metadata = Play::Redirect(format!("{there}/../.well-known/oauth-authorization-server")));
    assert_eq!(Api::of(&issuer).ask(&issuer.token(&key)).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(elsewhere.asked(), Asked::default());
}

#[tokio::test]
async fn redirects_are_not_followed_not_even_to_the_same_host() {
    let (status, asked) = with(|script| script.metadata = Play::Redirect("/keys".to_owned())).await;
    assert_eq!((status, asked), (StatusCode::SERVICE_UNAVAILABLE, Asked { metadata: 1, jwks: 0, ..Asked::default() }));
    let (status, asked) = with(|script| script.jwks = Play::Redirect("/keys".to_owned())).await;
    assert_eq!((status, asked), (StatusCode::SERVICE_UNAVAILABLE, Asked { metadata: 1, jwks: 1, ..Asked::default() }));
}

#[tokio::test]
async fn answers_have_a_largest_size() {
    let status = async |change: fn(&mut Script)| with(change).await.0;
    assert_eq!(status(|script| script.metadata = padded(&script.metadata, 64 * 1024)).await, StatusCode::OK);
    let long = status(|script| script.metadata = padded(&script.metadata, 64 * 1024 + 1)).await;
    assert_eq!(long, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(|script| script.jwks = padded(&script.jwks, 256 * 1024)).await, StatusCode::OK);
    let long = status(|script| script.jwks = padded(&script.jwks, 256 * 1024 + 1)).await;
    assert_eq!(long, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn keys_that_are_malformed_or_secret_are_not_taken() {
    // R-065, R-082
    let secret =
        r#"{"keys":[{"kty":"oct","alg":"HS256","kid":"s","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}]}"#;
    for text in [secret, "", "{}", r#"{"keys":[7]}"#, "[]"] {
        let (status, asked) = with(|script| script.jwks = Play::Text(text.to_owned())).await;
        assert_eq!((status, asked.jwks), (StatusCode::SERVICE_UNAVAILABLE, 1), "{text}");
    }
    assert_eq!(with(|script| script.jwks = Play::Broken).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn nothing_that_a_token_names_is_fetched() {
    // R-067
    let key = key();
    let (issuer, evil) = (Fake::with(&key).await, Fake::with(&key).await);
    let api = Api::by(RemoteIssuer::new(&issuer.issuer, AUDIENCE).cool_down(std::time::Duration::ZERO));
    for member in ["jku", "x5u", "iss"] {
        let header = serde_json::json!({
            "alg": "ES256", "typ": "at+jwt", "kid": "unknown", member: format!("{}/keys", evil.issuer),
        });
        assert_eq!(api.ask(&with_header(&issuer.token(&key), &header)).await, StatusCode::UNAUTHORIZED);
    }
    let evil_key: SigningKey = fake::key();
    assert_eq!(api.ask(&evil.token(&evil_key)).await, StatusCode::UNAUTHORIZED);
    assert!(issuer.asked().jwks >= 2, "the issuer itself was asked for the unknown key");
    assert_eq!(evil.asked(), Asked::default());
}

fn with_header(token: &str, header: &serde_json::Value) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[tokio::test]
async fn a_token_that_lives_for_longer_than_a_month_is_taken_where_it_was_asked_for() {
    const DAY: i64 = 24 * 60 * 60;
    let key = key();
    let issuer = Fake::with(&key).await;
    let own = SigningKey::from_private_bytes(key.algorithm(), &key.to_private_bytes()).unwrap();
    let signer = Issuer::new(&issuer.issuer, own);
    let token = |days: i64| {
        let request = NewToken::for_subject("car:foo").client_id("first-party").audience(AUDIENCE);
        signer.issue(&request.lifetime_s(days * DAY), NOW).unwrap().token
    };
    let plain = Api::of(&issuer);
    let patient = RemoteIssuer::new(&issuer.issuer, AUDIENCE).longest_lifetime(Duration::from_hours(365 * 24));
    let patient = Api::by(patient);
    for (days, by_default, when_asked) in [(31, 200, 200), (32, 401, 200), (365, 401, 200), (366, 401, 401)] {
        assert_eq!(plain.ask(&token(days)).await, by_default, "{days}");
        assert_eq!(patient.ask(&token(days)).await, when_asked, "{days}");
    }
}
