//! Sessions, their refresh tokens, and giving tokens back.

use axum::http::StatusCode;
use countersign::session::Origin;
use countersign::user::UserChange;
use serde_json::{Value, json};

use crate::common::{Answer, PASSWORD, Server};

/// Logs in and asks for a refresh token.
async fn log_in(server: &Server, scope: &str) -> (String, String) {
    let fields = [("username", "alice"), ("password", PASSWORD), ("scope", scope)];
    let answer = server.password_grant(&fields).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    pair(&answer)
}

/// The access token and the refresh token of an answer.
fn pair(answer: &Answer) -> (String, String) {
    let text = |name: &str| answer.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer:?}")).to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn refresh(server: &Server, token: &str) -> Answer {
    server.form("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

async fn good_refresh(server: &Server, token: &str) -> (String, String) {
    let answer = refresh(server, token).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    pair(&answer)
}

fn assert_refused(answer: &Answer) {
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_grant")),
        "{answer:?}"
    );
    assert_eq!(answer.body["error_description"], "The refresh token is not valid");
}

async fn is_good(server: &Server, token: &str) -> bool {
    server.bare("GET", "/users/me", Some(token)).await.status == StatusCode::OK
}

async fn server_with_alice(scopes: &str) -> Server {
    let server = Server::new().await;
    server.register_with("alice", scopes).await;
    server
}

