//! `/statuslists/{id}`, and the tokens that were taken back.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use countersign::token::{KeySet, StatusReference, Verifier, inspect};
use countersign::user::UserChange;
use countersign_axum::Bearer;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::common::{ISSUER, PASSWORD, Server};

/// Where the status of a token stands.
fn reference(token: &str) -> StatusReference {
    let claims = inspect(token).unwrap().claims;
    serde_json::from_value(claims["status"]["status_list"].clone()).unwrap()
}

/// The signed list that a token names.
async fn list_of(server: &Server, token: &str) -> String {
    let uri = reference(token).uri;
    let path = uri.strip_prefix(ISSUER).unwrap().to_owned();
    let answer = server.router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/statuslist+jwt");
    assert_eq!(answer.headers()["cache-control"], "public, max-age=5");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Whether a token holds, as somebody else learns who has the published keys alone.
pub(crate) async fn holds(server: &Server, token: &str) -> bool {
    let keys = server.bare("GET", "/.well-known/jwks.json", None).await.body;
    let verifier = Verifier::new(ISSUER, ISSUER, KeySet::from_jwks(&keys.to_string()).unwrap());
    let StatusReference { index, uri } = reference(token);
    let list = list_of(server, token).await;
    verifier.verify_status_list(&list, &uri, server.app.clock().now()).unwrap().list.is_valid(index)
}

async fn log_in(server: &Server) -> (String, String) {
    let fields = [("username", "alice"), ("password", PASSWORD), ("scope", "offline_access")];
    let body = server.password_grant(&fields).await.body;
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

//
#[tokio::test]
async fn a_token_holds_until_its_session_is_ended_whatever_ends_it() {
    let server = Server::new().await;
    let alice = server.register("alice").await;
    server.register("bob").await;
    let bobs = server.log_in("bob").await;
    let users = server.app.stores().users.clone();
    let disable = |disabled: bool| UserChange { disabled: Some(disabled), ..UserChange::default() };
    for way in ["end", "end all", "revoke", "reuse", "password", "disable", "delete"] {
        let (token, refresh) = log_in(&server).await;
        assert!(holds(&server, &token).await, "{way}");
        match way {
            "end" => {
                let id = inspect(&token).unwrap().claims["sid"].as_str().unwrap().to_owned();
                server.bare("DELETE", &format!("/users/me/sessions/{id}"), Some(&token)).await;
            }
            "end all" => drop(server.bare("DELETE", "/users/me/sessions", Some(&token)).await),
            "revoke" => drop(server.form("/revoke", &[("token", &refresh)]).await),
            "reuse" => {
                let mut last = refresh.clone();
                for _ in 0..2 {
                    let fields = [("grant_type", "refresh_token"), ("refresh_token", &last)];
                    last = server.form("/token", &fields).await.body["refresh_token"].as_str().unwrap().to_owned();
                }
                server.form("/token", &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
            }
            "password" => {
                let body = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
                let changed = server.json("PUT", "/users/me/password", Some(&token), &body).await;
                assert_eq!(changed.status, StatusCode::NO_CONTENT, "{changed:?}");
            }
            "disable" => {
                users.update(alice, &disable(true), 0).await.unwrap();
                users.update(alice, &disable(false), 0).await.unwrap();
            }
            _ => drop(users.delete(alice).await.unwrap()),
        }
        assert!(!holds(&server, &token).await, "{way}");
        assert_eq!(server.bare("GET", "/users/me", Some(&token)).await.status, StatusCode::UNAUTHORIZED, "{way}");
        assert!(holds(&server, &bobs).await, "{way}");
    }
}

#[tokio::test]
async fn all_tokens_of_a_session_have_one_place_and_sessions_have_different_ones() {
    let server = Server::new().await;
    server.register("alice").await;
    let (first, refresh) = log_in(&server).await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    let next = server.form("/token", &fields).await.body["access_token"].as_str().unwrap().to_owned();
    let (other, _) = log_in(&server).await;
    assert_eq!(reference(&first), reference(&next));
    assert_eq!(reference(&first).uri, reference(&other).uri);
    assert_ne!(reference(&first).index, reference(&other).index);
}

// A mark is kept as long as a token of the session may be about, one that a retry was answered with among them.
#[tokio::test]
async fn a_mark_outlives_the_last_token_of_its_session() {
    let server = Server::new().await;
    server.register("alice").await;
    let (_, refresh) = log_in(&server).await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    server.form("/token", &fields).await;
    server.clock.advance(3600);
    let retried = server.form("/token", &fields).await.body["access_token"].as_str().unwrap().to_owned();
    server.clock.advance(1799);
    assert_eq!(server.bare("DELETE", "/users/me/sessions", Some(&retried)).await.status, StatusCode::NO_CONTENT);
    server.app.sessions().statuses().purge().await.unwrap();
    assert!(!holds(&server, &retried).await);
    server.clock.advance(120 + 300);
    server.app.sessions().statuses().purge().await.unwrap();
    assert!(holds(&server, &retried).await, "it has expired, and needs no mark any more");
}

#[tokio::test]
async fn a_list_is_sent_again_only_when_it_has_changed() {
    let server = Server::new().await;
    server.register("alice").await;
    let (token, _) = log_in(&server).await;
    let path = reference(&token).uri.strip_prefix(ISSUER).unwrap().to_owned();
    let ask = async |tag: &str| {
        server.send(Request::get(&path).header("if-none-match", tag).body(Body::empty()).unwrap()).await
    };
    let first = ask("\"x\"").await;
    let tag = first.header("etag").to_owned();
    for known in [tag.clone(), tag.replace("W/", ""), format!("\"x\", {tag}"), "*".to_owned()] {
        let same = ask(&known).await;
        assert_eq!((same.status, same.header("etag")), (StatusCode::NOT_MODIFIED, &*tag));
    }
    server.bare("DELETE", "/users/me/sessions", Some(&token)).await;
    let changed = ask(&tag).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.header("etag"), tag);
    for nowhere in ["/statuslists/AAAAAAAAAAAA", "/statuslists/x", "/statuslists/%ff", "/statuslists/..%2f..%2fetc"] {
        let answer = server.bare("GET", nowhere, None).await;
        assert_eq!((answer.status, &answer.body["status"]), (StatusCode::NOT_FOUND, &Value::from(404)), "{nowhere}");
    }
}

#[tokio::test]
async fn a_program_around_the_server_refuses_at_once_what_any_process_has_taken_back() {
    let server = Server::new().await;
    let other = Server::over(&server, server.app.settings().clone()).await;
    server.register("alice").await;
    let (token, _) = log_in(&server).await;
    let own = Router::new().route("/hello", get(|_: Bearer| async {})).with_state(server.app.clone());
    let ask = async || {
        let request = Request::get("/hello").header("authorization", format!("Bearer {token}"));
        own.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
    };
    assert_eq!(ask().await, StatusCode::OK);
    other.bare("DELETE", "/users/me/sessions", Some(&token)).await;
    assert_eq!(ask().await, StatusCode::UNAUTHORIZED);

    // Whichever process is asked, the same list has the same tag.
    let path = reference(&token).uri.strip_prefix(ISSUER).unwrap().to_owned();
    let tags = [server.bare("GET", &path, None).await, other.bare("GET", &path, None).await];
    assert_eq!(tags[0].header("etag"), tags[1].header("etag"));
}

//
#[tokio::test]
async fn a_list_is_signed_with_the_key_of_the_hour() {
    let server = Server::new().await;
    server.register("alice").await;
    let (token, _) = log_in(&server).await;
    let kid = async || inspect(&list_of(&server, &token).await).unwrap().header["kid"].clone();
    let before = kid().await;
    server.clock.advance(server.app.settings().signing_key_lifetime_s);
    for _ in 0..3 {
        server.app.tend_keys().await.unwrap();
        server.clock.advance(server.app.settings().keys_max_age_s);
    }
    assert_ne!(kid().await, before);
}
