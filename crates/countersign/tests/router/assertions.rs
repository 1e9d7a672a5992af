//! Clients that prove who they are by a signature (`private_key_jwt`, RFC 7523).

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_token::{Algorithm, SigningKey, jws};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::clients::{OWN, basic, register, token_of, with_administrator};
use crate::common::{Answer, ISSUER, Server};

const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn jwks(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.verification_key().to_jwk()).collect::<Vec<_>>() })
}

/// A server with an administrator, and the client `worker`, whose key this is.
async fn with_worker() -> (Server, String, SigningKey) {
    let (server, token) = with_administrator().await;
    let key = key();
    let body =
        json!({ "id": "worker", "grants": ["client_credentials"], "audiences": [ISSUER], "jwks": jwks(&[&key]) });
    assert_eq!(register(&server, &token, body).await, "", "with a key there is no secret");
    (server, token, key)
}

/// Good claims of `worker` with some changed.
fn claims(server: &Server, changes: &Value) -> String {
    static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let id = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
    let exp = server.app.clock().now() + 60;
    let mut claims = json!({ "iss": "worker", "sub": "worker", "aud": ISSUER, "exp": exp, "jti": id });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.to_string()
}

fn sign(server: &Server, changes: &Value, key: &SigningKey) -> String {
    jws::sign(claims(server, changes).as_bytes(), key).unwrap()
}

async fn show(server: &Server, path: &str, assertion: &str, fields: &[(&str, &str)]) -> Answer {
    let shown = [("client_assertion_type", JWT), ("client_assertion", assertion)];
    server.form(path, &[&shown[..], fields].concat()).await
}