#[tokio::test]
async fn a_refresh_token_is_given_to_whoever_asks_and_gives_the_next_pair() {
    let server = server_with_alice("items:read").await;
    let plain = server.password_grant(&[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(plain.body.get("refresh_token"), None);

    let (access, first) = log_in(&server, "offline_access").await;
    assert!(is_good(&server, &access).await);
    let answer = refresh(&server, &first).await;
    assert_eq!(answer.body["scope"], "items:read offline_access");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    let (next_access, second) = pair(&answer);
    assert_ne!((&access, &first), (&next_access, &second));
    assert!(is_good(&server, &next_access).await && is_good(&server, &access).await);
    //
    assert!(!is_good(&server, &second).await);
    assert_refused(&refresh(&server, &access).await);
    for wrong in ["x", "csr_AAAA", &second.replace("csr_", "csr-"), &format!("{second}A")] {
        assert_refused(&refresh(&server, wrong).await);
    }
    let missing = server.form("/token", &[("grant_type", "refresh_token")]).await;
    assert_eq!(missing.body["error"], "invalid_request");
}

// R-016, S-007
#[tokio::test]
async fn a_refresh_gives_what_was_granted_or_less_and_never_more() {
    let server = server_with_alice("items:read items:write users:read").await;
    let (_, first) = log_in(&server, "items:read items:write offline_access").await;
    let asking = async |token: &str, scope: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        server.form("/token", &fields).await
    };
    let wider = asking(&first, "items:read users:read").await;
    assert_eq!((wider.status, &wider.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_scope")));
    let narrower = asking(&first, "items:read").await;
    assert_eq!(narrower.body["scope"], "items:read offline_access");
    // Less for one token is not less for the session.
    let (_, second) = pair(&narrower);
    let all = refresh(&server, &second).await;
    assert_eq!(all.body["scope"], "items:read items:write offline_access");
    // What the user has lost is not granted any more.
    let alice =
        server.bare("GET", "/users/me", Some(&pair(&all).0)).await.body["id"].as_str().unwrap().parse().unwrap();
    let scopes = countersign::user::ScopesChange::Revoke(countersign::token::ScopeSet::parse("items:write").unwrap());
    server.app.stores().users.update(alice, &UserChange { scopes, ..UserChange::default() }, 0).await.unwrap();
    let less = refresh(&server, &pair(&all).1).await;
    assert_eq!(less.body["scope"], "items:read offline_access");

    // Nobody takes a token that allows nothing for one that goes on; the refresh token stays good for when it is given back.
    let change = async |scopes| {
        let change = UserChange { scopes, ..UserChange::default() };
        server.app.stores().users.update(alice, &change, 0).await.unwrap();
    };
    let read = || countersign::token::ScopeSet::parse("items:read").unwrap();
    change(countersign::user::ScopesChange::Revoke(read())).await;
    let last = pair(&less).1;
    let none = refresh(&server, &last).await;
    assert_eq!((none.status, &none.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_scope")));
    change(countersign::user::ScopesChange::Grant(read())).await;
    assert_eq!(refresh(&server, &last).await.body["scope"], "items:read offline_access");
}

#[tokio::test]
async fn a_user_has_a_thousand_sessions_at_most_and_sees_them_all() {
    use countersign::sessions::{Login, MOST_SESSIONS};
    let server = server_with_alice("").await;
    let (access, _) = log_in(&server, "offline_access").await;
    let alice = server.bare("GET", "/users/me", Some(&access)).await.body["id"].as_str().unwrap().parse().unwrap();
    let user = server.app.stores().users.find_by_id(alice).await.unwrap().unwrap();
    server.clock.advance(1);
    let scope = countersign::token::ScopeSet::default();
    for _ in 0..MOST_SESSIONS - 1 {
        let login =
            Login { user: &user, client: "first-party", scope: &scope, with_refresh: false, origin: Origin::default() };
        server.app.sessions().begin(login).await.unwrap().unwrap();
    }
    assert!(is_good(&server, &access).await);
    let listed =
        async |token: &str| server.bare("GET", "/users/me/sessions", Some(token)).await.body.as_array().unwrap().len();
    assert_eq!(listed(&access).await, MOST_SESSIONS);
    log_in(&server, "offline_access").await;
    assert!(is_good(&server, &access).await, "those without a refresh token end first");
    assert_eq!(listed(&access).await, MOST_SESSIONS);
}

// S-003, S-004
#[tokio::test]
async fn a_lost_answer_harms_nobody_and_a_used_token_that_comes_back_ends_the_session() {
    let server = server_with_alice("").await;
    let (_, first) = log_in(&server, "offline_access").await;
    let (_, second) = good_refresh(&server, &first).await;
    // The answer was lost, and it takes days until the client tries again.
    for _ in 0..3 {
        server.clock.advance(86_400);
        assert_eq!(good_refresh(&server, &first).await.1, second);
    }
    let (access, third) = good_refresh(&server, &second).await;
    assert_eq!(good_refresh(&server, &second).await.1, third);
    assert_eq!(server.app.sessions().stats().reused, 0);

    assert_refused(&refresh(&server, &first).await);
    assert_eq!(server.app.sessions().stats().reused, 1);
    assert_refused(&refresh(&server, &third).await);
    assert_refused(&refresh(&server, &second).await);
    assert!(!is_good(&server, &access).await, "its access tokens go with it");
    // Other sessions of the user are none of its business.
    let (access, token) = log_in(&server, "offline_access").await;
    assert!(is_good(&server, &access).await);
    good_refresh(&server, &token).await;
}

//
#[tokio::test]
async fn a_session_has_an_idle_life_and_an_absolute_one() {
    const DAY: i64 = 86_400;
    let server = server_with_alice("").await;
    let (_, idle) = log_in(&server, "offline_access").await;
    server.clock.advance(7 * DAY);
    assert_refused(&refresh(&server, &idle).await);

    let (_, mut token) = log_in(&server, "offline_access").await;
    for _ in 0..4 {
        server.clock.advance(7 * DAY - 1);
        token = good_refresh(&server, &token).await.1;
    }
    server.clock.advance(2 * DAY + 3);
    let (access, token) = good_refresh(&server, &token).await;
    server.clock.advance(1);
    assert_refused(&refresh(&server, &token).await);
    assert!(is_good(&server, &access).await, "the last access token lives to its own end");
    server.clock.advance(1800);
    server.app.sessions().purge().await.unwrap();
    assert_eq!(server.app.stores().sessions.list_sessions(None, server.app.clock().now(), 10).await, Ok(Vec::new()));
}

// S-010
#[tokio::test]
async fn a_new_password_ends_all_sessions() {
    let server = server_with_alice("").await;
    let (access, token) = log_in(&server, "offline_access").await;
    let body = json!({ "current_password": PASSWORD, "new_password": "staple battery horse correct" });
    assert_eq!(server.json("PUT", "/users/me/password", Some(&access), &body).await.status, StatusCode::NO_CONTENT);
    assert_refused(&refresh(&server, &token).await);
    assert!(!is_good(&server, &access).await);
}

// S-009
#[tokio::test]
async fn after_a_user_is_disabled_no_refresh_gives_a_token_that_is_good() {
    let server = server_with_alice("").await;
    let (access, token) = log_in(&server, "offline_access").await;
    let me = server.bare("GET", "/users/me", Some(&access)).await;
    let id = me.body["id"].as_str().unwrap().parse().unwrap();
    let disable = UserChange { disabled: Some(true), ..UserChange::default() };
    let refreshes = futures_util::future::join_all((0..20).map(|_| refresh(&server, &token)));
    let (answers, disabled) = tokio::join!(refreshes, server.app.stores().users.update(id, &disable, 0));
    disabled.unwrap();
    for answer in answers {
        if answer.status == StatusCode::OK {
            assert!(!is_good(&server, &pair(&answer).0).await);
        }
    }
    assert_refused(&refresh(&server, &token).await);
}

#[tokio::test]
async fn one_sees_where_one_is_logged_in_and_logs_out_there_or_everywhere() {
    let server = server_with_alice("items:read").await;
    let here = server.log_in("alice").await;
    server.clock.advance(60);
    let (there, token) = log_in(&server, "items:read offline_access").await;
    let listed = server.bare("GET", "/users/me/sessions", Some(&here)).await.body;
    let listed = listed.as_array().unwrap();
    let shown = |name: &str| listed.iter().map(|session| session[name].clone()).collect::<Vec<Value>>();
    assert_eq!(shown("is_current"), [json!(false), json!(true)], "the latest first");
    assert_eq!(shown("is_refreshable"), [json!(true), json!(false)]);
    assert_eq!(shown("scopes"), [json!(["items:read"]), json!(["items:read"])]);
    assert_eq!(shown("created_at"), [json!("2027-01-15T08:01:00Z"), json!("2027-01-15T08:00:00Z")]);
    assert_eq!(shown("client"), [json!("first-party"), json!("first-party")]);

    server.register("bob").await;
    let bob = server.log_in("bob").await;
    let path = format!("/users/me/sessions/{}", listed[0]["id"].as_str().unwrap());
    assert_eq!(server.bare("DELETE", &path, Some(&bob)).await.status, StatusCode::NOT_FOUND, "it is not bob's");
    assert_eq!(server.bare("DELETE", &path, Some(&here)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.bare("DELETE", &path, Some(&here)).await.status, StatusCode::NOT_FOUND);
    assert!(!is_good(&server, &there).await && is_good(&server, &here).await);
    assert_refused(&refresh(&server, &token).await);

    assert_eq!(server.bare("DELETE", "/users/me/sessions", Some(&here)).await.status, StatusCode::NO_CONTENT);
    assert!(!is_good(&server, &here).await && is_good(&server, &bob).await);
}

// R-020, F-13: the clock of another node, or one that was put back.
#[tokio::test]
async fn a_token_that_is_given_back_before_its_time_is_dead_when_that_comes() {
    let server = server_with_alice("").await;
    let now = server.app.clock().now();
    let (access, token) = log_in(&server, "offline_access").await;
    server.clock.set(now - 60);
    assert!(!is_good(&server, &access).await);
    assert_eq!(server.form("/revoke", &[("token", &access)]).await.status, StatusCode::OK);
    server.clock.set(now);
    assert!(!is_good(&server, &access).await);
    assert_refused(&refresh(&server, &token).await);
}

//
#[tokio::test]
async fn whoever_gives_a_token_back_ends_its_session() {
    let server = server_with_alice("").await;
    let revoke = async |fields: &[(&str, &str)]| server.form("/revoke", fields).await;
    let (access, first) = log_in(&server, "offline_access").await;
    let (_, second) = good_refresh(&server, &first).await;
    // A hint that is wrong does not matter, and neither does it that the token was used.
    let answer = revoke(&[("token", &first), ("token_type_hint", "access_token")]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    assert_refused(&refresh(&server, &second).await);
    assert!(!is_good(&server, &access).await);

    let (access, token) = log_in(&server, "offline_access").await;
    assert_eq!(revoke(&[("token", &access), ("client_id", "first-party")]).await.status, StatusCode::OK);
    assert_refused(&refresh(&server, &token).await);

    let (access, token) = log_in(&server, "offline_access").await;
    let forged = token.chars().rev().collect::<String>();
    for nothing in ["x", "csr_AAAA", &format!("csr_{forged}"), &format!("{access}x"), &second] {
        let answer = revoke(&[("token", nothing)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{nothing}");
    }
    assert!(is_good(&server, &access).await);
    assert_eq!(revoke(&[]).await.body["error"], "invalid_request");
    assert_eq!(revoke(&[("token", &token), ("token", &token)]).await.body["error"], "invalid_request");
    assert_eq!(revoke(&[("token", &token), ("client_id", "other")]).await.body["error"], "invalid_client");
    assert!(is_good(&server, &access).await);
}

// S-008
#[tokio::test]
async fn whatever_comes_first_of_a_refresh_and_a_revocation_nothing_lives_afterwards() {
    let server = server_with_alice("").await;
    for _ in 0..20 {
        let (_, token) = log_in(&server, "offline_access").await;
        let form = [("token", token.as_str())];
        let (refreshed, revoked) = tokio::join!(refresh(&server, &token), server.form("/revoke", &form));
        assert_eq!(revoked.status, StatusCode::OK);
        if refreshed.status == StatusCode::OK {
            assert_refused(&refresh(&server, &pair(&refreshed).1).await);
        }
        assert_refused(&refresh(&server, &token).await);
    }
}

#[tokio::test]
async fn refresh_tokens_can_be_turned_off() {
    let server = Server::with(|settings| settings.refresh_tokens = false).await;
    server.register("alice").await;
    let answer =
        server.password_grant(&[("username", "alice"), ("password", PASSWORD), ("scope", "offline_access")]).await;
    assert_eq!((answer.status, answer.body.get("refresh_token")), (StatusCode::OK, None));
    assert_eq!(refresh(&server, "csr_AAAA").await.body["error"], "unsupported_grant_type");
}
