//! Things, whose they are, and the tokens that their owners make.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::user::UserId;
use serde_json::{Value, json};

use crate::common::{Answer, ISSUER, Server};
use crate::status_lists::holds;

pub(crate) const FOO: &str = "/entities/car/foo";
pub(crate) const TOKENS: &str = "/entities/car/foo/tokens";
const DAY: i64 = 24 * 60 * 60;

/// A server with cars and posts, `alice`, whose `car:foo` is, `bob`, who has nothing, and a steward who declares things.
pub(crate) struct Garage {
    pub(crate) server: Server,
    pub(crate) alice: UserId,
    pub(crate) bob: UserId,
    pub(crate) alices: String,
    pub(crate) bobs: String,
    pub(crate) steward: String,
}

impl Garage {
    pub(crate) async fn new() -> Self {
        let server =
            Server::with(|settings| settings.entities = "car: drive unlock; post: edit".parse().unwrap()).await;
        let (alice, bob) = (server.register("alice").await, server.register("bob").await);
        server.register_with("root", "entities:write clients:write").await;
        let steward = server.log_in("root").await;
        let (alices, bobs) = (server.log_in("alice").await, server.log_in("bob").await);
        let garage = Self { server, alice, bob, alices, bobs, steward };
        assert_eq!(garage.declare("car/foo", alice).await.status, StatusCode::CREATED);
        garage
    }

    pub(crate) async fn declare(&self, thing: &str, owner: UserId) -> Answer {
        let body = json!({ "owner": owner.to_string() });
        self.server.json("PUT", &format!("/entities/{thing}"), Some(&self.steward), &body).await
    }

    pub(crate) async fn mint(&self, path: &str, token: &str, permissions: &[&str]) -> Answer {
        let body = json!({ "name": "The mechanic", "permissions": permissions, "expires_in": DAY });
        self.server.json("POST", path, Some(token), &body).await
    }

    /// A token to drive `car:foo`, and its id.
    pub(crate) async fn minted(&self) -> (String, String) {
        let answer = self.mint(TOKENS, &self.alices, &["drive"]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        (text("access_token"), text("id"))
    }

    /// Registers a client: its secret.
    pub(crate) async fn client(&self, body: Value) -> String {
        let answer = self.server.json("POST", "/clients", Some(&self.steward), &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.body["client_secret"].as_str().unwrap_or_default().to_owned()
    }

    /// An API that asks whether tokens are good.
    pub(crate) async fn api(&self) -> Api<'_> {
        let secret = self.client(json!({ "id": "api", "audiences": [ISSUER] })).await;
        Api { server: &self.server, authorization: format!("Basic {}", STANDARD.encode(format!("api:{secret}"))) }
    }
}

/// See [`Garage::api`].
pub(crate) struct Api<'a> {
    server: &'a Server,
    authorization: String,
}

impl Api<'_> {
    pub(crate) async fn ask(&self, token: &str) -> Value {
        let request = Request::post("/introspect")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, &self.authorization);
        self.server.send(request.body(Body::from(format!("token={token}"))).unwrap()).await.body
    }

    /// Whether the token is good, as who asks learns it and who reads the list of statuses.
    pub(crate) async fn takes(&self, token: &str) -> bool {
        let is_active = self.ask(token).await["active"] == true;
        assert_eq!(is_active, holds(self.server, token).await);
        is_active
    }
}

