//! `/users`: registration and administration.

use crate::common::{PASSWORD, Server};
use axum::http::StatusCode;
use countersign::Registration;
use serde_json::json;

#[tokio::test]
async fn anybody_registers_and_logs_in() {
    let server = Server::with(|settings| settings.default_scopes = "items:read".parse().unwrap()).await;
    let body = json!({ "username": "Alice", "password": PASSWORD, "full_name": "Alice Doe" });
    let answer = server.json("POST", "/users", None, &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.body["username"], "alice");
    assert_eq!(answer.body["scopes"], json!(["items:read"]));
    assert!(answer.body.get("password").is_none());
    server.log_in("alice").await;
}

#[tokio::test]
async fn names_and_addresses_that_are_taken_or_look_so_are_refused() {
    // S-029
    let server = Server::new().await;
    server.register("alice").await;
    let register = async |username: &str, email: &str| {
        let body = json!({ "username": username, "password": PASSWORD, "email": email });
        let answer = server.json("POST", "/users", None, &body).await;
        assert!(answer.body["detail"].is_string(), "{username}: {answer:?}");
        answer.status.as_u16()
    };
    assert_eq!(register("ALICE", "x@example.com").await, 409);
    assert_eq!(register("ａｌｉｃｅ", "x@example.com").await, 409);
    assert_eq!(register("a1ice", "x@example.com").await, 409);
    assert_eq!(register("bob", "ALICE@example.com").await, 409);
    for username in ["", " ", "a b", "al\u{200b}ice", "al\u{202e}ice", "\u{430}lice", "alice@example.com", "a\0b"] {
        assert!(matches!(register(username, "x@example.com").await, 409 | 422), "{username:?}");
    }
    for email in ["", "x", "x@", "@x", "a b@example.com", "a@b@c", "x@example.com\r\nBcc: y@example.com"] {
        assert_eq!(register("bob", email).await, 422, "{email:?}");
    }
}

