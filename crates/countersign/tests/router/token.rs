//! `POST /token`.

use std::net::SocketAddr;

use crate::clients;
use crate::common::{ISSUER, PASSWORD, Server};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use countersign::Profile;
use countersign::client::{Client, ClientId, Grant};
use countersign::grant::GrantOutcome;
use countersign_axum::ErrorStyle;
use countersign_password::{Argon2Params, PoolSettings};
use countersign_token::{Verifier, inspect};
use serde_json::{Value, json};

#[tokio::test]
async fn a_good_login_is_answered_with_a_token_of_rfc_9068() {
    let server = Server::new().await;
    let id = server.register_with("alice", "items:read items:write").await;

    let answer = server.password_grant(&[("username", "alice"), ("password", PASSWORD)]).await;

    //
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 1800);
    assert_eq!(answer.body["scope"], "items:read items:write");
    let token = answer.body["access_token"].as_str().unwrap();
    let verifier = Verifier::new(ISSUER, ISSUER, server.app.keyring().current().published.clone());
    let claims = verifier.verify(token, server.app.clock().now()).unwrap();
    assert_eq!(claims.subject(), format!("user:{id}"));
    assert_eq!(claims.client_id(), Some("first-party"));
    assert_eq!(claims.expires_at(), server.app.clock().now() + 1800);
    assert_eq!(inspect(token).unwrap().header["typ"], "at+jwt");
}

#[tokio::test]
async fn one_logs_in_by_name_or_by_address_in_any_case() {
    let server = Server::new().await;
    server.register("alice").await;
    for login in ["alice", "Alice", "ALICE", "alice@example.com", "Alice@EXAMPLE.com"] {
        let answer = server.password_grant(&[("username", login), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{login}");
    }
}

#[tokio::test]
async fn every_cause_of_a_failed_login_reads_the_same() {
    //
    let server = Server::new().await;
    server.register("alice").await;
    let disabled = server.register("bob").await;
    let change = countersign::user::UserChange { disabled: Some(true), ..Default::default() };
    server.app.stores().users.update(disabled, &change, 0).await.unwrap();

    let mut answers = Vec::new();
    for (login, password) in [
        ("alice", "wrong"),
        ("nobody", PASSWORD),
        ("bob", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("al\u{202e}ice", PASSWORD),
        ("a@@", PASSWORD),
    ] {
        answers.push(server.password_grant(&[("username", login), ("password", password)]).await);
    }
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.headers, answers[0].headers);
        let text = "Incorrect username or password";
        assert_eq!(answer.body, json!({ "error": "invalid_grant", "error_description": text, "detail": text }));
    }
}

#[tokio::test]
async fn a_token_carries_only_scopes_the_user_has() {
    //
    let server = Server::new().await;
    server.register_with("alice", "items:read items:write").await;
    let ask = async |scope: &str| {
        server.password_grant(&[("username", "alice"), ("password", PASSWORD), ("scope", scope)]).await
    };
    assert_eq!(ask("items:read").await.body["scope"], "items:read");
    assert_eq!(ask("items:read admin").await.body["scope"], "items:read");
    assert_eq!(ask("").await.body["scope"], "items:read items:write");
    for scope in ["admin", "ITEMS:READ", "items", "items:read\"", "items:read  items:write", " items:read"] {
        let answer = ask(scope).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_scope")),
            "{scope}"
        );
    }
}

