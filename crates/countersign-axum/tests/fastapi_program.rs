//! A program with the manners of FastAPI: what it answers before any handler runs, bodies, and the document.
#![cfg(feature = "fastapi")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

mod common;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use common::{Answer, bearer, guard, send, token};
use countersign_axum::fastapi::{EmailStr, FastApi, FieldError, HttpException, JsonBody, OAuth2PasswordRequestForm};
use countersign_axum::form::TokenAnswer;
use countersign_axum::{Bearer, ErrorStyle, Guard, routes};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

/// Log in.
///
/// By name and password.
#[utoipa::path(post, path = "/token")]
async fn log_in(form: OAuth2PasswordRequestForm) -> Result<TokenAnswer, HttpException> {
    if form.password() == "wonderland" {
        return Ok(TokenAnswer::fastapi(token(form.username(), "")));
    }
    Err(HttpException::wrong_credentials())
}

/// Who am I?
#[utoipa::path(get, path = "/users/me/")]
async fn read_me(Bearer(claims): Bearer) -> axum::Json<String> {
    axum::Json(claims.subject().to_owned())
}

#[derive(serde::Deserialize, utoipa::ToSchema)]
struct NewItem {
    #[schema(min_length = 1)]
    name: String,
    email: EmailStr,
    #[schema(format = Password)]
    secret: String,
    #[serde(default)]
    count: Option<u8>,
}