#[tokio::test]
async fn a_thing_is_declared_read_changed_and_removed() {
    let garage = Garage::new().await;
    let (server, steward) = (&garage.server, Some(garage.steward.as_str()));
    let read = server.bare("GET", FOO, Some(&garage.alices)).await;
    let car = json!({
        "subject": "car:foo", "kind": "car", "id": "foo", "owner": garage.alice.to_string(),
        "permissions": ["drive", "unlock"], "created_at": "2027-01-15T08:00:00Z",
    });
    assert_eq!((read.status, &read.body), (StatusCode::OK, &car));
    assert_eq!(server.bare("GET", FOO, steward).await.body, car);
    server.clock.advance(10);
    let again = garage.declare("car/foo", garage.alice).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &car), "it is the same");
    let narrower = json!({ "owner": garage.alice.to_string(), "permissions": ["drive"] });
    assert_eq!(server.json("PUT", FOO, steward, &narrower).await.body["permissions"], json!(["drive"]));

    let owner = garage.alice.to_string();
    for (wrong, status) in [
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "owner": "alice" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "owner": UserId::new(0).to_string() }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "owner": owner, "permissions": ["fly"] }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "owner": owner, "permissions": ["edit"] }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "owner": owner, "permissions": ["users:write"] }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "owner": owner, "permissions": ["drive unlock"] }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "owner": owner, "permissions": "drive" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "owner": owner, "colour": "red" }), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(server.json("PUT", FOO, steward, &wrong).await.status, status, "{wrong}");
    }
    assert_eq!(server.bare("DELETE", FOO, steward).await.status, StatusCode::NO_CONTENT);
    for method in ["GET", "DELETE"] {
        assert_eq!(server.bare(method, FOO, steward).await.status, StatusCode::NOT_FOUND);
    }
    for (method, path) in [("PUT", FOO), ("DELETE", FOO)] {
        assert_eq!(server.json(method, path, Some(&garage.alices), &narrower).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn an_api_declares_its_things_with_a_token_of_its_own() {
    let garage = Garage::new().await;
    let body = json!({ "id": "garage", "grants": ["client_credentials"], "scopes": ["entities:write"] });
    let secret = garage.client(body).await;
    let fields = [("grant_type", "client_credentials"), ("client_id", "garage"), ("client_secret", secret.as_str())];
    let answer = garage.server.form("/token", &fields).await;
    let token = answer.body["access_token"].as_str().unwrap();
    let body = json!({ "owner": garage.bob.to_string() });
    let put = async || garage.server.json("PUT", "/entities/car/van", Some(token), &body).await.status;
    assert_eq!(put().await, StatusCode::CREATED);
    assert_eq!(garage.server.bare("GET", FOO, Some(token)).await.status, StatusCode::OK);
    assert_eq!(garage.server.bare("GET", TOKENS, Some(token)).await.status, StatusCode::OK);
    // It declares, and owns nothing.
    assert_eq!(garage.mint(TOKENS, token, &["drive"]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(garage.server.bare("GET", "/users/me/entities", Some(token)).await.status, StatusCode::UNAUTHORIZED);
    garage.server.json("PATCH", "/clients/garage", Some(&garage.steward), &json!({ "disabled": true })).await;
    assert_eq!(put().await, StatusCode::UNAUTHORIZED, "a client that is disabled is out at once");
}

#[tokio::test]
async fn ones_own_things_are_listed_page_by_page() {
    let garage = Garage::new().await;
    for thing in ["car/b", "car/a%3Ab", "post/1"] {
        assert_eq!(garage.declare(thing, garage.alice).await.status, StatusCode::CREATED);
    }
    garage.declare("car/van", garage.bob).await;
    let list = async |query: &str| {
        let answer = garage.server.bare("GET", &format!("/users/me/entities{query}"), Some(&garage.alices)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let all = answer.body["entities"].as_array().unwrap();
        let subjects: Vec<_> = all.iter().map(|entity| entity["subject"].as_str().unwrap().to_owned()).collect();
        (subjects.join(" "), answer.body["next"].clone())
    };
    assert_eq!(list("").await, ("car:a:b car:b car:foo post:1".to_owned(), Value::Null));
    assert_eq!(list("?limit=2").await, ("car:a:b car:b".to_owned(), json!("car:b")));
    assert_eq!(list("?limit=2&after=car:b").await, ("car:foo post:1".to_owned(), Value::Null));
    assert_eq!(list("?limit=0&after=post:1").await, (String::new(), Value::Null));
    for wrong in ["?limit=x", "?after=car", "?after=car:%00"] {
        let answer = garage.server.bare("GET", &format!("/users/me/entities{wrong}"), Some(&garage.alices)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn a_token_for_a_thing_says_what_may_be_done_with_it_and_is_shown_once() {
    let garage = Garage::new().await;
    let answer = garage.mint(TOKENS, &garage.alices, &["unlock", "drive"]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::CREATED, "no-store"));
    let body = &answer.body;
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(DAY)));
    assert_eq!(body.get("refresh_token"), None);
    let token = body["access_token"].as_str().unwrap();
    let claims = countersign_token::inspect(token).unwrap().claims;
    let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!(exp - iat, DAY);
    assert_eq!(
        (&claims["sub"], &claims["scope"], &claims["client_id"], &claims["aud"], &claims["sid"]),
        (&json!("car:foo"), &json!("drive unlock"), &json!("first-party"), &json!(ISSUER), &body["id"])
    );
    let listed = garage.server.bare("GET", TOKENS, Some(&garage.alices)).await.body;
    let kept = json!([{
        "id": body["id"], "name": "The mechanic", "permissions": ["drive", "unlock"],
        "created_at": "2027-01-15T08:00:00Z", "expires_at": "2027-01-16T08:00:00Z",
    }]);
    assert_eq!(listed, kept);

    let api = garage.api().await;
    let said = api.ask(token).await;
    assert_eq!(
        (&said["active"], &said["sub"], &said["scope"], said.get("username")),
        (&json!(true), &json!("car:foo"), &json!("drive unlock"), None)
    );
    garage.server.clock.advance(DAY);
    assert_eq!(api.ask(token).await, json!({ "active": false }));
    let alices = garage.server.log_in("alice").await;
    assert_eq!(garage.server.bare("GET", TOKENS, Some(&alices)).await.body, json!([]));
}

#[tokio::test]
async fn a_token_carries_no_more_than_its_owner_has_and_lives_no_longer_than_it_may() {
    let garage = Garage::new().await;
    let narrow = json!({ "owner": garage.alice.to_string(), "permissions": ["drive"] });
    garage.server.json("PUT", FOO, Some(&garage.steward), &narrow).await;
    for permissions in [&["unlock"][..], &["drive", "unlock"], &["edit"], &["users:write"], &["Drive"]] {
        let answer = garage.mint(TOKENS, &garage.alices, permissions).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{permissions:?}");
        assert!(answer.body["detail"].as_str().unwrap().ends_with(": drive"), "{answer:?}");
    }
    let order = |name: &str, permissions: Value, expires_in: Value| json!({ "name": name, "permissions": permissions, "expires_in": expires_in });
    for wrong in [
        order("", json!(["drive"]), json!(1)),
        order("a\u{202E}b", json!(["drive"]), json!(1)),
        order(&"x".repeat(129), json!(["drive"]), json!(1)),
        order("x", json!([]), json!(1)),
        order("x", json!(["drive unlock"]), json!(1)),
        order("x", json!(["drive\n"]), json!(1)),
        order("x", json!([""]), json!(1)),
        order("x", json!("drive"), json!(1)),
        order("x", json!(["drive"]), json!(0)),
        order("x", json!(["drive"]), json!(-1)),
        order("x", json!(["drive"]), json!(30 * DAY + 1)),
        order("x", json!(["drive"]), json!(i64::MAX)),
        order("x", json!(["drive"]), json!(1.5)),
        order("x", json!(["drive"]), json!("1")),
        json!({ "name": "x", "permissions": ["drive"] }),
        json!({ "name": "x", "permissions": ["drive"], "expires_in": 1, "sub": "car:bar" }),
    ] {
        let answer = garage.server.json("POST", TOKENS, Some(&garage.alices), &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    assert_eq!(garage.server.bare("GET", TOKENS, Some(&garage.alices)).await.body, json!([]));
    let longest = order("x", json!(["drive", "drive"]), json!(30 * DAY));
    let answer = garage.server.json("POST", TOKENS, Some(&garage.alices), &longest).await;
    assert_eq!((answer.status, &answer.body["permissions"]), (StatusCode::CREATED, &json!(["drive"])));
    let stats = garage.server.app.entities().stats();
    assert_eq!((stats.minted, stats.revoked), (1, 0));
    assert!(stats.refused >= 9, "{stats:?}");
}

#[tokio::test]
async fn a_thing_has_a_hundred_tokens_at_most() {
    let garage = Garage::new().await;
    for _ in 0..100 {
        garage.minted().await;
    }
    let refused = garage.mint(TOKENS, &garage.alices, &["drive"]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body["detail"].as_str().unwrap().contains("100 tokens"), "{refused:?}");
    let listed = garage.server.bare("GET", TOKENS, Some(&garage.alices)).await.body;
    let id = listed[99]["id"].as_str().unwrap();
    let revoked = garage.server.bare("DELETE", &format!("{TOKENS}/{id}"), Some(&garage.alices)).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    garage.minted().await;
    let all = garage.server.bare("DELETE", TOKENS, Some(&garage.alices)).await;
    assert_eq!(all.status, StatusCode::NO_CONTENT);
    assert_eq!(garage.server.bare("GET", TOKENS, Some(&garage.alices)).await.body, json!([]));
}
