//! What somebody tries who wants more of a thing, or of a token for one, than is theirs.

use axum::http::StatusCode;
use countersign_token::ScopeSet;
use serde_json::json;

use crate::common::{PASSWORD, Server};
use crate::entities::{FOO, Garage, TOKENS};

/// The id of the first token of `car:foo`.
async fn id(garage: &Garage) -> String {
    garage.minted().await.1
}

#[tokio::test]
async fn a_thing_of_somebody_else_is_as_if_it_were_not_there() {
    let garage = Garage::new().await;
    let id = id(&garage).await;
    let (foo_token, none_token) = (format!("{TOKENS}/{id}"), format!("/entities/car/none/tokens/{id}"));
    for (method, car, none) in [
        ("GET", FOO, "/entities/car/none"),
        ("GET", TOKENS, "/entities/car/none/tokens"),
        ("DELETE", TOKENS, "/entities/car/none/tokens"),
        ("DELETE", &foo_token, &none_token),
        ("POST", TOKENS, "/entities/car/none/tokens"),
        ("GET", FOO, "/entities/bicycle/foo"),
        ("GET", FOO, "/entities/user/foo"),
        ("GET", FOO, "/entities/Car/foo"),
    ] {
        let body = json!({ "name": "x", "permissions": ["drive"], "expires_in": 1 });
        let ask = async |path: &str| garage.server.json(method, path, Some(&garage.bobs), &body).await;
        let (others, nothing) = (ask(car).await, ask(none).await);
        assert_eq!(others.status, StatusCode::NOT_FOUND, "{method} {car} {others:?}");
        assert_eq!((others.status, &others.body), (nothing.status, &nothing.body), "{method} {car}");
    }
    let listed = garage.server.bare("GET", TOKENS, Some(&garage.alices)).await.body;
    assert_eq!(listed[0]["id"], id, "nothing was revoked");
    // A token is revoked by the thing that it is for, and by no other of the same owner.
    garage.declare("car/van", garage.bob).await;
    let path = format!("/entities/car/van/tokens/{id}");
    assert_eq!(garage.server.bare("DELETE", &path, Some(&garage.bobs)).await.status, StatusCode::NOT_FOUND);
    for wrong in ["x", "..", "%00", &id.to_uppercase()] {
        let answer = garage.server.bare("DELETE", &format!("{TOKENS}/{wrong}"), Some(&garage.alices)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    assert_eq!(garage.server.bare("GET", TOKENS, Some(&garage.alices)).await.body, listed);
}

#[tokio::test]
async fn ids_are_compared_byte_by_byte_and_hold_what_can_be_seen() {
    let garage = Garage::new().await;
    let longest = "x".repeat(251);
    let good = [
        ("foo%2Fx", "car:foo/x"),
        ("foo%252Fx", "car:foo%2Fx"),
        ("a:b", "car:a:b"),
        ("%C3%BC", "car:\u{fc}"),
        ("u%CC%88", "car:u\u{308}"),
        ("FOO", "car:FOO"),
        ("%2e%2e", "car:.."),
        ("foo;x", "car:foo;x"),
        (&longest, &format!("car:{longest}")),
    ];
    for (path, subject) in good {
        let declared = garage.declare(&format!("car/{path}"), garage.bob).await;
        assert_eq!(
            (declared.status, declared.body["subject"].as_str()),
            (StatusCode::CREATED, Some(subject)),
            "{path}"
        );
        let minted = garage.mint(&format!("/entities/car/{path}/tokens"), &garage.bobs, &["drive"]).await;
        let claims = countersign_token::inspect(minted.body["access_token"].as_str().unwrap()).unwrap().claims;
        assert_eq!(claims["sub"], subject);
        let others = garage.mint(&format!("/entities/car/{path}/tokens"), &garage.alices, &["drive"]).await;
        assert_eq!(others.status, StatusCode::NOT_FOUND);
    }
    for path in [
        "%00",
        "a%0Ab",
        "%7F",
        "a%20b",
        "%C2%A0",
        "%C2%85",
        "a%E2%80%8Bb",
        "a%E2%80%AEb",
        "%EF%BB%BF",
        &format!("{longest}x"),
    ] {
        let declared = garage.declare(&format!("car/{path}"), garage.alice).await;
        assert_eq!(declared.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let minted = garage.mint(&format!("/entities/car/{path}/tokens"), &garage.alices, &["drive"]).await;
        assert_eq!(minted.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["car/%FF", "car/", "car/foo/x", "user/alice", "client/api", "bicycle/foo", "c%61r%3Afoo/x", "Car/foo"]
    {
        let declared = garage.declare(path, garage.alice).await;
        let refused = [StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY, StatusCode::METHOD_NOT_ALLOWED];
        assert!(refused.contains(&declared.status), "{path} {declared:?}");
    }
    let own = garage.server.bare("GET", "/users/me/entities", Some(&garage.alices)).await.body;
    assert_eq!(own["entities"].as_array().unwrap().len(), 1, "{own}");
}

#[tokio::test]
async fn a_token_for_a_thing_opens_no_account_and_makes_no_other() {
    let garage = Garage::new().await;
    let (token, id) = garage.minted().await;
    let me = garage.alice.to_string();
    let body = json!({ "name": "x", "permissions": ["drive"], "expires_in": 1, "owner": me });
    for (method, path) in [
        ("GET", "/users/me".to_owned()),
        ("PATCH", "/users/me".to_owned()),
        ("DELETE", "/users/me".to_owned()),
        ("PUT", "/users/me/password".to_owned()),
        ("GET", "/users/me/sessions".to_owned()),
        ("DELETE", "/users/me/sessions".to_owned()),
        ("DELETE", format!("/users/me/sessions/{id}")),
        ("GET", "/users/me/entities".to_owned()),
        ("GET", "/users".to_owned()),
        ("POST", "/users".to_owned()),
        ("GET", format!("/users/{me}")),
        ("DELETE", format!("/users/{me}")),
        ("GET", "/clients".to_owned()),
        ("POST", "/clients".to_owned()),
        ("GET", FOO.to_owned()),
        ("PUT", FOO.to_owned()),
        ("DELETE", FOO.to_owned()),
        ("POST", TOKENS.to_owned()),
        ("GET", TOKENS.to_owned()),
        ("DELETE", TOKENS.to_owned()),
        ("DELETE", format!("{TOKENS}/{id}")),
    ] {
        let answer = garage.server.json(method, &path, Some(&token), &body).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {answer:?}");
        assert!(answer.header("www-authenticate").contains("invalid_token"), "{method} {path}");
    }
    for (grant, field) in
        [("refresh_token", "refresh_token"), ("password", "password"), ("client_credentials", "client_secret")]
    {
        let fields =
            [("grant_type", grant), (field, token.as_str()), ("username", "car:foo"), ("scope", "offline_access")];
        let answer = garage.server.form("/token", &fields).await;
        assert!(answer.status.is_client_error() && answer.body.get("access_token").is_none(), "{grant} {answer:?}");
    }
    assert_eq!(garage.server.bare("GET", "/users/me", Some(&garage.alices)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_name_like_a_thing_makes_nobody_a_thing() {
    let garage = Garage::new().await;
    // Who is called foo is `user:…`, and a client called foo is `client:foo`.
    garage.server.register("foo").await;
    let namesake = garage.server.log_in("foo").await;
    assert!(countersign_token::inspect(&namesake).unwrap().claims["sub"].as_str().unwrap().starts_with("user:"));
    let secret = garage.client(json!({ "id": "foo", "grants": ["client_credentials"], "scopes": ["drive"] })).await;
    let fields = [("grant_type", "client_credentials"), ("client_id", "foo"), ("client_secret", secret.as_str())];
    let own = garage.server.form("/token", &fields).await;
    let claims = countersign_token::inspect(own.body["access_token"].as_str().unwrap()).unwrap().claims;
    assert_eq!((&claims["sub"], &claims["scope"]), (&json!("client:foo"), &json!("drive")));
}

#[tokio::test]
async fn a_registered_client_touches_no_thing_of_its_user() {
    let garage = Garage::new().await;
    garage.client(json!({ "id": "app", "is_public": true, "grants": ["password"] })).await;
    let fields = [("username", "alice"), ("password", PASSWORD), ("client_id", "app")];
    let answer = garage.server.password_grant(&fields).await;
    let token = answer.body["access_token"].as_str().unwrap();
    let id = id(&garage).await;
    for (method, path) in [
        ("GET", FOO.to_owned()),
        ("GET", "/users/me/entities".to_owned()),
        ("POST", TOKENS.to_owned()),
        ("GET", TOKENS.to_owned()),
        ("DELETE", TOKENS.to_owned()),
        ("DELETE", format!("{TOKENS}/{id}")),
        ("GET", "/entities/car/none".to_owned()),
    ] {
        let body = json!({ "name": "x", "permissions": ["drive"], "expires_in": 1 });
        let answer = garage.server.json(method, &path, Some(token), &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

// S-009, R-090
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_minted_while_the_thief_is_thrown_out_is_good_for_nothing() {
    let garage = Garage::new().await;
    let sessions = garage.server.app.sessions();
    for _ in 0..5 {
        let alices = garage.server.log_in("alice").await;
        let minting = async {
            let mut minted = Vec::new();
            for _ in 0..5 {
                minted.push(garage.mint(TOKENS, &alices, &["drive"]).await);
            }
            minted
        };
        let (minted, ended) = tokio::join!(minting, sessions.end_all(garage.alice));
        assert!(ended.unwrap() >= 1);
        let last = garage.mint(TOKENS, &alices, &["drive"]).await;
        assert_eq!(last.status, StatusCode::UNAUTHORIZED);
        for answer in minted {
            let known = [StatusCode::CREATED, StatusCode::CONFLICT, StatusCode::UNAUTHORIZED];
            assert!(known.contains(&answer.status), "{answer:?}");
        }
        let kept = garage.server.app.entities().tokens(&"car:foo".parse().unwrap()).await.unwrap();
        let disable = countersign::user::UserChange { disabled: Some(true), ..Default::default() };
        let enable = countersign::user::UserChange { disabled: Some(false), ..Default::default() };
        let users = &garage.server.app.stores().users;
        users.update(garage.alice, &disable, 0).await.unwrap();
        for token in kept {
            assert_eq!(garage.server.app.stores().entities.find_entity_token(token.id, 0).await, Ok(None));
        }
        users.update(garage.alice, &enable, 0).await.unwrap();
    }
}

#[tokio::test]
async fn no_configuration_makes_a_token_for_a_thing_powerful_here() {
    for kinds in ["car: drive users:write", "car: entities:write", "user: drive", "client: drive"] {
        assert!(kinds.parse::<countersign::entity::EntityKinds>().is_err(), "{kinds}");
    }
    // Nor does a store that somebody has written to: what is not declared is not given.
    let garage = Garage::new().await;
    let mut entity = garage.server.app.entities().find(&"car:foo".parse().unwrap()).await.unwrap().unwrap();
    entity.permissions = ScopeSet::parse("drive users:write").unwrap();
    garage.server.app.stores().entities.declare_entity(&entity).await.unwrap().unwrap();
    let answer = garage.mint(TOKENS, &garage.alices, &["users:write"]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    let plain = Server::new().await;
    plain.register_with("root", "entities:write").await;
    let root = plain.log_in("root").await;
    let body = json!({ "owner": garage.alice.to_string() });
    assert_eq!(plain.json("PUT", FOO, Some(&root), &body).await.status, StatusCode::NOT_FOUND, "there are no kinds");
}
