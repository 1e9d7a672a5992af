//! Token requests, strictly: what is taken, and what each fault is answered with.
#![cfg(feature = "form")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

#[path = "../common/mod.rs"]
mod common;

mod clients;

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::post;
use common::{Answer, send};
use countersign_axum::form::{FormError, PasswordForm, StrictForm, TokenAnswer, TokenError, TokenErrorCode};
use http::{Request, StatusCode, request};
use http_body_util::channel::Channel;
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";
const GOOD: &str = "grant_type=password&username=johndoe&password=secret";

/// Shows what it was sent, the password and the client's secret included.
async fn token(form: PasswordForm) -> axum::Json<Value> {
    let client = form.client().map(|client| match client.assertion() {
        Some(assertion) => json!([client.id(), client.secret(), assertion]),
        None => json!([client.id(), client.secret()]),
    });
    let scope = form.scope().map(ToString::to_string);
    axum::Json(json!({ "username": form.username(), "password": form.password(), "scope": scope, "client": client }))
}

fn post_form() -> request::Builder {
    Request::post("/token").header("content-type", FORM)
}

async fn answer(request: Request<Body>) -> Answer {
    send(Router::new().route("/token", post(token)), request).await
}

async fn form(body: &str) -> Answer {
    answer(post_form().body(Body::from(body.to_owned())).expect("a request")).await
}

async fn with_header(name: &str, value: &str, body: &str) -> Answer {
    answer(post_form().header(name, value).body(Body::from(body.to_owned())).expect("a request")).await
}

/// RFC 6749 section 5.2: the code, never stored, in a JSON object.
fn assert_refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let body = answer.json();
    assert_eq!(body["error"], code);
    assert_eq!(body["error_description"], body["detail"]);
    let description = body["error_description"].as_str().expect("a text");
    // R-003
    assert!(description.chars().all(|char| matches!(char, ' '..='!' | '#'..='[' | ']'..='~')), "{description}");
}

#[tokio::test]
async fn a_good_form_is_taken_in_all_its_spellings() {
    // R-005, R-006, R-012, R-013
    let expected = json!({ "username": "johndoe", "password": "secret", "scope": null, "client": null });
    assert_eq!(form(GOOD).await.json(), expected);
    assert_eq!(form(&format!("{GOOD}&scope=&client_id=&foo=1&foo=2")).await.json(), expected);
    assert_eq!(form(&format!("&&{GOOD}&")).await.json(), expected);
    for content_type in [
        "APPLICATION/X-WWW-FORM-URLENCODED",
        "application/x-www-form-urlencoded; charset=utf-8",
        "application/x-www-form-urlencoded;charset=UTF-8",
        "application/x-www-form-urlencoded ; charset=\"utf-8\"",
    ] {
        let request = Request::post("/token").header("content-type", content_type).body(Body::from(GOOD));
        assert_eq!(answer(request.expect("a request")).await.json(), expected, "{content_type}");
    }
}

#[tokio::test]
async fn names_and_values_are_form_decoded() {
    // R-007, R-014
    let body = "grant_type=password&user%6Eame=J+%26%3D%25%2B+%C5%BC&password=a%00b&scope=me+items%3Aread";
    let body = form(body).await.json();
    assert_eq!(body["username"], "J &=%+ ż");
    assert_eq!(body["password"], "a\0b");
    assert_eq!(body["scope"], "items:read me");
}

#[tokio::test]
async fn missing_and_repeated_parameters_are_invalid_requests() {
    // R-004, R-005, R-007
    for body in [
        "",
        "username=johndoe&password=secret",
        "grant_type=&username=johndoe&password=secret",
        "grant_type=password&username=johndoe",
        "grant_type=password&username=johndoe&password=",
        "grant_type=password&username=johndoe&password",
        "grant_type=password&username=johndoe&password[]=secret",
        "grant_type=password&USERNAME=johndoe&password=secret",
        "grant_type=password&username=johndoe;password=secret",
        "grant_type=password&username=johndoe&password=secret&grant_type=password",
        "grant_type=password&username=johndoe&password=secret&password=secret",
        "grant_type=password&username=johndoe&password=secret&pass%77ord=secret",
        "grant_type=password&username=alice&username=johndoe&password=secret",
        "grant_type=password&username=johndoe&password=secret&scope=me&scope=items",
        "grant_type=password&username=johndoe&password=secret&scope=&scope=me",
        "grant_type=password&username=johndoe&password=secret&client_id=a&client_id=a",
        "grant_type=password&username=johndoe&password=secret&client_secret=x",
    ] {
        assert_refused(&form(body).await, StatusCode::BAD_REQUEST, "invalid_request");
    }
}

