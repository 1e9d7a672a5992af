//! Tokens that their issuer has taken back.

use std::time::Duration;

use countersign_axum::Clock;
use countersign_axum::remote::RemoteIssuer;
use http::StatusCode;

use crate::fake::{Fake, Play, key};
use crate::{AUDIENCE, Api, NOW, pass};

impl Api {
    /// An API whose clock shows this time.
    fn at(issuer: &RemoteIssuer, now: i64) -> Self {
        let guard = issuer.clone().clock(Clock::fixed(now)).guard().unwrap();
        Self::guarded_by(guard)
    }

    /// Asks until the answer is this one.
    async fn until(&self, token: &str, status: StatusCode) {
        while self.ask(token).await != status {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_refused_and_its_neighbours_pass() {
    let key = key();
    let issuer = Fake::with(&key).await;
    issuer.take_back(&[1, 63], &key);
    let api = Api::of(&issuer);
    let tokens = (0..64).map(|index| issuer.token_at(index, &key));
    let answers = api.ask_at_once(tokens).await;
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count(), 2);
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::OK).count(), 62);
    assert_eq!(api.ask(&issuer.token_at(1, &key)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(api.ask(&issuer.token_at(64, &key)).await, StatusCode::UNAUTHORIZED, "beyond the end of the list");
    assert_eq!(api.ask(&issuer.token(&key)).await, StatusCode::OK, "it names no list");
    assert_eq!(issuer.asked().list, 1, "all wait for the same answer");
}

#[tokio::test]
async fn a_revocation_is_known_after_the_interval_and_what_is_unchanged_is_not_sent_again() {
    let key = key();
    let issuer = Fake::with(&key).await;
    issuer.take_back(&[], &key);
    let api = Api::of(&issuer);
    let token = issuer.token_at(7, &key);
    assert_eq!(api.ask(&token).await, StatusCode::OK);
    for round in 1..4 {
        pass(Duration::from_secs(5)).await;
        issuer.asked_for_list(1 + round).await;
        assert_eq!(issuer.asked().unchanged, round);
    }
    issuer.take_back(&[7], &key);
    assert_eq!(api.ask(&token).await, StatusCode::OK, "nobody has asked yet");
    pass(Duration::from_secs(5)).await;
    api.until(&token, StatusCode::UNAUTHORIZED).await;
    assert_eq!(api.ask(&issuer.token_at(8, &key)).await, StatusCode::OK);
    assert_eq!(issuer.asked().unchanged, 3);
}

#[tokio::test]
async fn while_the_issuer_is_away_what_is_known_counts_until_it_is_too_old() {
    let key = key();
    let issuer = Fake::with(&key).await;
    issuer.take_back(&[1], &key);
    // All tokens are older than the age up to which a list counts.
    let api = Api::at(&RemoteIssuer::new(&issuer.issuer, AUDIENCE), NOW + 301);
    let (good, taken_back) = (issuer.token_at(0, &key), issuer.token_at(1, &key));
    assert_eq!(api.ask(&good).await, StatusCode::OK);
    issuer.play(|script| script.list = Play::Broken);
    pass(Duration::from_secs(290)).await;
    issuer.asked_for_list(2).await;
    assert_eq!(api.ask(&good).await, StatusCode::OK);
    pass(Duration::from_secs(11)).await;
    assert_eq!(api.ask(&good).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(api.ask(&taken_back).await, StatusCode::UNAUTHORIZED, "nobody takes a revocation back");
    issuer.take_back(&[1], &key);
    pass(Duration::from_secs(5)).await;
    api.until(&good, StatusCode::OK).await;
}

#[tokio::test]
async fn a_young_token_needs_no_list_while_the_issuer_is_away_and_an_old_one_does() {
    let key = key();
    let issuer = Fake::with(&key).await;
    let remote = RemoteIssuer::new(&issuer.issuer, AUDIENCE);
    let token = issuer.token_at(0, &key);
    for (now, status) in
        [(NOW, StatusCode::OK), (NOW + 300, StatusCode::OK), (NOW + 301, StatusCode::SERVICE_UNAVAILABLE)]
    {
        assert_eq!(Api::at(&remote, now).ask(&token).await, status, "{now}");
    }
    let strict = remote.status_max_age(Duration::ZERO);
    assert_eq!(Api::at(&strict, NOW + 1).ask(&token).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_list_that_is_not_good_is_none() {
    let (key, other) = (key(), key());
    let issuer = Fake::with(&key).await;
    let api = Api::at(&RemoteIssuer::new(&issuer.issuer, AUDIENCE), NOW + 301);
    issuer.take_back(&[0], &other);
    let token = issuer.token_at(0, &key);
    assert_eq!(api.ask(&token).await, StatusCode::SERVICE_UNAVAILABLE, "the key is not the issuer's");
    for text in ["", "x", "a.b.c", &issuer.token(&key), &"a".repeat(300_000)] {
        let list = Play::Text(format!("{text:20}"));
        issuer.play(|script| script.list = list);
        pass(Duration::from_secs(5)).await;
        assert_eq!(api.ask(&token).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    let elsewhere = Play::Redirect(format!("{}/keys", issuer.issuer));
    issuer.play(|script| script.list = elsewhere);
    pass(Duration::from_secs(5)).await;
    assert_eq!(api.ask(&token).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_list_that_is_signed_with_a_new_key_brings_the_key_along() {
    let (old, new) = (key(), key());
    let issuer = Fake::with(&old).await;
    issuer.take_back(&[], &old);
    let api = Api::of(&issuer);
    let token = issuer.token_at(3, &old);
    assert_eq!(api.ask(&token).await, StatusCode::OK);
    issuer.publish(&[&old, &new]);
    issuer.take_back(&[3], &new);
    pass(Duration::from_secs(20)).await;
    api.until(&token, StatusCode::UNAUTHORIZED).await;
}

//
#[tokio::test]
async fn a_list_elsewhere_is_never_asked_for() {
    let key = key();
    let (issuer, other) = (Fake::with(&key).await, Fake::with(&key).await);
    other.take_back(&[], &key);
    let api = Api::of(&issuer);
    for uri in [other.list_uri(), "file:///etc/passwd".to_owned(), "//x/y".to_owned(), "x".to_owned()] {
        assert_eq!(api.ask(&issuer.token_in(&uri, 0, &key)).await, StatusCode::SERVICE_UNAVAILABLE, "{uri}");
    }
    assert_eq!(other.asked().list, 0);
}

#[tokio::test]
async fn a_list_that_no_token_names_is_asked_for_no_more() {
    let key = key();
    let issuer = Fake::with(&key).await;
    issuer.take_back(&[], &key);
    let api = Api::of(&issuer);
    assert_eq!(api.ask(&issuer.token_at(0, &key)).await, StatusCode::OK);
    for round in 1..=120 {
        pass(Duration::from_secs(5)).await;
        issuer.asked_for_list(1 + round).await;
    }
    pass(Duration::from_secs(5)).await;
    pass(Duration::from_secs(5)).await;
    assert_eq!(api.ask(&issuer.token_at(0, &key)).await, StatusCode::OK);
    assert_eq!(issuer.asked().list, 122, "it was fetched anew, as a list that is not known");
}
