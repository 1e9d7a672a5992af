//! An issuer that is away, slow, or another one after its restart.

use std::time::Duration;

use countersign_axum::remote::RemoteIssuer;
use http::StatusCode;

use crate::fake::{Fake, Play, key};
use crate::{AUDIENCE, Api, pass};

#[tokio::test]
async fn an_api_that_starts_before_its_issuer_refuses_tokens_until_the_issuer_is_there() {
    let key = key();
    let mut issuer = Fake::silent(&key).await;
    let api = Api::of(&issuer);
    let token = issuer.token(&key);
    assert_eq!(api.ask(&token).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(api.ask("garbage").await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(api.ask_without_token().await, StatusCode::UNAUTHORIZED);
    issuer.start().await;
    // Nobody asks: the keeper tries again by itself.
    pass(Duration::from_mins(1)).await;
    issuer.asked_for_keys(1).await;
    assert_eq!(api.ask(&token).await, StatusCode::OK);
}

#[tokio::test]
async fn a_request_without_keys_to_check_it_asks_for_them_when_the_cool_down_is_over() {
    let key = key();
    let mut issuer = Fake::silent(&key).await;
    let api = Api::by(RemoteIssuer::new(&issuer.issuer, AUDIENCE).cool_down(Duration::ZERO));
    let token = issuer.token(&key);
    // So often that the next attempt by itself is a while off.
    for _ in 0..10 {
        assert_eq!(api.ask(&token).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    issuer.start().await;
    assert_eq!(api.ask(&token).await, StatusCode::OK);
}

#[tokio::test]
async fn keys_stay_in_use_while_the_issuer_is_away_but_not_for_ever() {
    let key = key();
    let mut issuer = Fake::with(&key).await;
    let api = Api::of(&issuer);
    let token = issuer.token(&key);
    assert_eq!(api.ask(&token).await, StatusCode::OK);
    issuer.stop().await;
    pass(Duration::from_hours(23)).await;
    api.settle(&issuer).await;
    assert_eq!(api.ask(&token).await, StatusCode::OK);
    assert_eq!(
        api.ask(&issuer.token(&crate::key())).await,
        StatusCode::UNAUTHORIZED,
        "an unknown key is no reason to hope"
    );
    pass(Duration::from_hours(1)).await;
    api.settle(&issuer).await;
    assert_eq!(api.ask(&token).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(api.ask_without_token().await, StatusCode::UNAUTHORIZED);
    issuer.start().await;
    pass(Duration::from_mins(1)).await;
    assert_eq!(api.ask(&token).await, StatusCode::OK);
}

#[tokio::test]
async fn an_issuer_that_comes_back_with_new_keys_is_found_by_their_first_token() {
    let (old, new) = (key(), key());
    let mut issuer = Fake::with(&old).await;
    let api = Api::of(&issuer);
    assert_eq!(api.ask(&issuer.token(&old)).await, StatusCode::OK);
    issuer.stop().await;
    pass(Duration::from_secs(20)).await;
    issuer.publish(&[&new]);
    issuer.start().await;
    assert_eq!(api.ask(&issuer.token(&new)).await, StatusCode::OK);
    assert_eq!(api.ask(&issuer.token(&old)).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_holds_nobody_up_for_long() {
    let key = key();
    let issuer = Fake::with(&key).await;
    issuer.play(|script| script.metadata = Play::Silence);
    let api = Api::of(&issuer);
    let token = issuer.token(&key);
    let late = async {
        issuer.asked_for_metadata(1).await;
        pass(Duration::from_secs(5)).await;
    };
    let (status, ()) = tokio::join!(api.ask(&token), late);
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);

    // The same with keys at hand: known ones do not wait at all.
    let issuer = Fake::with(&key).await;
    let api = Api::of(&issuer);
    let token = issuer.token(&key);
    assert_eq!(api.ask(&token).await, StatusCode::OK);
    issuer.play(|script| script.jwks = Play::Silence);
    pass(Duration::from_secs(301)).await;
    issuer.asked_for_keys(2).await;
    assert_eq!(api.ask(&token).await, StatusCode::OK);
    let (status, ()) = tokio::join!(async { api.settle(&issuer).await }, pass(Duration::from_secs(5)));
    let () = status;
    assert_eq!(api.ask(&token).await, StatusCode::OK);
}