#[tokio::test]
async fn other_grants_are_unsupported() {
    // R-008
    for grant in ["Password", "implicit", "password+", "password%0A", "refresh_token"] {
        let answer = form(&format!("grant_type={grant}&username=johndoe&password=secret")).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
}

#[tokio::test]
async fn a_malformed_scope_is_invalid() {
    // R-015
    for scope in ["me%22%5c", "me++items", "+me", "me+", "me%09items", "%C3%A9"] {
        let answer = form(&format!("{GOOD}&scope={scope}")).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "invalid_scope");
    }
}

#[tokio::test]
async fn malformed_escapes_and_bytes_that_are_no_utf_8_are_refused() {
    // R-014
    for value in ["%zz", "%u0041", "%", "%4", "%FF", "%ed%a0%80", "%c0%af"] {
        assert_refused(
            &form(&format!("grant_type=password&username=johndoe&password={value}")).await,
            StatusCode::BAD_REQUEST,
            "invalid_request",
        );
        assert_refused(&form(&format!("{GOOD}&{value}=x")).await, StatusCode::BAD_REQUEST, "invalid_request");
    }
    let raw = post_form().body(Body::from(&b"grant_type=password&username=\xe9\xe8&password=x"[..]));
    assert_refused(&answer(raw.expect("a request")).await, StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn only_one_urlencoded_content_type_is_taken() {
    // R-013
    for types in [
        &[][..],
        &["application/json"],
        &["text/plain"],
        &["multipart/form-data; boundary=XX"],
        &["application/x-www-form-urlencoded; charset=utf-16"],
        &["application/x-www-form-urlencoded; charset=utf-7"],
        &["application/x-www-form-urlencoded; boundary=x"],
        &["application/x-www-form-urlencodedx"],
        &[FORM, FORM],
        &[FORM, "application/json"],
    ] {
        let mut request = Request::post("/token");
        for content_type in types {
            request = request.header("content-type", *content_type);
        }
        let answer = answer(request.body(Body::from(GOOD)).expect("a request")).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "invalid_request");
    }
}

#[tokio::test]
async fn an_encoded_body_is_refused() {
    // R-013
    for encoding in ["gzip", "identity", "br"] {
        let answer = with_header("content-encoding", encoding, GOOD).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "invalid_request");
    }
}

