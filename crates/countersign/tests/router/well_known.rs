//! What other programs need to check our tokens, and what operators need to know.

use crate::common::{ISSUER, Server};
use axum::http::StatusCode;
use countersign_token::{KeySet, Verifier};
use serde_json::json;

#[tokio::test]
async fn the_metadata_names_the_issuer_and_only_what_there_is() {
    //
    let server = Server::new().await;
    let answer = server.bare("GET", "/.well-known/oauth-authorization-server", None).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["issuer"], ISSUER);
    assert_eq!(answer.body["token_endpoint"], format!("{ISSUER}/token"));
    assert_eq!(answer.body["jwks_uri"], format!("{ISSUER}/.well-known/jwks.json"));
    assert_eq!(answer.body["revocation_endpoint"], format!("{ISSUER}/revoke"));
    assert_eq!(answer.body["grant_types_supported"], json!(["password", "refresh_token", "client_credentials"]));
    assert_eq!(answer.body["response_types_supported"], json!([]));
    for url in ["token_endpoint", "revocation_endpoint", "introspection_endpoint", "jwks_uri", "service_documentation"]
    {
        let path = answer.body[url].as_str().unwrap().strip_prefix(ISSUER).unwrap();
        let status = server.bare("GET", path, None).await.status;
        assert_ne!(status, StatusCode::NOT_FOUND, "{url} leads nowhere");
    }
}

#[tokio::test]
async fn an_issuer_with_a_path_is_found_where_rfc_8414_says() {
    let server = Server::with(|settings| {
        settings.issuer = "https://example.com/login".to_owned();
        settings.audience = settings.issuer.clone();
    })
    .await;
    let inserted = server.bare("GET", "/.well-known/oauth-authorization-server/login", None).await;
    assert_eq!(inserted.body["issuer"], "https://example.com/login");
    assert_eq!(inserted.body["token_endpoint"], "https://example.com/login/token");
    let other = server.bare("GET", "/.well-known/oauth-authorization-server/other", None).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_key_set_is_public_and_checks_our_tokens() {
    // R-082, S-033
    let server = Server::new().await;
    server.register("alice").await;
    let token = server.log_in("alice").await;
    let answer = server.bare("GET", "/.well-known/jwks.json", None).await;
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert!(answer.header("cache-control").contains("max-age="));
    for key in answer.body["keys"].as_array().unwrap() {
        assert_eq!(key["use"], "sig");
        assert!(key["kid"].is_string() && key["alg"].is_string());
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
    let keys = KeySet::from_jwks(&answer.body.to_string()).unwrap();
    assert!(Verifier::new(ISSUER, ISSUER, keys).verify(&token, server.app.clock().now()).is_ok());
}

#[tokio::test]
async fn the_host_of_a_request_changes_nothing() {
    // R-092, S-028
    let server = Server::new().await;
    let request = axum::http::Request::get("/.well-known/oauth-authorization-server")
        .header("host", "evil.test")
        .header("x-forwarded-host", "evil.test");
    let answer = server.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert!(!answer.body.to_string().contains("evil"));
}

#[tokio::test]
async fn health_and_unknown_paths_are_answered() {
    let server = Server::new().await;
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(server.bare("GET", path, None).await.body, json!({ "status": "ok" }));
    }
    let unknown = server.bare("GET", "/nowhere", None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.body["detail"], "Not Found");
}
