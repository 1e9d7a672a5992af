//! `POST /introspect`: what an API learns of a token.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::clients::{OWN, basic, register, token_of, with_administrator};
use crate::common::{ISSUER, PASSWORD};

//
#[tokio::test]
async fn an_api_learns_of_tokens_that_are_for_it_and_of_no_others() {
    let (server, token) = with_administrator().await;
    server.register_with("alice", "items:read").await;
    let api = register(&server, &token, json!({ "id": "api", "audiences": [ISSUER] })).await;
    let stranger = register(&server, &token, json!({ "id": "stranger", "audiences": ["https://else.example"] })).await;
    register(&server, &token, json!({ "id": "app", "is_public": true })).await;
    let fields = [("username", "alice"), ("password", PASSWORD), ("scope", "items:read offline_access")];
    let login = server.password_grant(&fields).await;
    let access = token_of(&login);
    let ask =
        async |caller: (&str, &str), token: &str| basic(&server, "/introspect", caller, &[("token", token)]).await;
    let (api, stranger) = (("api", api.as_str()), ("stranger", stranger.as_str()));

    let answer = ask(api, &access).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    let said = &answer.body;
    assert_eq!(
        (&said["active"], &said["token_type"], &said["scope"]),
        (&json!(true), &json!("Bearer"), &json!("items:read"))
    );
    assert_eq!(
        (&said["username"], &said["client_id"], &said["iss"]),
        (&json!("alice"), &json!("first-party"), &json!(ISSUER))
    );
    assert!(
        said["sub"].as_str().unwrap().starts_with("user:")
            && said["exp"].as_i64().unwrap() > said["iat"].as_i64().unwrap()
    );

    let nothing = json!({ "active": false });
    let refresh_token = login.body["refresh_token"].as_str().unwrap();
    for (caller, token) in [
        (stranger, access.as_str()),
        (api, refresh_token),
        (api, "garbage"),
        (api, "csr_AAAA"),
        (api, &format!("{access}x")),
    ] {
        let answer = ask(caller, token).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &nothing), "{token}");
    }
    for shown in [("api", "wrong"), ("app", ""), ("nobody", "x")] {
        let answer = ask(shown, &access).await;
        assert_eq!((answer.status, &answer.body["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")));
    }
    let unproven = server.form("/introspect", &[("token", &access)]).await;
    assert_eq!((unproven.status, &unproven.body["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")));
    let in_form = [("token", access.as_str()), ("client_id", "api"), ("client_secret", "wrong")];
    let wrong = server.form("/introspect", &in_form).await;
    assert_eq!((wrong.status, &wrong.body["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")));

    //
    let me = server.bare("GET", "/users/me", Some(&access)).await.body["id"].as_str().unwrap().parse().unwrap();
    server.app.sessions().end_all(me).await.unwrap();
    assert_eq!(ask(api, &access).await.body, nothing);
}

// RFC 9701
#[tokio::test]
async fn an_answer_is_signed_for_who_wants_it_and_is_no_token() {
    let (server, token) = with_administrator().await;
    server.register_with("alice", "items:read").await;
    let access = server.log_in("alice").await;
    let secret = register(&server, &token, json!({ "id": "api", "audiences": [ISSUER] })).await;
    let ask = async |accept: &str, token: &str| {
        let fields = [("token", token), ("client_id", "api"), ("client_secret", &secret)];
        let request = Request::post("/introspect")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("accept", accept)
            .body(Body::from(serde_urlencoded::to_string(fields).unwrap()));
        let response = server.router.clone().oneshot(request.unwrap()).await.unwrap();
        let media_type = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        (media_type, String::from_utf8(body.to_vec()).unwrap())
    };
    let jwt = "application/token-introspection+jwt";
    for plain in ["application/json", "*/*", "application/jwt"] {
        assert_eq!(ask(plain, &access).await.0, "application/json", "{plain}");
    }
    let plain: Value = serde_json::from_str(&ask("application/json", &access).await.1).unwrap();
    let (media_type, signed) = ask(&format!("text/html, {};q=0.9", jwt.to_uppercase()), &access).await;
    assert_eq!(media_type, jwt);
    let keys = server.app.keyring().current().published.clone();
    let claims: Value = serde_json::from_slice(&countersign_token::jws::verify(&signed, &keys).unwrap()).unwrap();
    let now = server.app.clock().now();
    assert_eq!(claims, json!({ "iss": ISSUER, "aud": "api", "iat": now, "token_introspection": plain }));
    assert_eq!(plain["active"], true);
    let header = countersign_token::inspect(&signed).unwrap().header;
    assert_eq!(header["typ"], "token-introspection+jwt");
    // it passes nowhere for what it speaks of.
    assert_eq!(server.bare("GET", "/users/me", Some(&signed)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("application/json", &signed).await.1, json!({ "active": false }).to_string());
    let verifier = countersign_token::Verifier::new(ISSUER, "api", keys);
    assert_eq!(verifier.verify(&signed, now).unwrap_err(), countersign_token::VerifyError::WrongType);
    let (_, nothing) = ask(jwt, "garbage").await;
    let said = countersign_token::inspect(&nothing).unwrap().claims;
    assert_eq!(said["token_introspection"], json!({ "active": false }));
}

#[tokio::test]
async fn a_client_learns_of_its_own_tokens_and_gives_them_back() {
    let (server, token) = with_administrator().await;
    server.register_with("alice", "items:read").await;
    let grants = json!(["password", "refresh_token", "client_credentials"]);
    let body = json!({ "id": "web", "grants": grants, "scopes": ["items:read"], "audiences": ["https://api.example"] });
    let secret = register(&server, &token, body).await;
    let web = ("web", secret.as_str());
    let login =
        [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD), ("scope", "offline_access")];
    let answer = basic(&server, "/token", web, &login).await;
    let (access, refresh_token) = (token_of(&answer), answer.body["refresh_token"].as_str().unwrap().to_owned());
    let own = token_of(&basic(&server, "/token", web, &OWN).await);
    let is_active =
        async |token: &str| basic(&server, "/introspect", web, &[("token", token)]).await.body["active"] == true;
    assert!(is_active(&access).await && is_active(&refresh_token).await && is_active(&own).await);
    // Its tokens are for another API, not for this server.
    assert_eq!(server.bare("GET", "/users/me", Some(&access)).await.status, StatusCode::UNAUTHORIZED);

    let revoked = basic(&server, "/revoke", web, &[("token", &own)]).await;
    assert_eq!((revoked.status, &revoked.body["error"]), (StatusCode::BAD_REQUEST, &json!("unsupported_token_type")));
    assert_eq!(basic(&server, "/revoke", web, &[("token", &access)]).await.status, StatusCode::OK);
    assert!(!is_active(&access).await && !is_active(&refresh_token).await && is_active(&own).await);
    server.json("PATCH", "/clients/web", Some(&token), &json!({ "scopes": [] })).await;
    assert!(!is_active(&own).await, "the client has lost what it carries");
}
