//! What a guarded route answers, over the router.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

mod common;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::routing::get;
use common::{Answer, NOW, bearer, guard, issuer, rotated_issuer, rotated_verifier, send, token};
use countersign_axum::token::NewToken;
use countersign_axum::{
    AuthError, Bearer, Claims, Clock, CurrentUser, ErrorStyle, FromClaims, Guard, InvalidToken, LoadUser, Refusal,
    Scope, Scoped, Unavailable,
};
use http::{Request, StatusCode};
use serde_json::json;

struct ItemsRead;
impl Scope for ItemsRead {
    const NAME: &'static str = "items:read";
    const DESCRIPTION: &'static str = "Read items.";
}

struct ItemsWrite;
impl Scope for ItemsWrite {
    const NAME: &'static str = "items:write";
    const DESCRIPTION: &'static str = "Write items.";
}

#[derive(Clone)]
struct App {
    guard: Guard,
}

impl FromRef<App> for Guard {
    fn from_ref(app: &App) -> Self {
        app.guard.clone()
    }
}

struct User(String);

impl LoadUser<App> for User {
    async fn load_user(claims: &Claims, _: &App) -> Result<Option<Self>, Unavailable> {
        match claims.subject() {
            "user:gone" => Ok(None),
            "user:unlucky" => Err(Unavailable::because("the disk in rack 7 is full")),
            name => Ok(Some(Self(name.to_owned()))),
        }
    }
}

/// Claims of the program's own: a token without a tenant is no good.
struct Tenant(String);

impl FromClaims for Tenant {
    fn from_claims(claims: Claims) -> Result<Self, InvalidToken> {
        let tenant = claims.get("tenant").and_then(|value| value.as_str()).map(str::to_owned);
        tenant.map(Self).ok_or(InvalidToken::because("no tenant"))
    }
}

fn app(guard: Guard) -> Router {
    Router::new()
        .route("/hello", get(|Bearer(claims): Bearer| async move { claims.subject().to_owned() }))
        .route("/tenant", get(|Bearer(Tenant(name)): Bearer<Tenant>| async move { name }))
        .route("/me", get(|CurrentUser(User(name)): CurrentUser<User>| async move { name }))
        .route("/items", get(|token: Scoped<ItemsRead>| async move { token.claims().subject().to_owned() }))
        .route("/edit", get(|_: Bearer, _: CurrentUser<User>, _: Scoped<(ItemsRead, ItemsWrite)>| async {}))
        .route("/maybe", get(|token: Option<Bearer>| async move { name_of(token) }))
        .route("/perhaps", get(|user: Option<CurrentUser<User>>| async move { user.map_or("-".into(), |it| it.0.0) }))
        .route("/why", get(why))
        .with_state(App { guard })
}

fn name_of(token: Option<Bearer>) -> String {
    token.map_or("nobody".to_owned(), |Bearer(claims)| claims.subject().to_owned())
}

async fn why(State(app): State<App>, token: Result<Bearer, Refusal>) -> Result<String, Refusal> {
    match token {
        Ok(Bearer(claims)) => Ok(claims.subject().to_owned()),
        Err(refusal) if *refusal.error() == AuthError::NoToken => Ok("nobody".to_owned()),
        Err(_) => Err(app.guard.refuse(AuthError::Unavailable)),
    }
}

async fn ask(path: &str, token: Option<&str>) -> Answer {
    send(app(guard()), bearer(path, token)).await
}

#[tokio::test]
async fn a_good_token_opens_the_route() {
    let token = token("user:ada", "items:read");
    assert_eq!(ask("/hello", Some(&token)).await.text(), "user:ada");
    assert_eq!(ask("/me", Some(&token)).await.text(), "user:ada");
    assert_eq!(ask("/items", Some(&token)).await.text(), "user:ada");
}

