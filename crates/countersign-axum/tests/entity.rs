//! Tokens that stand for things: who passes on a route that concerns one of them.
#![cfg(feature = "entity")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

mod common;

use axum::Router;
use axum::routing::get;
use common::{Answer, bearer, guard, send, token};
use countersign_axum::{Entitled, Entity, Requires, Scope};
use http::StatusCode;

struct Car;
impl Entity for Car {
    const KIND: &'static str = "car";
}

struct Drive;
impl Scope for Drive {
    const NAME: &'static str = "drive";
    const DESCRIPTION: &'static str = "Drive the car.";
}

struct Sell;
impl Scope for Sell {
    const NAME: &'static str = "sell";
    const DESCRIPTION: &'static str = "Sell the car.";
}

async fn drive(car: Entitled<Car, Drive>) -> String {
    car.id().to_owned()
}

async fn sell(_: Entitled<Car, (Drive, Sell)>) {}

fn router() -> Router {
    Router::new()
        .route("/cars/{car}/drive", get(drive))
        .route("/cars/{car}/sell", get(sell))
        .route("/garages/{garage}/cars/{car}", get(drive))
        .route("/cars/{id}", get(drive))
        .route("/parked/{*car}", get(drive))
        .with_state(guard())
}

async fn ask(path: &str, subject: &str, scope: &str) -> Answer {
    send(router(), bearer(path, Some(&token(subject, scope)))).await
}

#[tokio::test]
async fn the_token_of_this_very_thing_with_the_scope_passes() {
    for (path, subject, id) in [
        ("/cars/foo/drive", "car:foo", "foo"),
        ("/cars/a%3Ab/drive", "car:a:b", "a:b"),
        ("/cars/a%2Fb/drive", "car:a/b", "a/b"),
        ("/cars/f%C3%BC/drive", "car:fü", "fü"),
        ("/garages/foo/cars/bar", "car:bar", "bar"),
        ("/parked/level/1", "car:level/1", "level/1"),
    ] {
        let answer = ask(path, subject, "park drive").await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, id), "{path}");
    }
}

#[tokio::test]
async fn whoever_shows_the_token_of_another_is_refused_and_learns_nothing() {
    //
    for (path, subject) in [
        ("/cars/foo/drive", "car:bar"),
        ("/cars/foo/drive", "car:foo:bar"),
        ("/cars/foo/drive", "car:fo"),
        ("/cars/foo/drive", "car:FOO"),
        ("/cars/foo/drive", "post:foo"),
        ("/cars/foo/drive", "user:foo"),
        ("/cars/foo/drive", "client:foo"),
        ("/cars/foo/drive", "carx:foo"),
        ("/cars/foo/drive", "CAR:foo"),
        ("/cars/foo/drive", "foo"),
        ("/cars/car:foo/drive", "car:foo"),
        ("/garages/foo/cars/bar", "car:foo"),
        ("/cars/%ff/drive", "car:foo"),
    ] {
        let answer = ask(path, subject, "drive").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {subject}");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"drive\""),
            "{challenge}"
        );
        assert!(!challenge.contains("foo") && !answer.text().contains("foo"), "{challenge} {}", answer.text());
    }
}

#[tokio::test]
async fn every_scope_is_demanded_by_whole_name() {
    //
    for scope in ["", "sell", "drive:fast", "DRIVE"] {
        let answer = ask("/cars/foo/drive", "car:foo", scope).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{scope}");
        assert!(answer.header("www-authenticate").contains("lacks a scope"));
    }
    assert_eq!(ask("/cars/foo/sell", "car:foo", "drive").await.status, StatusCode::FORBIDDEN);
    assert_eq!(ask("/cars/foo/sell", "car:foo", "sell drive").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_good_token_the_answer_is_that_of_every_guard() {
    let answer = send(router(), bearer("/cars/foo/drive", None)).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer realm=\"api\""));
    let answer = send(router(), bearer("/cars/foo/drive", Some("garbage"))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_route_without_the_parameter_lets_nobody_pass() {
    //
    assert_eq!(ask("/cars/foo", "car:foo", "drive").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn it_documents_its_scopes() {
    let requirement = Entitled::<Car, (Drive, Sell)>::requirement();
    assert_eq!(requirement.scopes.iter().map(|scope| scope.name).collect::<Vec<_>>(), ["drive", "sell"]);
}