#[utoipa::path(put, path = "/items/{id}", params(("id" = u32, Path)), responses((status = 201)))]
async fn put_item(Path(id): Path<u32>, JsonBody(item): JsonBody<NewItem>) -> Result<StatusCode, HttpException> {
    match (id, item.name.as_str(), item.secret.as_str(), item.count) {
        (0, ..) => Err(HttpException::new(StatusCode::NOT_FOUND, "Item not found")),
        (_, "root", ..) => Err(FieldError::value_error("name", "root has no items").into()),
        _ if item.email.as_str().ends_with("example.com") => Ok(StatusCode::CREATED),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

fn program() -> Router {
    let items = OpenApiRouter::new().routes(routes!(put_item));
    let program = FastApi::<Guard>::new("Wonderland", "token").routes(routes!(log_in)).routes(routes!(read_me));
    program.merge(items).with_state(guard().style(ErrorStyle::FastApi)).expect("a document")
}

async fn ask(method: &str, path: &str) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    send(program(), Request::builder().method(method).uri(path).body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn unknown_paths_are_404_in_fastapis_words() {
    for (method, path) in
        [("GET", "/"), ("POST", "/nothing"), ("OPTIONS", "/a/b"), ("GET", "//token"), ("GET", "/TOKEN")]
    {
        let answer = ask(method, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json(), json!({ "detail": "Not Found" }));
    }
}

#[tokio::test]
async fn methods_that_a_path_lacks_are_405_with_allow() {
    for (method, path, allow) in [
        ("GET", "/token", "POST"),
        ("HEAD", "/token", "POST"),
        ("HEAD", "/users/me/", "GET"),
        ("OPTIONS", "/users/me/", "GET"),
        ("DELETE", "/items/7", "PUT"),
        ("POST", "/docs", "GET, HEAD"),
        ("BREW", "/openapi.json", "GET, HEAD"),
    ] {
        let answer = ask(method, path).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
        if method != "HEAD" {
            assert_eq!(answer.json(), json!({ "detail": "Method Not Allowed" }));
        }
    }
}

#[tokio::test]
async fn the_other_spelling_of_a_path_is_redirected_before_any_guard() {
    for (method, path, location) in [
        ("POST", "/token/", "/token"),
        ("GET", "/token//", "/token"),
        ("GET", "/users/me", "/users/me/"),
        ("PUT", "/items/7/?a=b&c=%20", "/items/7?a=b&c=%20"),
        ("GET", "/docs/", "/docs"),
        ("GET", "/redoc/", "/redoc"),
        ("GET", "/openapi.json/", "/openapi.json"),
        ("GET", "/docs/oauth2-redirect/", "/docs/oauth2-redirect"),
    ] {
        let answer = ask(method, path).await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT, "{method} {path}");
        assert_eq!(answer.header("location"), location, "a location names no host");
        assert_eq!(answer.text(), "");
    }
}

#[tokio::test]
async fn pages_and_document_answer_get_and_head() {
    for path in ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"] {
        for method in ["GET", "HEAD"] {
            assert_eq!(ask(method, path).await.status, StatusCode::OK, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn guards_and_logins_answer_in_the_same_words() {
    let answer = send(program(), bearer("/users/me/", None)).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::UNAUTHORIZED, json!({ "detail": "Not authenticated" })));
    let answer = send(program(), bearer("/users/me/", Some(&token("alice", "")))).await;
    assert_eq!(answer.json(), json!("alice"));
    let form = |body: &'static str| {
        let request = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
        send(program(), request.body(Body::from(body)).expect("a request"))
    };
    let answer = form("username=alice&password=wonder").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json(), json!({ "detail": "Incorrect username or password" }));
    assert_eq!(form("username=alice&password=wonderland").await.json()["token_type"], "bearer");
}

async fn put(content_type: &str, body: impl Into<Body>) -> Answer {
    let request = Request::put("/items/7").header("content-type", content_type).body(body.into());
    send(program(), request.expect("a request")).await
}

#[tokio::test]
async fn a_json_body_is_read_by_its_schema() {
    let good = r#"{"name": "x", "email": "a@EXAMPLE.com", "secret": "s", "count": 3, "more": []}"#;
    for content_type in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"] {
        assert_eq!(put(content_type, good).await.status, StatusCode::CREATED, "{content_type}");
    }
    let answer = put("application/json", r#"{"name": "", "email": "nobody", "count": "3"}"#).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let error = |kind: &str, name: &str| json!({ "type": kind, "loc": ["body", name] });
    let errors = answer.json()["detail"].as_array().expect("a list").clone();
    let told: Vec<Value> = errors.iter().map(|error| json!({ "type": error["type"], "loc": error["loc"] })).collect();
    let expected =
        [("string_too_short", "name"), ("value_error", "email"), ("missing", "secret"), ("int_type", "count")];
    assert_eq!(told, expected.map(|(kind, name)| error(kind, name)));
    assert_eq!(errors[1]["input"], "nobody");
    assert_eq!(errors[1]["ctx"], json!({ "reason": "An email address must have an @-sign." }));
    let answer = put("application/json", r#"{"name": "root", "email": "a@b.example", "secret": "s"}"#).await;
    assert_eq!(answer.json()["detail"][0]["msg"], "root has no items");
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused_and_not_repeated() {
    for (content_type, body, kind) in [
        ("application/json", "", "missing"),
        ("application/json", "[]", "model_attributes_type"),
        ("application/json", "null", "model_attributes_type"),
        ("application/json", "{\"secret\": \"canary\"", "json_invalid"),
        ("application/json", "{\"secret\": \"\\ud800canary\"}", "json_invalid"),
        ("application/json", "{\"secret\": [\"canary\"], \"name\": {\"canary\": 1}}", "string_type"),
        ("text/plain", "{\"secret\": \"canary\"}", "model_attributes_type"),
        ("application/x-www-form-urlencoded", "secret=canary", "model_attributes_type"),
    ] {
        let answer = put(content_type, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.json()["detail"][0]["type"], kind, "{body}");
        assert!(!answer.text().contains("canary"), "{}", answer.text());
    }
    // What the schema lets pass and the type does not: a number beyond u8.
    let answer =
        put("application/json", r#"{"name": "x", "email": "a@b.example", "secret": "canary", "count": 300}"#).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.text().contains("canary"));
    assert_eq!(put("application/json", "x".repeat(1024 * 1024 + 1)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(put("application/json", deep).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_document_says_what_the_handlers_say() {
    let document = ask("GET", "/openapi.json").await.json();
    assert_eq!(document["info"], json!({ "title": "Wonderland", "version": "0.1.0" }));
    let log_in = &document["paths"]["/token"]["post"];
    assert_eq!(log_in["summary"], "Log in.");
    assert_eq!(log_in["description"], "By name and password.");
    let form = "#/components/schemas/OAuth2PasswordRequestForm";
    assert_eq!(log_in["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["$ref"], form);
    let me = &document["paths"]["/users/me/"]["get"];
    assert_eq!((&me["summary"], &me["description"]), (&json!("Read Me"), &json!("Who am I?")));
    assert_eq!(me["responses"]["200"]["content"]["application/json"]["schema"]["type"], "string");
    assert_eq!(me["responses"]["401"]["$ref"], "#/components/responses/NotAuthenticated");
    let put = &document["paths"]["/items/{id}"]["put"];
    assert_eq!(put["requestBody"]["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/NewItem");
    assert_eq!(put["responses"]["201"]["description"], "Successful Response");
    let unprocessable = "#/components/schemas/HTTPValidationError";
    assert_eq!(put["responses"]["422"]["content"]["application/json"]["schema"]["$ref"], unprocessable);
    assert_eq!(document["components"]["schemas"]["EmailStr"], json!({ "type": "string", "format": "email" }));
    for name in ["HTTPValidationError", "ValidationError", "TokenAnswer", "NewItem"] {
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn what_the_document_calls_guarded_refuses_and_nothing_else() {
    let document = ask("GET", "/openapi.json").await.json();
    assert_eq!(countersign_axum::testing::differences(program(), &document).await, []);
}