#[tokio::test]
async fn without_a_token_the_challenge_is_bare() {
    // R-030
    for path in ["/hello", "/me", "/items", "/edit", "/tenant"] {
        let answer = ask(path, None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="api""#);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json(), json!({ "title": "Unauthorized", "status": 401, "detail": "Not authenticated" }));
    }
}

#[tokio::test]
async fn a_bad_token_is_invalid_and_says_nothing_of_itself() {
    // R-031, R-036, R-037
    let expired = common::issue(&issuer(), "user:ada", "", NOW - 1800);
    let foreign = common::issue(&rotated_issuer(), "user:ada", "", NOW);
    for bad in ["garbage", "a.b.c", "", "x y", "a\"b\\c", expired.as_str(), foreign.as_str()] {
        let answer = ask("/hello", Some(bad)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
        let challenge = concat!(
            r#"Bearer realm="api", error="invalid_token", "#,
            r#"error_description="The token is malformed, expired, revoked or not for this API""#
        );
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(answer.header("cache-control"), "no-store");
        let detail = "Could not validate credentials";
        assert_eq!(answer.json(), json!({ "title": "Unauthorized", "status": 401, "detail": detail }));
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_a_bad_token() {
    let mut request = bearer("/hello", None);
    let value = http::HeaderValue::from_bytes(b"Bearer \xc3\xa9\xff").expect("opaque bytes");
    request.headers_mut().insert("authorization", value);
    let answer = send(app(guard()), request).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.header("www-authenticate").contains("invalid_token"));
}

#[tokio::test]
async fn too_little_scope_is_forbidden_and_the_challenge_names_what_is_needed() {
    // R-032, R-039
    for scope in ["", "items", "ITEMS:READ", "items:reader", "items:write"] {
        let answer = ask("/items", Some(&token("user:ada", scope))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{scope}");
        let challenge = concat!(
            r#"Bearer realm="api", error="insufficient_scope", "#,
            r#"error_description="The token lacks a scope", scope="items:read""#
        );
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.json(), json!({ "title": "Forbidden", "status": 403, "detail": "Not enough permissions" }));
    }
    let answer = ask("/edit", Some(&token("user:ada", "items:read"))).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.header("www-authenticate").ends_with(r#"scope="items:read items:write""#));
    assert_eq!(ask("/edit", Some(&token("user:ada", "items:write items:read"))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn two_tokens_in_one_request_are_an_invalid_request() {
    // R-033, R-035
    let good = token("user:ada", "");
    let mut two_headers = bearer("/hello", Some(&good));
    two_headers.headers_mut().append("authorization", format!("Bearer {good}").parse().expect("a header"));
    let both = bearer(&format!("/hello?access_token={good}"), Some(&good));
    for request in [two_headers, both] {
        let answer = send(app(guard()), request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.header("www-authenticate").contains(r#"error="invalid_request""#));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.json()["detail"], "Credentials were sent in more than one way");
    }
}

#[tokio::test]
async fn a_token_in_the_query_alone_counts_as_none() {
    // R-034
    let path = format!("/hello?access_token={}", token("user:ada", ""));
    let answer = ask(&path, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="api""#);
}

#[tokio::test]
async fn the_scheme_has_no_case_and_other_schemes_are_no_token() {
    // R-035
    let token = token("user:ada", "");
    for (value, status, error) in [
        (format!("bEaReR {token}"), StatusCode::OK, false),
        (format!("Bearer   {token} "), StatusCode::OK, false),
        (format!("Basic {token}"), StatusCode::UNAUTHORIZED, false),
        (format!("Bearer\t{token}"), StatusCode::UNAUTHORIZED, false),
        (format!("Bearer {token} {token}"), StatusCode::UNAUTHORIZED, true),
        (format!("Bearer {token}, Basic abc"), StatusCode::UNAUTHORIZED, true),
        ("Bearer".to_owned(), StatusCode::UNAUTHORIZED, true),
    ] {
        let mut request = bearer("/hello", None);
        request.headers_mut().insert("authorization", value.parse().expect("a header"));
        let answer = send(app(guard()), request).await;
        assert_eq!(answer.status, status, "{value}");
        let challenge = answer.headers.get("www-authenticate").map(|value| value.to_str().expect("text").to_owned());
        assert_eq!(challenge.is_some_and(|text| text.contains("error=")), error, "{value}");
    }
}

#[tokio::test]
async fn a_user_who_is_gone_is_a_bad_token_and_a_failed_look_up_is_503() {
    // R-038
    let answer = ask("/me", Some(&token("user:gone", ""))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.header("www-authenticate").contains("invalid_token"));

    let answer = ask("/me", Some(&token("user:unlucky", ""))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.headers.contains_key("www-authenticate"));
    assert_eq!((answer.header("cache-control"), answer.header("retry-after")), ("no-store", "1"));
    assert!(!answer.text().contains("rack"), "the cause is for the log");
}

#[tokio::test]
async fn an_optional_guard_lets_pass_who_shows_nothing_and_refuses_what_is_bad() {
    assert_eq!(ask("/maybe", None).await.text(), "nobody");
    assert_eq!(ask("/maybe", Some(&token("user:ada", ""))).await.text(), "user:ada");
    assert_eq!(ask("/maybe", Some("garbage")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/perhaps", None).await.text(), "-");
    assert_eq!(ask("/perhaps", Some(&token("user:gone", ""))).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/perhaps", Some(&token("user:unlucky", ""))).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_handler_can_look_at_the_refusal_and_give_another() {
    assert_eq!(ask("/why", None).await.text(), "nobody");
    assert_eq!(ask("/why", Some("garbage")).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn claims_that_do_not_fit_are_a_bad_token() {
    let answer = ask("/tenant", Some(&token("user:ada", ""))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.header("www-authenticate").contains("invalid_token"));
    let request = NewToken::for_subject("user:ada").lifetime_s(60).extra("tenant", "acme");
    let token = issuer().issue(&request, NOW).expect("a token").token;
    assert_eq!(ask("/tenant", Some(&token)).await.text(), "acme");
}

#[tokio::test]
async fn a_token_ends_when_its_time_has_come() {
    let (clock, hand) = Clock::settable(NOW);
    let app = app(guard().clock(clock));
    let token = token("user:ada", "");
    assert_eq!(send(app.clone(), bearer("/hello", Some(&token))).await.status, StatusCode::OK);
    hand.advance(1799);
    assert_eq!(send(app.clone(), bearer("/hello", Some(&token))).await.status, StatusCode::OK);
    hand.advance(1);
    assert_eq!(send(app, bearer("/hello", Some(&token))).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_replaced_verifier_holds_from_the_next_request_on() {
    let guard = guard();
    let app = app(guard.clone());
    let (old, new) = (token("user:ada", ""), common::issue(&rotated_issuer(), "user:ada", "", NOW));
    assert_eq!(send(app.clone(), bearer("/hello", Some(&old))).await.status, StatusCode::OK);
    assert_eq!(send(app.clone(), bearer("/hello", Some(&new))).await.status, StatusCode::UNAUTHORIZED);
    guard.replace_verifier(rotated_verifier());
    assert_eq!(send(app.clone(), bearer("/hello", Some(&old))).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(send(app, bearer("/hello", Some(&new))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_realm_is_quoted() {
    let answer = send(app(guard().realm(r#"a "good" realm"#)), bearer("/hello", None)).await;
    assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="a \"good\" realm""#);
}

#[tokio::test]
async fn in_the_style_of_fastapi_the_body_is_the_detail_alone() {
    let app = app(guard().style(ErrorStyle::FastApi).invalid_token_detail("Invalid token"));
    let ask = async |request: Request<axum::body::Body>| send(app.clone(), request).await;

    let answer = ask(bearer("/hello", None)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), json!({ "detail": "Not authenticated" }));
    let answer = ask(bearer("/hello", Some("garbage"))).await;
    assert_eq!(answer.json(), json!({ "detail": "Invalid token" }));
    assert!(answer.header("www-authenticate").starts_with("Bearer "));

    // Of two headers the first counts, and the query is not looked at.
    let good = token("user:ada", "");
    assert_eq!(ask(bearer("/hello?access_token=x", Some(&good))).await.status, StatusCode::OK);
    let mut basic_first = bearer("/hello", None);
    basic_first.headers_mut().append("authorization", "Basic abc".parse().expect("a header"));
    basic_first.headers_mut().append("authorization", format!("Bearer {good}").parse().expect("a header"));
    assert_eq!(ask(basic_first).await.json(), json!({ "detail": "Not authenticated" }));
}
