//! Clients: registered, proving who they are, asking for tokens, asking about tokens.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::client::{ClientChange, ClientId, Grant};
use serde_json::{Value, json};

use crate::common::{Answer, ISSUER, PASSWORD, Server};

/// A server with an administrator, whose token this is.
pub(crate) async fn with_administrator() -> (Server, String) {
    let server = Server::new().await;
    server.register_with("root", "clients:read clients:write").await;
    let token = server.log_in("root").await;
    (server, token)
}

/// Registers a client: its secret, empty if it has none.
pub(crate) async fn register(server: &Server, token: &str, body: Value) -> String {
    let answer = server.json("POST", "/clients", Some(token), &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.body["client_secret"].as_str().unwrap_or_default().to_owned()
}

/// A form by a client that shows itself by HTTP Basic.
pub(crate) async fn basic(server: &Server, path: &str, (id, secret): (&str, &str), fields: &[(&str, &str)]) -> Answer {
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
    server.send(request.body(Body::from(serde_urlencoded::to_string(fields).unwrap())).unwrap()).await
}

pub(crate) const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

pub(crate) fn token_of(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_is_registered_shown_changed_and_deleted_by_who_may() {
    let (server, token) = with_administrator().await;
    let body = json!({
        "id": "worker", "name": " The worker ", "grants": ["client_credentials"], "scopes": ["items:read"],
        "audiences": ["https://api.example"], "access_token_lifetime": 60,
    });
    let secret = register(&server, &token, body.clone()).await;
    assert!(secret.starts_with("css_"));
    assert_eq!(server.json("POST", "/clients", Some(&token), &body).await.status, StatusCode::CONFLICT);
    let shown = server.bare("GET", "/clients/worker", Some(&token)).await.body;
    assert_eq!((&shown["name"], &shown["access_token_lifetime"]), (&json!("The worker"), &json!(60)));
    assert!(!shown.to_string().contains(&secret) && shown["secrets"].as_array().unwrap().len() == 1);
    assert_eq!(server.bare("GET", "/clients", Some(&token)).await.body, json!([shown]));

    let changed = server.json("PATCH", "/clients/worker", Some(&token), &json!({ "scopes": [] })).await;
    assert_eq!((&changed.body["scopes"], &changed.body["name"]), (&json!([]), &json!("The worker")));
    for wrong in [
        json!({ "id": "a b" }),
        json!({ "id": "first-party" }),
        json!({ "id": "x", "grants": ["magic"] }),
        json!({ "id": "x", "scopes": ["a b"] }),
        json!({ "id": "x", "audiences": ["a b"] }),
        json!({ "id": "x", "colour": "red" }),
        json!({ "id": "x", "name": "\u{7}" }),
    ] {
        let answer = server.json("POST", "/clients", Some(&token), &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }

    server.register_with("alice", "clients:read").await;
    let reader = server.log_in("alice").await;
    assert_eq!(server.json("POST", "/clients", Some(&reader), &body).await.status, StatusCode::FORBIDDEN);
    assert_eq!(server.bare("DELETE", "/clients/worker", Some(&reader)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(server.bare("GET", "/clients", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(server.bare("DELETE", "/clients/worker", Some(&token)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.bare("GET", "/clients/worker", Some(&token)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(basic(&server, "/token", ("worker", &secret), &OWN).await.body["error"], "invalid_client");
}

//
#[tokio::test]
async fn a_confidential_client_proves_itself_and_a_public_one_shows_nothing() {
    let (server, token) = with_administrator().await;
    let grants = json!(["client_credentials", "password"]);
    let secret = register(&server, &token, json!({ "id": "worker", "grants": grants })).await;
    assert_eq!(register(&server, &token, json!({ "id": "app", "is_public": true, "grants": ["password"] })).await, "");

    token_of(&basic(&server, "/token", ("worker", &secret), &OWN).await);
    let post = [OWN[0], ("client_id", "worker"), ("client_secret", &secret)];
    token_of(&server.form("/token", &post).await);
    for shown in [
        ("worker", ""),
        ("worker", "css_wrong"),
        ("nobody", secret.as_str()),
        ("app", secret.as_str()),
        ("Worker", &secret),
    ] {
        let answer = basic(&server, "/token", shown, &OWN).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (StatusCode::UNAUTHORIZED, &json!("invalid_client")),
            "{shown:?}"
        );
        assert!(answer.header("www-authenticate").starts_with("Basic"), "{answer:?}");
    }
    let silent = server.form("/token", &[OWN[0], ("client_id", "worker")]).await;
    assert_eq!((silent.status, &silent.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_client")));
    let public = server.form("/token", &[OWN[0], ("client_id", "app")]).await;
    assert_eq!(public.body["error"], "unauthorized_client");
    server.json("PATCH", "/clients/worker", Some(&token), &json!({ "disabled": true })).await;
    assert_eq!(basic(&server, "/token", ("worker", &secret), &OWN).await.body["error"], "invalid_client");
}

// RFC 6749 section 4.4
#[tokio::test]
async fn a_public_client_cannot_be_given_the_grant_that_needs_a_proof() {
    let (server, token) = with_administrator().await;
    let own = json!(["client_credentials"]);
    let app = |grants: &Value| json!({ "id": "app", "is_public": true, "grants": grants });
    let refused = server.json("POST", "/clients", Some(&token), &app(&own)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert!(refused.body["detail"].as_str().unwrap().contains("client_credentials"), "{refused:?}");
    assert_eq!(server.bare("GET", "/clients/app", Some(&token)).await.status, StatusCode::NOT_FOUND);

    register(&server, &token, app(&json!(["password"]))).await;
    let change = async |body: Value| server.json("PATCH", "/clients/app", Some(&token), &body).await;
    assert_eq!(change(json!({ "grants": ["password", "client_credentials"] })).await.status, StatusCode::CONFLICT);
    assert_eq!(change(json!({ "name": "App" })).await.body["grants"], json!(["password"]));

    // One that was registered with it by an older version gets nothing by it, and can be mended.
    let grants = [Grant::ClientCredentials].into();
    let id = ClientId::new("app").unwrap();
    let older = ClientChange { grants: Some(grants), ..ClientChange::default() };
    server.app.clients().store().update_client(&id, &older).await.unwrap();
    let public = server.form("/token", &[OWN[0], ("client_id", "app")]).await;
    assert_eq!(public.body["error"], "unauthorized_client", "a public client has no token of its own");
    assert_eq!(change(json!({ "name": "Old" })).await.body["grants"], own);
    assert_eq!(change(json!({ "grants": [] })).await.status, StatusCode::OK);
}

//
#[tokio::test]
async fn a_client_gets_tokens_of_its_own_within_what_it_may() {
    let (server, token) = with_administrator().await;
    let body = json!({
        "id": "worker", "grants": ["client_credentials"], "scopes": ["items:read", "items:write"], "access_token_lifetime": 60,
    });
    let secret = register(&server, &token, body).await;
    let worker = ("worker", secret.as_str());
    let answer = basic(&server, "/token", worker, &OWN).await;
    let token = token_of(&answer);
    assert_eq!((&answer.body["expires_in"], &answer.body["scope"]), (&json!(60), &json!("items:read items:write")));
    assert_eq!(answer.body.get("refresh_token"), None);
    let claims = countersign_token::inspect(&token).unwrap().claims;
    assert_eq!((claims.get("sub"), claims.get("client_id")), (Some(&json!("client:worker")), Some(&json!("worker"))));
    // No user stands behind it.
    assert_eq!(server.bare("GET", "/users/me", Some(&token)).await.status, StatusCode::UNAUTHORIZED);

    let narrower = basic(&server, "/token", worker, &[OWN[0], ("scope", "items:read admin")]).await;
    assert_eq!(narrower.body["scope"], "items:read");
    let none = basic(&server, "/token", worker, &[OWN[0], ("scope", "admin")]).await;
    assert_eq!(none.body["error"], "invalid_scope");
}

//
#[tokio::test]
async fn a_client_uses_only_the_grants_that_it_has() {
    let (server, token) = with_administrator().await;
    let secret = register(&server, &token, json!({ "id": "worker", "grants": ["client_credentials"] })).await;
    let login = [("grant_type", "password"), ("username", "root"), ("password", PASSWORD)];
    for (fields, error) in [
        (&login[..], "unauthorized_client"),
        (&[("grant_type", "refresh_token"), ("refresh_token", "csr_x")], "unauthorized_client"),
        (&[("grant_type", "authorization_code")], "unsupported_grant_type"),
    ] {
        let answer = basic(&server, "/token", ("worker", &secret), fields).await;
        assert_eq!((answer.status, &answer.body["error"]), (StatusCode::BAD_REQUEST, &json!(error)));
    }
    let own = server.form("/token", &OWN).await;
    assert_eq!(own.body["error"], "unauthorized_client", "nobody in particular has no token of its own");
}

// S-006
#[tokio::test]
async fn a_users_login_by_a_client_is_within_both_and_refreshed_by_that_client_alone() {
    let (server, token) = with_administrator().await;
    server.register_with("alice", "items:read items:write").await;
    let grants = json!(["password", "refresh_token"]);
    let body = json!({ "id": "web", "grants": grants, "scopes": ["items:read", "other"], "always_refresh": true });
    let web = register(&server, &token, body).await;
    let other = register(&server, &token, json!({ "id": "other", "grants": grants, "scopes": ["items:read"] })).await;
    let login = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
    let answer = basic(&server, "/token", ("web", &web), &login).await;
    assert_eq!(answer.body["scope"], "items:read offline_access");
    let refresh_token = answer.body["refresh_token"].as_str().unwrap();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    assert_eq!(basic(&server, "/token", ("other", &other), &refresh).await.body["error"], "invalid_grant");
    assert_eq!(server.form("/token", &refresh).await.body["error"], "invalid_grant");
    let silent = server.form("/token", &[refresh[0], refresh[1], ("client_id", "web")]).await;
    assert_eq!(silent.body["error"], "invalid_client", "a confidential client proves itself to refresh");
    let revoked = basic(&server, "/revoke", ("other", &other), &[("token", refresh_token)]).await;
    assert_eq!(revoked.status, StatusCode::OK, "as for a token that nobody has");
    let good = basic(&server, "/token", ("web", &web), &refresh).await;
    token_of(&good);
    // What the client has lost is granted no more.
    server.json("PATCH", "/clients/web", Some(&token), &json!({ "scopes": [] })).await;
    let next = good.body["refresh_token"].as_str().unwrap();
    let less = basic(&server, "/token", ("web", &web), &[refresh[0], ("refresh_token", next)]).await;
    assert_eq!((less.status, &less.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_scope")));
    // Who was refused may go on when it is given back.
    server.json("PATCH", "/clients/web", Some(&token), &json!({ "scopes": ["items:read"] })).await;
    let again = basic(&server, "/token", ("web", &web), &[refresh[0], ("refresh_token", next)]).await;
    assert_eq!(again.body["scope"], "items:read offline_access");
}

#[tokio::test]
async fn one_secret_takes_the_place_of_another_without_an_outage() {
    let (server, token) = with_administrator().await;
    let first = register(&server, &token, json!({ "id": "worker", "grants": ["client_credentials"] })).await;
    let secrets = async || server.bare("GET", "/clients/worker", Some(&token)).await.body["secrets"].clone();
    let id = secrets().await[0]["id"].as_str().unwrap().to_owned();
    let remove =
        async |id: &str| server.bare("DELETE", &format!("/clients/worker/secrets/{id}"), Some(&token)).await.status;
    assert_eq!(remove(&id).await, StatusCode::CONFLICT, "it is the last");
    server.clock.advance(1);
    let added = server.bare("POST", "/clients/worker/secrets", Some(&token)).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let second = added.body["client_secret"].as_str().unwrap();
    assert_eq!(server.bare("POST", "/clients/worker/secrets", Some(&token)).await.status, StatusCode::CONFLICT);
    for secret in [&first, second] {
        token_of(&basic(&server, "/token", ("worker", secret), &OWN).await);
    }
    assert_eq!(remove(&id).await, StatusCode::NO_CONTENT);
    assert_eq!(remove(&id).await, StatusCode::NOT_FOUND);
    assert_eq!(basic(&server, "/token", ("worker", &first), &OWN).await.body["error"], "invalid_client");
    token_of(&basic(&server, "/token", ("worker", second), &OWN).await);
}

#[tokio::test]
async fn a_clients_token_reads_its_users_account_and_changes_nothing_of_it() {
    let (server, token) = with_administrator().await;
    server.register("alice").await;
    register(&server, &token, json!({ "id": "app", "is_public": true, "grants": ["password"] })).await;
    let login = [("username", "alice"), ("password", PASSWORD), ("client_id", "app")];
    let access = token_of(&server.password_grant(&login).await);
    assert_eq!(server.bare("GET", "/users/me", Some(&access)).await.status, StatusCode::OK);
    let session = countersign_token::inspect(&access).unwrap().claims["sid"].as_str().unwrap().to_owned();
    for (method, path, body) in [
        ("PATCH", "/users/me".to_owned(), json!({ "email": null })),
        ("DELETE", "/users/me".to_owned(), json!({})),
        (
            "PUT",
            "/users/me/password".to_owned(),
            json!({ "current_password": PASSWORD, "new_password": "x".repeat(20) }),
        ),
        ("GET", "/users/me/sessions".to_owned(), json!({})),
        ("DELETE", "/users/me/sessions".to_owned(), json!({})),
        ("DELETE", format!("/users/me/sessions/{session}"), json!({})),
    ] {
        let answer = server.json(method, &path, Some(&access), &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {answer:?}");
    }
    assert_eq!(server.bare("GET", "/users/me", Some(&access)).await.status, StatusCode::OK);
}

//
#[tokio::test]
async fn what_a_client_has_lost_its_users_tokens_have_lost_at_once() {
    let (server, token) = with_administrator().await;
    server.register_with("alice", "users:read clients:read").await;
    let body =
        json!({ "id": "app", "is_public": true, "grants": ["password"], "scopes": ["users:read", "clients:read"] });
    register(&server, &token, body).await;
    let login = [("username", "alice"), ("password", PASSWORD), ("client_id", "app")];
    let wide = token_of(&server.password_grant(&login).await);
    let narrow = token_of(&server.password_grant(&[&login[..], &[("scope", "users:read")]].concat()).await);
    let own = server.log_in("alice").await;
    let list = async |token: &str| server.bare("GET", "/users", Some(token)).await.status;
    for token in [&wide, &narrow, &own] {
        assert_eq!(list(token).await, StatusCode::OK);
    }
    server.json("PATCH", "/clients/app", Some(&token), &json!({ "scopes": ["users:read"] })).await;
    assert_eq!(list(&wide).await, StatusCode::UNAUTHORIZED, "it carries what the client has lost");
    assert_eq!((list(&narrow).await, list(&own).await), (StatusCode::OK, StatusCode::OK));
    server.json("PATCH", "/clients/app", Some(&token), &json!({ "scopes": [] })).await;
    assert_eq!((list(&narrow).await, list(&own).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
}

#[tokio::test]
async fn what_a_token_was_issued_for_may_change_and_it_is_given_back_all_the_same() {
    let (server, token) = with_administrator().await;
    server.register("alice").await;
    let body =
        json!({ "id": "web", "grants": ["password", "refresh_token", "client_credentials"], "always_refresh": true });
    let secret = register(&server, &token, body).await;
    let web = ("web", secret.as_str());
    let login = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
    let answer = basic(&server, "/token", web, &login).await;
    let refresh_token = answer.body["refresh_token"].as_str().unwrap().to_owned();
    let own = token_of(&basic(&server, "/token", web, &OWN).await);
    let change = json!({ "audiences": ["https://else.example"], "access_token_lifetime": 1 });
    server.json("PATCH", "/clients/web", Some(&token), &change).await;
    assert_eq!(basic(&server, "/revoke", web, &[("token", &token_of(&answer))]).await.status, StatusCode::OK);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
    assert_eq!(basic(&server, "/token", web, &refresh).await.body["error"], "invalid_grant");

    // Under the same id another client was registered: the tokens of the first are not its own.
    server.bare("DELETE", "/clients/web", Some(&token)).await;
    server.clock.advance(1);
    let other = register(&server, &token, json!({ "id": "web", "audiences": [ISSUER] })).await;
    let said = basic(&server, "/introspect", ("web", &other), &[("token", &own)]).await;
    assert_eq!(said.body, json!({ "active": false }));
}