#[tokio::test]
async fn credentials_in_the_query_are_never_read() {
    // R-012
    let request = Request::post("/token?password=secret").header("content-type", FORM);
    let request = request.body(Body::from("grant_type=password&username=johndoe")).expect("a request");
    assert_refused(&answer(request).await, StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn at_most_64_parameters_are_taken() {
    // R-170
    assert_eq!(form(&format!("{GOOD}{}", "&a=1".repeat(61))).await.status, StatusCode::OK);
    let answer = form(&format!("{GOOD}{}", "&a=1".repeat(62))).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn a_body_over_16_kib_is_refused_before_it_is_read() {
    // R-170
    let padding = 16 * 1024 - GOOD.len() - "&x=".len();
    assert_eq!(form(&format!("{GOOD}&x={}", "y".repeat(padding))).await.status, StatusCode::OK);
    let answer_to_long = form(&format!("{GOOD}&x={}", "y".repeat(padding + 1))).await;
    assert_refused(&answer_to_long, StatusCode::PAYLOAD_TOO_LARGE, "invalid_request");

    for length in ["16385", "99999999999999999999", "-1"] {
        // Nothing is ever sent on this channel: whoever reads from it waits for ever.
        let (_sender, body) = Channel::<Bytes, Infallible>::new(1);
        let request = post_form().header("content-length", length).body(Body::new(body)).expect("a request");
        assert_refused(&answer(request).await, StatusCode::PAYLOAD_TOO_LARGE, "invalid_request");
    }
}

#[tokio::test]
async fn a_body_that_grows_over_16_kib_is_refused_while_it_streams_in() {
    // R-170
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    let feed = tokio::spawn(async move {
        for _ in 0..17 {
            sender.send_data(Bytes::from(vec![b'a'; 1024])).await.expect("the body is read so far");
        }
        // The sender lives on and the body does not end: only the limit ends the reading.
        sender
    });
    let request = post_form().body(Body::new(body)).expect("a request");
    assert_refused(&answer(request).await, StatusCode::PAYLOAD_TOO_LARGE, "invalid_request");
    feed.await.expect("17 KiB were sent");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    sender.send_data(Bytes::from(GOOD)).await.expect("room");
    sender.abort(std::io::Error::other("reset"));
    let answer = answer(post_form().body(Body::new(body)).expect("a request")).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn a_token_is_answered_and_never_stored() {
    // R-001, R-002
    let token = || TokenAnswer::new("abc".to_owned(), 1800);
    let router = Router::new()
        .route("/token", post(move || async move { token().scope("me items:read".parse().expect("scopes")) }))
        .route("/fastapi", post(|| async { TokenAnswer::fastapi("abc".to_owned()) }));
    let ask = |path: &str| send(router.clone(), Request::post(path).body(Body::empty()).expect("a request"));
    let answer = ask("/token").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let scope = "items:read me";
    let expected = json!({ "access_token": "abc", "token_type": "Bearer", "expires_in": 1800, "scope": scope });
    assert_eq!(answer.json(), expected);
    assert_eq!(ask("/fastapi").await.json(), json!({ "access_token": "abc", "token_type": "bearer" }));
}

#[test]
fn a_form_of_another_grant_is_read_by_name() {
    let form = StrictForm::parse(b"grant_type=refresh_token&refresh_token=r1&a=1&a=2").expect("a form");
    assert_eq!(form.required("refresh_token"), Ok("r1"));
    assert_eq!(form.optional("scope"), Ok(None));
    assert_eq!(form.required("scope"), Err(FormError::Missing("scope")));
    assert_eq!(form.optional("a"), Err(FormError::Repeated("a")));
}

async fn show(form: PasswordForm) -> String {
    format!("{form:?} {form:#?}")
}

#[tokio::test]
async fn nothing_prints_a_secret() {
    // R-176
    let form = StrictForm::parse(b"password=canary&username=johndoe").expect("a form");
    assert!(!format!("{form:?}").contains("canary"));
    assert!(!format!("{:?}", TokenAnswer::new("canary".to_owned(), 1)).contains("canary"));
    let body = "grant_type=password&username=johndoe&password=canary&client_id=web&client_secret=canary";
    let request = post_form().body(Body::from(body)).expect("a request");
    let answer = send(Router::new().route("/token", post(show)), request).await;
    assert!(answer.text().contains("johndoe"));
    assert!(!answer.text().contains("canary"));
}

#[test]
fn a_description_holds_only_what_rfc_6749_allows() {
    // R-003
    let error = TokenError::new(TokenErrorCode::InvalidRequest, "a \"quoted\" \\ text\né");
    assert_eq!(error.description(), "a ?quoted? ? text??");
}

/// Grants scopes to a user who may have these two.
async fn grant(form: PasswordForm) -> Result<String, TokenError> {
    Ok(form.granted(&"items:read items:write".parse().expect("scopes"))?.to_string())
}

#[tokio::test]
async fn what_is_granted_is_what_was_asked_for_and_is_allowed() {
    // R-015
    let ask = |scope: &str| {
        let request = post_form().body(Body::from(format!("{GOOD}{scope}"))).expect("a request");
        send(Router::new().route("/token", post(grant)), request)
    };
    for (asked, granted) in [
        ("", "items:read items:write"),
        ("&scope=", "items:read items:write"),
        ("&scope=items:write", "items:write"),
        ("&scope=admin+items:read", "items:read"),
    ] {
        assert_eq!(ask(asked).await.text(), granted, "{asked}");
    }
    for asked in ["&scope=admin", "&scope=items", "&scope=ITEMS:READ"] {
        assert_refused(&ask(asked).await, StatusCode::BAD_REQUEST, "invalid_scope");
    }
}
