//! An API that takes the tokens of an issuer elsewhere: a server on a real socket plays the issuer, and time is moved by hand.
#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake;
mod answers;
mod outage;
mod status;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use countersign_axum::remote::{RemoteError, RemoteIssuer};
use countersign_axum::{Bearer, Clock, Guard};
use fake::{Asked, Fake, key};
use http::{Request, StatusCode};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

const NOW: i64 = 1_800_000_000;
const AUDIENCE: &str = "https://api.example.com";

/// An API that takes the tokens of this issuer.
struct Api(Router);

impl Api {
    fn of(issuer: &Fake) -> Self {
        Self::by(RemoteIssuer::new(&issuer.issuer, AUDIENCE))
    }

    fn by(issuer: RemoteIssuer) -> Self {
        Self::behind(issuer.clock(Clock::fixed(NOW)).guard().unwrap())
    }

    fn behind(guard: Guard) -> Self {
        Self::guarded_by(guard.clock(Clock::fixed(NOW)))
    }

    fn guarded_by(guard: Guard) -> Self {
        let hello = get(|Bearer(claims): Bearer| async move { claims.subject().to_owned() });
        Self(Router::new().route("/hello", hello).with_state(guard))
    }

    async fn ask(&self, token: &str) -> StatusCode {
        ask(self.0.clone(), token.to_owned()).await
    }

    async fn ask_without_token(&self) -> StatusCode {
        self.0.clone().oneshot(Request::get("/hello").body(Body::empty()).unwrap()).await.unwrap().status()
    }

    /// Asks with many tokens at once.
    async fn ask_at_once(&self, tokens: impl IntoIterator<Item = String>) -> Vec<StatusCode> {
        let asking: JoinSet<_> = tokens.into_iter().map(|token| ask(self.0.clone(), token)).collect();
        asking.join_all().await
    }

    /// Waits until the keeper is done with what it is about: a token with an unknown key waits for that.
    async fn settle(&self, issuer: &Fake) {
        self.ask(&issuer.token(&key())).await;
    }
}

async fn ask(router: Router, token: String) -> StatusCode {
    let request = Request::get("/hello").header("authorization", format!("Bearer {token}"));
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
}

/// Moves the runtime's clock; sockets need it running otherwise.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn the_first_request_waits_for_the_keys_and_later_ones_need_no_fetch() {
    let key = key();
    let issuer = Fake::with(&key).await;
    let api = Api::of(&issuer);
    for _ in 0..3 {
        assert_eq!(api.ask(&issuer.token(&key)).await, StatusCode::OK);
    }
    assert_eq!(issuer.asked(), Asked { metadata: 1, jwks: 1, ..Asked::default() });
    assert_eq!(api.ask_without_token().await, StatusCode::UNAUTHORIZED);
    assert_eq!(api.ask(&issuer.token_for("https://other.example.com", &key)).await, StatusCode::UNAUTHORIZED);
    let elsewhere = Fake::silent(&key).await;
    assert_eq!(api.ask(&elsewhere.token(&key)).await, StatusCode::UNAUTHORIZED, "of another issuer, with the same key");
    assert_eq!(issuer.asked(), Asked { metadata: 1, jwks: 1, ..Asked::default() });
}

#[tokio::test]
async fn many_requests_with_a_new_key_share_one_fetch() {
    let (old, new) = (key(), key());
    let issuer = Fake::with(&old).await;
    let api = Api::of(&issuer);
    assert_eq!(api.ask(&issuer.token(&old)).await, StatusCode::OK);
    issuer.publish(&[&old, &new]);
    pass(Duration::from_secs(11)).await;
    let answers = api.ask_at_once((0..50).map(|_| issuer.token(&new))).await;
    assert_eq!(answers, [StatusCode::OK; 50]);
    assert_eq!(issuer.asked(), Asked { metadata: 2, jwks: 2, ..Asked::default() });
    assert_eq!(api.ask(&issuer.token(&old)).await, StatusCode::OK);
}