/// The one answer to every client that has not proven who it is.
fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!((answer.status, &answer.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_client")), "{what}");
    assert_eq!(answer.body["error_description"], "Client authentication failed", "{what}");
}

//
#[tokio::test]
async fn a_client_with_a_key_gets_asks_about_and_gives_back_tokens() {
    let (server, _, key) = with_worker().await;
    let token = token_of(&show(&server, "/token", &sign(&server, &json!({}), &key), &OWN).await);
    token_of(&show(&server, "/token", &sign(&server, &json!({}), &key), &[OWN[0], ("client_id", "worker")]).await);
    let about = show(&server, "/introspect", &sign(&server, &json!({}), &key), &[("token", &token)]).await;
    assert_eq!((&about.body["active"], &about.body["client_id"]), (&json!(true), &json!("worker")), "{about:?}");
    let revoked = show(&server, "/revoke", &sign(&server, &json!({}), &key), &[("token", "csr_x")]).await;
    assert_eq!(revoked.status, StatusCode::OK, "{revoked:?}");
    let unproven = show(&server, "/introspect", &sign(&server, &json!({}), &self::key()), &[("token", &token)]).await;
    assert_eq!((unproven.status, &unproven.body["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")));

    let metadata = server.bare("GET", "/.well-known/oauth-authorization-server", None).await.body;
    for endpoint in ["token", "revocation", "introspection"] {
        let methods = metadata[format!("{endpoint}_endpoint_auth_methods_supported")].as_array().unwrap();
        assert!(methods.contains(&json!("private_key_jwt")), "{endpoint}");
        let algorithms = &metadata[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
        assert_eq!(*algorithms, json!(["ES256", "EdDSA", "RS256", "PS256"]), "{endpoint}");
    }
}

//
#[tokio::test]
async fn what_is_wrong_with_an_assertion_is_told_to_nobody() {
    let (server, token, own) = with_worker().await;
    let (other, now) = (key(), server.app.clock().now());
    register(&server, &token, json!({ "id": "other", "grants": ["client_credentials"], "jwks": jwks(&[&other]) }))
        .await;
    let secret = register(&server, &token, json!({ "id": "plain", "grants": ["client_credentials"] })).await;
    for changes in [
        json!({ "aud": format!("{ISSUER}/token") }),
        json!({ "aud": [ISSUER] }),
        json!({ "aud": [ISSUER, "https://other.example"] }),
        json!({ "aud": "https://other.example" }),
        json!({ "exp": now }),
        json!({ "exp": now + 301 }),
        json!({ "iss": ISSUER }),
        json!({ "iss": "other" }),
        json!({ "sub": "other" }),
        json!({ "iss": "nobody", "sub": "nobody" }),
        json!({ "iss": "plain", "sub": "plain" }),
        json!({ "iss": "other", "sub": "other" }),
        json!({ "iss": "first-party", "sub": "first-party" }),
        json!({ "jti": 1 }),
        json!({ "jti": null }),
    ] {
        let answer = show(&server, "/token", &sign(&server, &changes, &own), &OWN).await;
        assert_refused(&answer, &changes.to_string());
    }
    let good = || sign(&server, &json!({}), &own);
    for (what, assertion) in [
        ("by the key of another client", sign(&server, &json!({}), &other)),
        ("an access token of its own", token_of(&show(&server, "/token", &good(), &OWN).await)),
        ("of another kind", jws::sign_typed(claims(&server, &json!({})).as_bytes(), "at+jwt", &own).unwrap()),
        ("without a signature", format!("{}.", good().rsplit_once('.').unwrap().0)),
        ("no token at all", "x".to_owned()),
    ] {
        assert_refused(&show(&server, "/token", &assertion, &OWN).await, what);
    }
    let misnamed = show(&server, "/token", &good(), &[OWN[0], ("client_id", "other")]).await;
    assert_refused(&misnamed, "the form names another client");
    let both = [OWN[0], ("client_id", "worker"), ("client_secret", "css_x")];
    assert_eq!(show(&server, "/token", &good(), &both).await.body["error"], "invalid_request");
    let fields = [OWN[0], ("client_assertion_type", JWT), ("client_assertion", &good())];
    assert_eq!(basic(&server, "/token", ("plain", &secret), &fields).await.body["error"], "invalid_request");
}

//
#[tokio::test]
async fn no_header_makes_a_forged_assertion_good() {
    use aws_lc_rs::hmac;
    let (server, _, key) = with_worker().await;
    let public = key.verification_key().to_jwk().unwrap();
    let forged = |header: Value, secret: &[u8]| {
        let input =
            [header.to_string(), claims(&server, &json!({}))].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let bytes = URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap();
    for (what, assertion) in [
        ("none", forged(json!({ "alg": "none", "kid": key.kid() }), b"x")),
        (
            "the public key as a secret",
            forged(json!({ "alg": "HS256", "kid": key.kid() }), public.to_string().as_bytes()),
        ),
        ("its number as a secret", forged(json!({ "alg": "HS256", "kid": key.kid() }), &bytes)),
        ("a key in the header", forged(json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": "eA" } }), b"x")),
        ("a key elsewhere", forged(json!({ "alg": "HS256", "jku": "http://127.0.0.1:9/" }), b"x")),
    ] {
        assert_refused(&show(&server, "/token", &assertion, &OWN).await, what);
    }
}

//
#[tokio::test]
async fn of_many_uses_of_an_assertion_at_once_exactly_one_wins() {
    let (server, _, key) = with_worker().await;
    // A second process over the same store.
    let second = Server::over(&server, server.app.settings().clone()).await;
    let assertion = sign(&server, &json!({}), &key);
    let places = [&server, &second].into_iter().cycle().take(20);
    let answers = join_all(places.map(|place| show(place, "/token", &assertion, &OWN))).await;
    let (good, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(good.len(), 1);
    for answer in refused {
        assert_refused(answer, "a replay");
    }
    let elsewhere = show(&server, "/introspect", &assertion, &[("token", "x")]).await;
    assert_eq!((elsewhere.status, &elsewhere.body["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")));

    // What is refused for another reason was not used.
    let early = sign(&server, &json!({ "nbf": server.app.clock().now() + 40 }), &key);
    assert_refused(&show(&server, "/token", &early, &OWN).await, "not yet");
    server.clock.advance(20);
    token_of(&show(&server, "/token", &early, &OWN).await);
    // Nor does a server keep for ever what has expired.
    server.clock.advance(60);
    server.app.clients().purge(server.app.clock().now()).await.unwrap();
    assert_eq!(server.app.clients().store().purge_assertions(i64::MAX, 10).await, Ok(0));
}

#[tokio::test]
async fn keys_stand_beside_secrets_and_take_their_place() {
    let (server, token) = with_administrator().await;
    let (first, second) = (key(), key());
    let secret = register(&server, &token, json!({ "id": "worker", "grants": ["client_credentials"] })).await;
    let change = async |body: Value| server.json("PATCH", "/clients/worker", Some(&token), &body).await;
    let shown = change(json!({ "jwks": jwks(&[&first]) })).await;
    assert_eq!(shown.body["jwks"], jwks(&[&first]), "{shown:?}");
    token_of(&basic(&server, "/token", ("worker", &secret), &OWN).await);
    token_of(&show(&server, "/token", &sign(&server, &json!({}), &first), &OWN).await);
    // The last secret goes, since there is a key.
    let id = shown.body["secrets"][0]["id"].as_str().unwrap();
    let removed = server.bare("DELETE", &format!("/clients/worker/secrets/{id}"), Some(&token)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(basic(&server, "/token", ("worker", &secret), &OWN).await.body["error"], "invalid_client");

    // A key takes the place of another without an outage.
    change(json!({ "jwks": jwks(&[&first, &second]) })).await;
    for key in [&first, &second] {
        token_of(&show(&server, "/token", &sign(&server, &json!({}), key), &OWN).await);
    }
    change(json!({ "jwks": jwks(&[&second]) })).await;
    assert_refused(&show(&server, "/token", &sign(&server, &json!({}), &first), &OWN).await, "a key that was removed");
    token_of(&show(&server, "/token", &sign(&server, &json!({}), &second), &OWN).await);
    change(json!({ "disabled": true })).await;
    assert_refused(&show(&server, "/token", &sign(&server, &json!({}), &second), &OWN).await, "disabled");

    register(&server, &token, json!({ "id": "app", "is_public": true })).await;
    let public = server.json("PATCH", "/clients/app", Some(&token), &json!({ "jwks": jwks(&[&first]) })).await;
    assert_eq!(public.status, StatusCode::CONFLICT);
    let private = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "d": "AA", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
    for wrong in [json!({}), json!({ "keys": "x" }), private] {
        let refused = change(json!({ "jwks": wrong })).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}