#[tokio::test]
async fn malformed_requests_are_told_what_is_wrong_with_them() {
    let server = Server::new().await;
    server.register("alice").await;
    let error = async |fields: &[(&str, &str)]| {
        let answer = server.form("/token", fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fields:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.body["error"].as_str().unwrap().to_owned()
    };
    let name = ("username", "alice");
    let password = ("password", PASSWORD);
    let grant = ("grant_type", "password");
    //
    assert_eq!(error(&[name, password]).await, "invalid_request");
    assert_eq!(error(&[("grant_type", ""), name, password]).await, "invalid_request");
    assert_eq!(error(&[grant, name]).await, "invalid_request");
    assert_eq!(error(&[grant, name, ("password", "")]).await, "invalid_request");
    assert_eq!(error(&[grant, name, password, password]).await, "invalid_request");
    assert_eq!(error(&[grant, name, password, ("scope", "a"), ("scope", "a")]).await, "invalid_request");
    assert_eq!(error(&[("grant_type", "Password"), name, password]).await, "unsupported_grant_type");
    assert_eq!(error(&[("grant_type", "refresh_token")]).await, "invalid_request");
    assert_eq!(error(&[("grant_type", "refresh_token"), ("refresh_token", "x")]).await, "invalid_grant");
    // no client is registered, so none is known but the operator's own front end, which shows no secret.
    let own = ("client_id", "first-party");
    assert_eq!(error(&[grant, name, password, own, ("client_secret", "x")]).await, "invalid_client");
    assert_eq!(server.form("/token", &[grant, name, password, own]).await.status, StatusCode::OK);
    assert_eq!(error(&[grant, name, password, ("client_id", "web")]).await, "invalid_client");
    // over the ceiling, before anything is hashed.
    assert_eq!(error(&[grant, name, ("password", &"a".repeat(4097))]).await, "invalid_request");
    //
    assert_eq!(error(&[grant, name, ("password", "a\0b")]).await, "invalid_request");
}

#[tokio::test]
async fn an_empty_basic_header_stands_for_no_client_and_any_other_is_refused() {
    let server = Server::new().await;
    server.register("alice").await;
    let body = format!("grant_type=password&username=alice&password={}", PASSWORD.replace(' ', "+"));
    let send = async |authorization: &str| {
        let request = Request::post("/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", authorization);
        server.send(request.body(Body::from(body.clone())).unwrap()).await
    };
    // Swagger UI sends it with the password grant.
    assert_eq!(send("Basic Og==").await.status, StatusCode::OK);
    //
    let refused = send("Basic d2ViOng=").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.body["error"], "invalid_client");
    assert!(refused.header("www-authenticate").starts_with("Basic "), "{refused:?}");
}