#[tokio::test]
async fn a_password_that_comes_to_mind_is_refused_and_the_answer_says_by_which_rule() {
    //
    let server = Server::new().await;
    for (password, rule) in [
        ("kurz", "password_too_short"),
        ("passwordpassword", "password_common"),
        ("abcdefghijklmnopqrst", "password_pattern"),
        ("rumpelstilz-rumpelstilz", "password_context"),
    ] {
        let body = json!({ "username": "rumpelstilz", "password": password });
        let refused = server.json("POST", "/users", None, &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{password}");
        assert_eq!(refused.body["rule"], rule);
        assert!(!refused.body["detail"].as_str().unwrap().contains(password));
    }
    let token = {
        server.register("rumpelstilz").await;
        server.log_in("rumpelstilz").await
    };
    let body = json!({ "current_password": PASSWORD, "new_password": "rumpelstilz rumpelstilz" });
    let refused = server.json("PUT", "/users/me/password", Some(&token), &body).await;
    assert_eq!(refused.body["rule"], "password_context", "{refused:?}");
}

#[tokio::test]
async fn a_bad_registration_is_told_what_is_wrong_and_never_sees_its_password_again() {
    let server = Server::new().await;
    for (body, hint) in [
        (json!({ "username": "bob", "password": "kurz-geheim" }), "15 characters"),
        (json!({ "username": "bob" }), "password"),
        (json!({ "username": "bob", "password": 31_337_313_373_133_i64 }), "password"),
        (json!({ "username": "bob", "password": PASSWORD, "is_admin": true }), "is_admin"),
        (json!({ "username": "bob", "password": PASSWORD, "scopes": ["admin"] }), "scopes"),
    ] {
        let answer = server.json("POST", "/users", None, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let text = answer.body.to_string();
        assert!(text.contains(hint), "{text}");
        assert!(!text.contains("kurz-geheim") && !text.contains("31337") && !text.contains(PASSWORD), "{text}");
    }
}

#[tokio::test]
async fn closed_registration_is_open_to_administrators_alone() {
    let server = Server::new().await;
    server.register_with("root", "users:write").await;
    let root = server.log_in("root").await;
    let mut closed = server.app.settings().clone();
    closed.registration = Registration::Closed;
    let closed = Server::over(&server, closed).await;

    let body = json!({ "username": "bob", "password": PASSWORD });
    let refused = closed.json("POST", "/users", None, &body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(closed.json("POST", "/users", Some(&root), &body).await.status, StatusCode::CREATED);
    let bob = closed.log_in("bob").await;
    let body = json!({ "username": "eve", "password": PASSWORD });
    assert_eq!(closed.json("POST", "/users", Some(&bob), &body).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn administration_demands_its_scopes() {
    //
    let server = Server::new().await;
    let id = server.register_with("root", "users:read users:write").await;
    server.register_with("reader", "users:read").await;
    server.register("alice").await;
    let path = format!("/users/{id}");
    for (username, list, change) in [("root", 200, 200), ("reader", 200, 403), ("alice", 403, 403)] {
        let token = server.log_in(username).await;
        let listed = server.bare("GET", "/users", Some(&token)).await;
        assert_eq!(listed.status.as_u16(), list, "{username}");
        assert_eq!(server.bare("GET", &path, Some(&token)).await.status.as_u16(), list, "{username}");
        let changed = server.json("PATCH", &path, Some(&token), &json!({ "full_name": "Root" })).await;
        assert_eq!(changed.status.as_u16(), change, "{username}");
        if change == 403 {
            let challenge = changed.header("www-authenticate");
            assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
            assert!(challenge.contains("scope=\"users:write\""), "{challenge}");
        }
    }
}

#[tokio::test]
async fn a_narrowed_token_of_an_administrator_administers_nothing() {
    let server = Server::new().await;
    server.register_with("root", "users:read users:write").await;
    let fields = [("username", "root"), ("password", PASSWORD), ("scope", "users:read")];
    let token = server.password_grant(&fields).await.body["access_token"].as_str().unwrap().to_owned();
    let id = server.register("alice").await;
    assert_eq!(server.bare("DELETE", &format!("/users/{id}"), Some(&token)).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn users_are_listed_page_by_page_and_searched() {
    let server = Server::new().await;
    server.register_with("root", "users:read").await;
    let token = server.log_in("root").await;
    for name in ["ann", "ben", "cleo", "dora"] {
        server.clock.advance(1);
        server.register(name).await;
    }
    let mut names = Vec::new();
    let mut path = "/users?limit=2".to_owned();
    loop {
        let page = server.bare("GET", &path, Some(&token)).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let users = page.body["users"].as_array().unwrap();
        assert!(users.len() <= 2);
        names.extend(users.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        path = format!("/users?limit=2&after={next}");
    }
    assert_eq!(names, ["root", "ann", "ben", "cleo", "dora"]);

    let found = server.bare("GET", "/users?search=CLE", Some(&token)).await;
    assert_eq!(found.body["users"][0]["username"], "cleo");
    assert_eq!(found.body["users"].as_array().unwrap().len(), 1);
    let none = server.bare("GET", "/users?search=%25", Some(&token)).await;
    assert_eq!(none.body["users"], json!([]));
    for bad in ["limit=x", "after=x", "search=%00", "limit=-1"] {
        let answer = server.bare("GET", &format!("/users?{bad}"), Some(&token)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}

#[tokio::test]
async fn an_administrator_changes_disables_and_deletes() {
    let server = Server::new().await;
    server.register_with("root", "users:read users:write").await;
    let root = server.log_in("root").await;
    let id = server.register("alice").await;
    let alice = server.log_in("alice").await;
    let path = format!("/users/{id}");

    let granted = server.json("PATCH", &path, Some(&root), &json!({ "scopes": ["items:read"] })).await;
    assert_eq!(granted.body["scopes"], json!(["items:read"]), "{granted:?}");
    let bad = server.json("PATCH", &path, Some(&root), &json!({ "scopes": ["two words"] })).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);

    //
    server.json("PATCH", &path, Some(&root), &json!({ "disabled": true })).await;
    assert_eq!(server.bare("GET", "/users/me", Some(&alice)).await.status, StatusCode::UNAUTHORIZED);
    server.json("PATCH", &path, Some(&root), &json!({ "disabled": false })).await;
    assert_eq!(server.bare("GET", "/users/me", Some(&alice)).await.status, StatusCode::UNAUTHORIZED);
    let alice = server.log_in("alice").await;
    assert_eq!(server.bare("GET", "/users/me", Some(&alice)).await.status, StatusCode::OK);

    assert_eq!(server.bare("DELETE", &path, Some(&root)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.bare("DELETE", &path, Some(&root)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.bare("GET", &path, Some(&root)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.bare("GET", "/users/nonsense", Some(&root)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_administrator_who_is_none_any_more_administers_nothing_from_that_moment() {
    // disabled, deleted, demoted, with another password.
    use countersign::user::{ScopesChange, UserChange};
    use countersign_password::Password;
    let server = Server::new().await;
    let id = server.register("alice").await;
    let users = &server.app.stores().users;
    for fall in ["disabled", "disabled and enabled again", "demoted", "other password", "deleted"] {
        let root = server.register_with("root", "users:read users:write").await;
        let token = server.log_in("root").await;
        assert_eq!(server.bare("GET", "/users", Some(&token)).await.status, StatusCode::OK);
        let change = |change: UserChange| async move { users.update(root, &change, 0).await.unwrap() };
        let disabled = |disabled| UserChange { disabled: Some(disabled), ..UserChange::default() };
        match fall {
            "disabled" => drop(change(disabled(true)).await),
            "disabled and enabled again" => drop((change(disabled(true)).await, change(disabled(false)).await)),
            "demoted" => {
                let scopes = ScopesChange::Revoke("users:write".parse().unwrap());
                change(UserChange { scopes, ..UserChange::default() }).await;
            }
            "other password" => {
                let password = Password::new("another password of root".to_owned()).unwrap();
                server.app.accounts().set_password(root, password).await.unwrap();
            }
            _ => assert!(users.delete(root).await.unwrap()),
        }
        for (method, path) in
            [("GET", "/users"), ("GET", &*format!("/users/{id}")), ("DELETE", &*format!("/users/{id}"))]
        {
            let answer = server.bare(method, path, Some(&token)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{fall}: {method} {path}");
        }
        let body = json!({ "full_name": "Eve" });
        let changed = server.json("PATCH", &format!("/users/{id}"), Some(&token), &body).await;
        assert_eq!(changed.status, StatusCode::UNAUTHORIZED, "{fall}");
        let body = json!({ "username": "eve", "password": PASSWORD });
        let registered = server.json("POST", "/users", Some(&token), &body).await;
        assert_eq!(registered.status, StatusCode::UNAUTHORIZED, "{fall}");
        users.delete(root).await.unwrap();
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_is_a_problem_like_any_other() {
    let server = Server::new().await;
    server.register_with("root", "users:read").await;
    let token = server.log_in("root").await;
    for path in ["/users/%ff", "/.well-known/oauth-authorization-server/%ff"] {
        let answer = server.bare("GET", path, Some(&token)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body["detail"].is_string(), "{path}");
    }
}
