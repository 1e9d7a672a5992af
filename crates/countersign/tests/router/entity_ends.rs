//! With what a token for a thing ends.

use axum::http::StatusCode;
use countersign::user::UserChange;
use serde_json::json;

use crate::common::{Answer, ISSUER, PASSWORD, Server};
use crate::entities::{FOO, Garage, TOKENS};

//
#[tokio::test]
async fn a_token_for_a_thing_ends_with_what_it_rests_on() {
    let garage = Garage::new().await;
    let (server, api) = (&garage.server, garage.api().await);
    let steward = Some(garage.steward.as_str());
    let users = &server.app.stores().users;

    let (token, id) = garage.minted().await;
    assert!(api.takes(&token).await);
    assert_eq!(
        server.bare("DELETE", &format!("{TOKENS}/{id}"), Some(&garage.alices)).await.status,
        StatusCode::NO_CONTENT
    );
    assert!(!api.takes(&token).await, "it was revoked");
    let gone = server.bare("DELETE", &format!("{TOKENS}/{id}"), Some(&garage.alices)).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);

    let (token, _) = garage.minted().await;
    let narrower = json!({ "owner": garage.alice.to_string(), "permissions": ["unlock"] });
    server.json("PUT", FOO, steward, &narrower).await;
    assert!(!api.takes(&token).await, "the owner may not drive any more");
    garage.declare("car/foo", garage.alice).await;
    assert!(!api.takes(&token).await, "what has ended does not come back");

    let (token, _) = garage.minted().await;
    garage.declare("car/foo", garage.bob).await;
    assert!(!api.takes(&token).await, "it is another's");
    garage.declare("car/foo", garage.alice).await;
    let (token, _) = garage.minted().await;
    server.bare("DELETE", FOO, steward).await;
    assert!(!api.takes(&token).await, "the thing is gone");
    garage.declare("car/foo", garage.alice).await;
    assert!(!api.takes(&token).await, "one of the same name is another");

    let (token, _) = garage.minted().await;
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse, another battery" });
    assert_eq!(
        server.json("PUT", "/users/me/password", Some(&garage.alices), &change).await.status,
        StatusCode::NO_CONTENT
    );
    assert!(api.takes(&token).await, "it is the thing's and not a login: what hangs on it goes on");
    let disable = UserChange { disabled: Some(true), ..UserChange::default() };
    users.update(garage.alice, &disable, 0).await.unwrap();
    assert!(!api.takes(&token).await, "the owner is disabled");
    let enable = UserChange { disabled: Some(false), ..UserChange::default() };
    users.update(garage.alice, &enable, 0).await.unwrap();
    assert!(!api.takes(&token).await);

    garage.declare("car/van", garage.bob).await;
    let minted = garage.mint("/entities/car/van/tokens", &garage.bobs, &["drive"]).await;
    let token = minted.body["access_token"].as_str().unwrap();
    assert!(api.takes(token).await);
    users.delete(garage.bob).await.unwrap();
    assert!(!api.takes(token).await, "the owner is gone");
    assert_eq!(server.bare("GET", "/entities/car/van", steward).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_bears_a_token_for_a_thing_can_give_it_back() {
    let garage = Garage::new().await;
    let api = garage.api().await;
    let ((token, _), (other, _)) = (garage.minted().await, garage.minted().await);
    assert_eq!(garage.server.form("/revoke", &[("token", &format!("{token}x"))]).await.status, StatusCode::OK);
    assert!(api.takes(&token).await);
    for _ in 0..2 {
        assert_eq!(garage.server.form("/revoke", &[("token", &token)]).await.status, StatusCode::OK);
    }
    assert!(!api.takes(&token).await && api.takes(&other).await);
    assert_eq!(garage.server.app.entities().stats().revoked, 1);
    assert_eq!(garage.server.bare("GET", "/users/me", Some(&garage.alices)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_the_operator_does_not_declare_any_more_is_good_no_more() {
    let garage = Garage::new().await;
    let (token, _) = garage.minted().await;
    let both = garage.mint(TOKENS, &garage.alices, &["drive", "unlock"]).await;
    let unlock = garage.mint(TOKENS, &garage.alices, &["unlock"]).await;
    let text = |answer: &Answer| answer.body["access_token"].as_str().unwrap().to_owned();
    for (kinds, takes) in [("car: drive unlock", [true; 3]), ("car: unlock", [false, false, true]), ("", [false; 3])] {
        let mut settings = garage.server.app.settings().clone();
        settings.entities = kinds.parse().unwrap();
        let later = Server::over(&garage.server, settings).await;
        let mut found = Vec::new();
        for token in [&token, &text(&both), &text(&unlock)] {
            let claims =
                countersign_token::Verifier::new(ISSUER, ISSUER, later.app.keyring().current().published.clone());
            let claims = claims.verify(token, later.app.clock().now()).unwrap();
            found.push(later.app.entities().is_live(&claims).await.unwrap());
        }
        assert_eq!(found, takes, "{kinds}");
        let minted = later
            .json(
                "POST",
                TOKENS,
                Some(&garage.alices),
                &json!({ "name": "x", "permissions": ["drive"], "expires_in": 1 }),
            )
            .await;
        assert_eq!(minted.status == StatusCode::CREATED, kinds.contains("drive"), "{minted:?}");
    }
}

#[tokio::test]
async fn keys_stay_as_long_as_the_tokens_for_things_live() {
    //
    let garage = Garage::new().await;
    let (token, _) = garage.minted().await;
    let server = &garage.server;
    let kid = countersign_token::inspect(&token).unwrap().header["kid"].clone();
    let is_published = async || {
        server.bare("GET", "/.well-known/jwks.json", None).await.body["keys"]
            .to_string()
            .contains(kid.as_str().unwrap())
    };
    let settings = server.app.settings();
    server.clock.advance(settings.signing_key_lifetime_s);
    server.app.tend_keys().await.unwrap();
    server.clock.advance(settings.keys_max_age_s + 2);
    server.app.tend_keys().await.unwrap();
    assert!(is_published().await);
    server.clock.advance(settings.entity_token_lifetime_s - 1);
    server.app.tend_keys().await.unwrap();
    assert!(is_published().await, "a token of its last moment is still good");
    server.clock.advance(61);
    server.app.tend_keys().await.unwrap();
    assert!(!is_published().await);
}