#[tokio::test]
async fn only_post_is_answered_and_the_query_is_never_read() {
    //
    let server = Server::new().await;
    server.register("alice").await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = server.bare(method, "/token", None).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), "POST", "{method}");
    }
    let query = format!("/token?grant_type=password&username=alice&password={}", PASSWORD.replace(' ', "+"));
    let answer = server.form(&query, &[]).await;
    assert_eq!((answer.status, &answer.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
}

#[tokio::test]
async fn oauth_2_1_takes_no_passwords_whatever_a_client_may() {
    //
    let server = Server::with(|settings| settings.profile = Profile::OAuth21).await;
    server.register("alice").await;
    let mut client = Client::new(ClientId::new("app").unwrap(), true, 0);
    client.grants = [Grant::Password, Grant::RefreshToken].into();
    server.app.clients().register(&mut client, 0).await.unwrap();
    let login = [("username", "alice"), ("password", PASSWORD)];
    for who in [&[][..], &[("client_id", "app")]] {
        let answer = server.password_grant(&[&login[..], who].concat()).await;
        assert_eq!(answer.body["error"], "unsupported_grant_type", "{who:?}");
    }
    let document = server.bare("GET", "/openapi.json", None).await.body;
    let flows = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"].as_object().unwrap();
    assert_eq!(flows.keys().collect::<Vec<_>>(), ["clientCredentials"], "the page offers what there is");
    let metadata = server.bare("GET", "/.well-known/oauth-authorization-server", None).await;
    assert_eq!(metadata.body["grant_types_supported"], json!(["refresh_token", "client_credentials"]));
}

#[tokio::test]
async fn the_fastapi_style_answers_as_the_tutorials_do() {
    let server = Server::with(|settings| settings.error_style = ErrorStyle::FastApi).await;
    server.register("alice").await;

    let good = server.form("/token", &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(good.status, StatusCode::OK);
    assert_eq!(good.body["token_type"], "bearer");
    assert_eq!(good.header("cache-control"), "no-store");

    let wrong = server.form("/token", &[("username", "alice"), ("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.body, json!({ "detail": "Incorrect username or password" }));
    assert_eq!(wrong.header("www-authenticate"), "Bearer");

    for password in ["a\0b", &"a".repeat(5000)] {
        let wrong = server.form("/token", &[("username", "alice"), ("password", password)]).await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    }
    let scoped = server.form("/token", &[("username", "alice"), ("password", PASSWORD), ("scope", "me items")]).await;
    assert_eq!(scoped.status, StatusCode::OK);

    let missing = server.form("/token", &[("username", "alice")]).await;
    assert_eq!(missing.header("cache-control"), "no-store");
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(missing.body["detail"][0]["loc"], json!(["body", "password"]));

    let bad_token = server.bare("GET", "/users/me", Some("garbage")).await;
    assert_eq!(bad_token.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bad_token.body["detail"], "Could not validate credentials");

    let not_found = server.bare("GET", "/nothing", None).await;
    assert_eq!((not_found.status, not_found.body), (StatusCode::NOT_FOUND, json!({ "detail": "Not Found" })));
    for (method, path, allow) in [("GET", "/token", "POST"), ("HEAD", "/users/me", "DELETE, GET, PATCH")] {
        let refused = server.bare(method, path, None).await;
        assert_eq!(
            (refused.status, refused.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, allow),
            "{method} {path}"
        );
    }
    let elsewhere = server.bare("GET", "/users/me/?a=b", None).await;
    assert_eq!(elsewhere.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(elsewhere.header("location"), "/users/me?a=b");
    assert_eq!(Server::new().await.bare("GET", "/users/me/", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_storm_of_logins_is_refused_with_a_time_to_come_back() {
    //
    let narrow = PoolSettings { threads: 1, queue_limit: 1, ..PoolSettings::default() };
    let server = Server::hashing_with(Argon2Params::OWASP, narrow).await;
    server.register("alice").await;
    let answers = futures_util::future::join_all(
        (0..20).map(|_| async { server.password_grant(&[("username", "alice"), ("password", "wrong")]).await }),
    )
    .await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE).collect();
    assert!(!busy.is_empty(), "the queue is not bounded");
    for answer in &busy {
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        assert_eq!(answer.body["error"], "temporarily_unavailable");
    }
    for answer in &answers {
        assert!(matches!(answer.status.as_u16(), 400 | 503), "{answer:?}");
        assert_ne!(answer.body, Value::Null);
    }
}

//
#[tokio::test]
async fn a_storm_from_one_address_leaves_room_for_a_login_from_another() {
    let narrow = PoolSettings { threads: 1, queue_limit: 2, ..PoolSettings::default() };
    let server = Server::hashing_with(Argon2Params::OWASP, narrow).await;
    server.register("alice").await;
    let log_in = |address: &str, password: &str| {
        let body = format!("grant_type=password&username=alice&password={}", password.replace(' ', "+"));
        let request = Request::post("/token").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let peer: SocketAddr = address.parse().unwrap();
        server.send(request.extension(ConnectInfo(peer)).body(Body::from(body)).unwrap())
    };
    let storm = (0..20).map(|port| log_in(&format!("192.0.2.1:{}", 1000 + port), "wrong"));
    let guest = log_in("192.0.2.2:1000", PASSWORD);
    let (storm, guest) = futures_util::future::join(futures_util::future::join_all(storm), guest).await;
    assert_eq!(guest.status, StatusCode::OK, "{guest:?}");
    assert!(storm.iter().any(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test]
async fn every_token_request_is_counted_by_its_grant_and_by_what_became_of_it() {
    let (server, token) = clients::with_administrator().await;
    let secret = clients::register(&server, &token, json!({ "id": "worker", "grants": ["client_credentials"] })).await;
    let stats = || server.app.grants().stats();
    let counted = |grant, outcome| stats().read(grant, outcome);
    let logins = counted(Some(Grant::Password), GrantOutcome::Good);
    let own = |secret| [clients::OWN[0], ("client_id", "worker"), ("client_secret", secret)];
    for _ in 0..10 {
        server.form("/token", &own("css_wrong")).await;
    }
    // 429
    server.form("/token", &own(&secret)).await;
    server.clock.advance(1);
    server.form("/token", &own(&secret)).await;
    server.form("/token", &[("grant_type", "magic")]).await;
    server.form("/token", &[("username", "root")]).await;
    server.form("/token", &[clients::OWN[0], clients::OWN[0]]).await;
    server.json("POST", "/token", None, &json!({})).await;
    server.password_grant(&[("username", "root"), ("username", "root")]).await;
    server.password_grant(&[("username", "root"), ("password", "wrong")]).await;
    server.password_grant(&[("username", "root"), ("password", PASSWORD), ("client_id", "worker")]).await;
    let expected = [
        (Some(Grant::ClientCredentials), GrantOutcome::InvalidClient, 10),
        (Some(Grant::ClientCredentials), GrantOutcome::Throttled, 1),
        (Some(Grant::ClientCredentials), GrantOutcome::Good, 1),
        (None, GrantOutcome::Invalid, 4),
        (Some(Grant::Password), GrantOutcome::Invalid, 1),
        (Some(Grant::Password), GrantOutcome::Refused, 1),
        (Some(Grant::Password), GrantOutcome::InvalidClient, 1),
        (Some(Grant::Password), GrantOutcome::Good, logins),
    ];
    for (grant, outcome, count) in expected {
        assert_eq!(counted(grant, outcome), count, "{grant:?} {outcome:?}");
    }
    let all = Grant::ALL.into_iter().map(Some).chain([None]);
    let all = all.flat_map(|grant| GrantOutcome::ALL.map(|outcome| counted(grant, outcome))).sum::<u64>();
    assert_eq!(all, expected.into_iter().map(|(_, _, count)| count).sum::<u64>(), "nothing else is counted");
}
