//! What the black-box tests share: an issuer and its verifier, requests, and answers taken apart.
#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]
#![allow(clippy::expect_used, clippy::panic, reason = "in a test these fail the test")]

use axum::Router;
use axum::body::{Body, to_bytes};
use countersign_axum::token::{Issuer, NewToken, SigningKey};
use countersign_axum::{Algorithm, Clock, Guard, Verifier};
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

/// The time that the guards' clock shows.
pub const NOW: i64 = 1_800_000_000;

const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";
const ROTATED: &[u8; 32] = b"fedcba9876543210fedcba9876543210";

fn key(secret: &[u8]) -> SigningKey {
    SigningKey::from_secret(Algorithm::Hs256, secret).expect("a key")
}

pub fn issuer() -> Issuer {
    Issuer::plain(key(SECRET))
}

/// The issuer after a key rotation.
pub fn rotated_issuer() -> Issuer {
    Issuer::plain(key(ROTATED))
}

pub fn rotated_verifier() -> Verifier {
    Verifier::plain(key(ROTATED).verification_key())
}

pub fn guard() -> Guard {
    Guard::new(Verifier::plain(key(SECRET).verification_key())).clock(Clock::fixed(NOW))
}

pub fn issue(issuer: &Issuer, subject: &str, scope: &str, now: i64) -> String {
    let request = NewToken::for_subject(subject).scope(scope.parse().expect("scopes")).lifetime_s(1800);
    issuer.issue(&request, now).expect("a token").token
}

/// A good token.
pub fn token(subject: &str, scope: &str) -> String {
    issue(&issuer(), subject, scope, NOW)
}

pub fn bearer(path: &str, token: Option<&str>) -> Request<Body> {
    let mut request = Request::builder().uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::empty()).expect("a request")
}

pub async fn send(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body").to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The one value of a header.
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        assert!(values.next().is_none(), "{name} twice");
        value.to_str().expect("text")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }
}