#[tokio::test]
async fn unknown_keys_cause_one_fetch_in_a_cool_down() {
    let key = key();
    let issuer = Fake::with(&key).await;
    let api = Api::by(RemoteIssuer::new(&issuer.issuer, AUDIENCE).cool_down(Duration::from_mins(1)));
    assert_eq!(api.ask(&issuer.token(&key)).await, StatusCode::OK);
    let strangers = || (0..50).map(|_| issuer.token(&fake::key())).collect::<Vec<_>>();
    assert_eq!(api.ask_at_once(strangers()).await, [StatusCode::UNAUTHORIZED; 50]);
    assert_eq!(issuer.asked().jwks, 1, "the first fetch has just been");
    pass(Duration::from_secs(61)).await;
    assert_eq!(api.ask_at_once(strangers()).await, [StatusCode::UNAUTHORIZED; 50]);
    assert_eq!(issuer.asked().jwks, 2);
    for token in strangers() {
        assert_eq!(api.ask(&token).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(issuer.asked().jwks, 2);
}

#[tokio::test]
async fn a_bad_token_with_a_known_key_and_garbage_cause_no_fetch() {
    let key = key();
    let issuer = Fake::with(&key).await;
    let api = Api::by(RemoteIssuer::new(&issuer.issuer, AUDIENCE).cool_down(Duration::ZERO));
    let good = issuer.token(&key);
    assert_eq!(api.ask(&good).await, StatusCode::OK);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    for bad in ["garbage", "a.b.c", "", &forged, &issuer.token_for("https://other.example.com", &key)] {
        assert_eq!(api.ask(bad).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(issuer.asked().jwks, 1);
    api.settle(&issuer).await;
    assert_eq!(issuer.asked().jwks, 2, "without a cool-down an unknown key does");
}

#[tokio::test]
async fn a_key_that_is_published_no_longer_is_refused_when_the_keys_have_grown_old() {
    let (old, new) = (key(), key());
    let issuer = Fake::with(&old).await;
    issuer.play(|script| script.cache_control = "public, max-age=600");
    let api = Api::of(&issuer);
    let token = issuer.token(&old);
    assert_eq!(api.ask(&token).await, StatusCode::OK);
    issuer.publish(&[&new]);
    pass(Duration::from_secs(590)).await;
    assert_eq!(api.ask(&token).await, StatusCode::OK, "as long as the issuer said");
    assert_eq!(issuer.asked().jwks, 1);
    pass(Duration::from_secs(11)).await;
    issuer.asked_for_keys(2).await;
    api.settle(&issuer).await;
    assert_eq!(issuer.asked().jwks, 2);
    assert_eq!(api.ask(&token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(api.ask(&issuer.token(&new)).await, StatusCode::OK);
}

#[tokio::test]
async fn an_issuer_that_publishes_no_key_has_taken_them_all_back() {
    let key = key();
    let issuer = Fake::with(&key).await;
    let api = Api::of(&issuer);
    assert_eq!(api.ask(&issuer.token(&key)).await, StatusCode::OK);
    issuer.play(|script| script.jwks = fake::Play::Text(r#"{"keys":[]}"#.to_owned()));
    pass(Duration::from_secs(301)).await;
    api.settle(&issuer).await;
    assert_eq!(api.ask(&issuer.token(&key)).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn fetching_ends_with_the_guard() {
    let key = key();
    let issuer = Fake::with(&key).await;
    let api = Api::of(&issuer);
    assert_eq!(api.ask(&issuer.token(&key)).await, StatusCode::OK);
    drop(api);
    pass(Duration::from_hours(2)).await;
    let next = Api::of(&issuer);
    assert_eq!(next.ask(&issuer.token(&key)).await, StatusCode::OK);
    assert_eq!(issuer.asked().jwks, 2, "one by each guard, and none by the first one since");
}

#[tokio::test]
async fn plain_http_to_another_machine_has_to_be_asked_for() {
    let key = key();
    let mut issuer = Fake::silent(&key).await;
    // The address of no machine in particular: not one of loopback, and yet this machine.
    issuer.issuer = issuer.issuer.replace("127.0.0.1", "0.0.0.0");
    let metadata = fake::metadata(&issuer.issuer, &format!("{}/keys", issuer.issuer));
    issuer.play(|script| script.metadata = fake::Play::Text(metadata));
    issuer.start().await;
    let remote = RemoteIssuer::new(&issuer.issuer, AUDIENCE);
    assert_eq!(remote.clone().guard().unwrap_err(), RemoteError::PlainHttp);
    let api = Api::by(remote.insecurely_over_plain_http());
    assert_eq!(api.ask(&issuer.token(&key)).await, StatusCode::OK);
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let error = RemoteIssuer::new("http://127.0.0.1:1", AUDIENCE).guard().unwrap_err();
    assert_eq!(error, RemoteError::NoRuntime);
    let error = RemoteIssuer::new("login.example.com", AUDIENCE).guard().unwrap_err();
    assert_eq!(error, RemoteError::IssuerUrl);
}
