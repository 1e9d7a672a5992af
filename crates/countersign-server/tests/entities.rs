//! `countersign entity`, and a car that is driven at an API by whoever its owner has given a token.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use countersign_axum::remote::RemoteIssuer;
use countersign_axum::{Entitled, Entity, Scope};
use serde_json::{Value, json};

use crate::support::{Place, Server, answer, soon};

struct Car;

impl Entity for Car {
    const KIND: &'static str = "car";
}

struct Drive;

impl Scope for Drive {
    const NAME: &'static str = "drive";
    const DESCRIPTION: &'static str = "Drive the car.";
}

struct Unlock;

impl Scope for Unlock {
    const NAME: &'static str = "unlock";
    const DESCRIPTION: &'static str = "Unlock the car.";
}

/// An API that takes the tokens of this server.
async fn api(server: &Server) -> SocketAddr {
    let issuer = format!("http://{}", server.address);
    let guard = RemoteIssuer::new(&issuer, &issuer).status_interval(Duration::from_millis(100)).guard().unwrap();
    let router = Router::new()
        .route("/cars/{car}/drive", post(async |car: Entitled<Car, Drive>| format!("{} drives", car.id())))
        .route("/cars/{car}/unlock", post(async |car: Entitled<Car, Unlock>| format!("{} is open", car.id())))
        .with_state(guard);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn act(api: SocketAddr, path: &str, token: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(api).unwrap();
    let head = format!(
        "POST /cars/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    answer(stream)
}

/// Asks the server as the bearer of this token.
fn ask(server: &Server, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let authorization = format!("Bearer {token}");
    let fields = [("Content-Type", "application/json"), ("Authorization", authorization.as_str())];
    let (status, body) = server.ask(method, path, &fields, &body.to_string());
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn place() -> Place {
    let place = Place::new();
    place.write("settings.toml", "[entities]\ncar = ['drive', 'unlock']\npost = ['edit']\n");
    place.add_user(&["ada"]).good();
    place
}

const CONFIG: [&str; 2] = ["--config", "settings.toml"];

#[tokio::test(flavor = "multi_thread")]
async fn a_car_is_driven_by_whoever_bears_the_token_that_its_owner_has_made() {
    let place = place();
    let server = place.serve(&CONFIG);
    let said = place.run(&[&["entity", "add", "car:foo", "--owner", "ada"], &CONFIG[..]].concat()).good();
    assert_eq!(said, "car:foo is of ada now, with drive unlock.\n");
    let (_, ada) = server.log_in("ada");
    let order = json!({ "name": "The mechanic", "permissions": ["drive"], "expires_in": 3600 });
    let (status, minted) = ask(&server, "POST", "/entities/car/foo/tokens", &ada, &order);
    assert_eq!(status, 201, "{minted}");
    let token = minted["access_token"].as_str().unwrap();

    let api = api(&server).await;
    assert_eq!(act(api, "foo/drive", token), (200, "foo drives".to_owned()));
    for (path, token, status) in [
        ("foo/unlock", token, 403),
        ("bar/drive", token, 403),
        ("foo/drive", ada.as_str(), 403),
        ("foo%20/drive", token, 403),
        ("foo/drive", "x", 401),
        ("foo/drive", &token[..token.len() - 4], 401),
    ] {
        assert_eq!(act(api, path, token).0, status, "{path}");
    }

    let tokens = place.run(&["entity", "tokens", "car:foo", "--json"]).json();
    assert_eq!((&tokens[0]["id"], &tokens[0]["name"]), (&minted["id"], &"The mechanic".into()));
    let table = place.run(&["entity", "tokens", "car:foo"]).good();
    assert!(table.contains("The mechanic") && table.contains("drive") && !table.contains(token), "{table}");
    let id = minted["id"].as_str().unwrap();
    place.run(&["entity", "revoke", id]).good();
    place.run(&["entity", "revoke", id]).bad(1);
    soon("the API learns of it", || act(api, "foo/drive", token).0 != 200);
    assert_eq!(act(api, "foo/drive", token).0, 401);
    let (_, left) = ask(&server, "GET", "/entities/car/foo/tokens", &ada, &Value::Null);
    assert_eq!(left, json!([]));
    let log = server.stop().stderr;
    assert!(log.contains("mint") && !log.contains(token), "{log}");
}

#[test]
fn things_are_declared_listed_changed_and_removed_while_the_server_runs() {
    let place = place();
    place.add_user(&["bob"]).good();
    let server = place.serve(&[&CONFIG[..], &["--metrics", "127.0.0.1:0"]].concat());
    let run = |arguments: &[&str]| place.run(&[&["entity"], arguments, &CONFIG].concat());
    run(&["add", "car:foo", "--owner", "ada", "--permission", "drive"]).good();
    run(&["add", "post:a/b", "--owner", "bob"]).good();
    let listed = run(&["list", "--json"]).json();
    assert_eq!((&listed[0]["subject"], &listed[0]["username"]), (&"car:foo".into(), &"ada".into()));
    assert_eq!((&listed[0]["permissions"], &listed[1]["id"]), (&json!(["drive"]), &"a/b".into()));
    assert!(run(&["list", "--owner", "bob"]).good().contains("post:a/b"));
    assert!(!run(&["list", "--owner", "bob"]).good().contains("car:foo"));

    let (_, ada) = server.log_in("ada");
    let order = json!({ "name": "x", "permissions": ["drive"], "expires_in": 60 });
    assert_eq!(ask(&server, "POST", "/entities/car/foo/tokens", &ada, &order).0, 201);
    let wider = json!({ "name": "x", "permissions": ["unlock"], "expires_in": 60 });
    assert_eq!(ask(&server, "POST", "/entities/car/foo/tokens", &ada, &wider).0, 403);
    let moved = run(&["add", "car:foo", "--owner", "bob"]).good();
    assert!(moved.contains("1 tokens have ended"), "{moved}");
    assert_eq!(ask(&server, "POST", "/entities/car/foo/tokens", &ada, &order).0, 404);
    let metrics = server.metrics();
    for line in ["{outcome=\"minted\"} 1", "{outcome=\"refused\"} 2", "{outcome=\"revoked\"} 0"] {
        assert!(metrics.contains(&format!("countersign_entity_tokens_total{line}")), "{metrics}");
    }

    for wrong in [
        &["add", "bicycle:foo", "--owner", "ada"][..],
        &["add", "user:foo", "--owner", "ada"],
        &["add", "foo", "--owner", "ada"],
        &["add", "car:a b", "--owner", "ada"],
        &["add", "car:a\u{200B}b", "--owner", "ada"],
        &["add", "car:foo", "--owner", "ada", "--permission", "edit"],
        &["add", "car:foo", "--owner", "ada", "--permission", "\u{e9}"],
        &["add", "car:foo"],
        &["tokens", "x"],
    ] {
        run(wrong).bad(2);
    }
    let refused = run(&["revoke", "x"]).bad(2);
    assert!(refused.contains("no id of a token") && !refused.contains("session"), "{refused}");
    for unknown in [
        &["add", "car:foo", "--owner", "nobody"][..],
        &["list", "--owner", "nobody"],
        &["tokens", "car:none"],
        &["remove", "car:none"],
    ] {
        run(unknown).bad(1);
    }
    run(&["remove", "car:foo"]).good();
    place.run(&["user", "delete", "bob"]).good();
    assert_eq!(run(&["list", "--json"]).json(), json!([]));
}
