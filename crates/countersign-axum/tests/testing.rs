//! The test helpers: every way in which a router and its document can part is found, and nothing in a pair that agrees; a test
//! issuer makes the tokens that its guards take, and no others.
#![cfg(all(feature = "testing", feature = "openapi", feature = "form"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

mod common;

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use common::{bearer, guard, send};
use countersign_axum::form::PasswordForm;
use countersign_axum::openapi::PasswordFlow;
use countersign_axum::testing::{TestIssuer, differences};
use countersign_axum::token::NewToken;
use countersign_axum::{Bearer, Guard, Scope, Scoped, routes};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

struct ItemsRead;
impl Scope for ItemsRead {
    const NAME: &'static str = "items:read";
    const DESCRIPTION: &'static str = "Read items.";
}

#[utoipa::path(get, path = "/")]
async fn open() {}

#[utoipa::path(get, path = "/hello")]
async fn hello(_: Bearer) {}

#[utoipa::path(get, path = "/maybe")]
async fn maybe(_: Option<Bearer>) {}

/// The path is read before the guard: the helper has to send one that can be read.
#[utoipa::path(get, path = "/items/{id}", params(("id" = u32, Path)))]
async fn item(_: Path<u32>, _: Scoped<ItemsRead>) {}

/// Challenges clients with Basic, and is open all the same.
#[utoipa::path(post, path = "/token")]
async fn token(_: PasswordForm) {}

async fn found(router: Router<Guard>, document: &Value) -> Vec<String> {
    let differences = differences(router.with_state(guard()), document).await;
    differences.iter().map(ToString::to_string).collect()
}

/// A document with one operation at `GET /x`.
fn document(security: &Value) -> Value {
    json!({
        "paths": { "/x": { "get": { "security": security } } },
        "components": { "securitySchemes": {
            "OAuth2PasswordBearer": {
                "type": "oauth2", "flows": { "password": { "tokenUrl": "token", "scopes": { "items:read": "" } } },
            },
            "key": { "type": "apiKey", "in": "header", "name": "x-key" },
            "jwt": { "type": "http", "scheme": "Bearer" },
        } },
    })
}

#[tokio::test]
async fn a_router_that_documents_itself_agrees_with_its_document() {
    let (router, mut document) = OpenApiRouter::<Guard>::new()
        .routes(routes!(open))
        .routes(routes!(hello))
        .routes(routes!(maybe))
        .routes(routes!(item))
        .routes(routes!(token))
        .split_for_parts();
    PasswordFlow::at("token").write_to(&mut document);
    let document = serde_json::to_value(&document).expect("a document");
    assert_eq!(found(router, &document).await, [""; 0]);
}

#[tokio::test]
async fn the_macro_of_utoipa_axum_documents_nothing_and_is_found_out() {
    let (router, document) = OpenApiRouter::<Guard>::new()
        .routes(utoipa_axum::routes!(hello))
        .routes(utoipa_axum::routes!(maybe))
        .split_for_parts();
    let document = serde_json::to_value(&document).expect("a document");
    let expected = [
        "GET /hello is documented as open and refuses a request without a token",
        "GET /maybe is documented as open and refuses a bad token",
    ];
    assert_eq!(found(router, &document).await, expected);
}

#[tokio::test]
async fn a_route_that_is_documented_as_guarded_and_open_is_found_out() {
    let guarded = document(&json!([{ "OAuth2PasswordBearer": ["items:read"] }]));
    let expected = [
        "GET /x is documented as guarded and answers 200 OK without a token",
        "GET /x is documented as guarded and answers 200 OK to a bad token",
    ];
    assert_eq!(found(Router::new().route("/x", get(open)), &guarded).await, expected);
    assert_eq!(found(Router::new().route("/x", get(maybe)), &guarded).await, [expected[0]]);
    assert_eq!(found(Router::new().route("/x", get(hello)), &guarded).await, [""; 0]);
    let jwt = document(&json!([{ "jwt": [] }]));
    assert_eq!(found(Router::new().route("/x", get(open)), &jwt).await, expected);
    let global = json!({ "security": [{ "jwt": [] }], "paths": { "/x": { "get": {} } } });
    let found = found(Router::new().route("/x", get(open)), &global).await;
    assert_eq!(found, ["GET /x demands the undefined security scheme jwt", expected[0], expected[1]]);
}

#[tokio::test]
async fn an_optional_guard_refuses_a_bad_token_and_nothing_else() {
    let optional = document(&json!([{}, { "OAuth2PasswordBearer": [] }]));
    assert_eq!(found(Router::new().route("/x", get(maybe)), &optional).await, [""; 0]);
    let expected = ["GET /x is documented as open and refuses a request without a token"];
    assert_eq!(found(Router::new().route("/x", get(hello)), &optional).await, expected);
    let expected = ["GET /x is documented as guarded and answers 200 OK to a bad token"];
    assert_eq!(found(Router::new().route("/x", get(open)), &optional).await, expected);
}

#[tokio::test]
async fn a_refusal_of_another_kind_is_none() {
    // 400 for the path, before the guard is asked; 401 without a bearer challenge.
    let guarded = document(&json!([{ "OAuth2PasswordBearer": [] }]));
    let basic = || async { (http::StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"x\"")]) };
    let expected = "GET /x is documented as guarded and answers 401 Unauthorized without a token";
    assert_eq!(found(Router::new().route("/x", get(basic)), &guarded).await[0], expected);
    assert_eq!(found(Router::new().route("/x", get(basic)), &document(&json!([]))).await, [""; 0]);
}

#[tokio::test]
async fn what_the_document_forgets_to_define_is_named() {
    let scope = document(&json!([{ "OAuth2PasswordBearer": ["items:write"] }]));
    let router = || Router::new().route("/x", get(hello));
    assert_eq!(found(router(), &scope).await, ["GET /x demands the undefined scope items:write"]);
    let scheme = document(&json!([{ "Other": [] }]));
    assert_eq!(found(router(), &scheme).await, ["GET /x demands the undefined security scheme Other"]);
}

#[tokio::test]
async fn schemes_without_tokens_are_not_judged() {
    for security in [json!([{ "key": [] }]), json!([{ "key": [] }, { "OAuth2PasswordBearer": [] }])] {
        assert_eq!(found(Router::new().route("/x", get(open)), &document(&security)).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_document_without_operations_agrees_with_nothing() {
    for empty in [json!({}), json!({ "paths": {} }), json!({ "paths": { "/x": { "summary": "none" } } })] {
        let found = found(Router::new().route("/x", get(open)), &empty).await;
        assert_eq!(found, ["The document names no operation: nothing was compared"]);
    }
}

#[tokio::test]
async fn an_operation_that_is_not_served_is_named() {
    let router = Router::new().route("/x", post(open));
    assert_eq!(found(router, &document(&json!([]))).await, ["GET /x is documented and not served"]);
}

#[tokio::test]
async fn required_parameters_are_sent_so_that_the_guard_is_reached() {
    use axum::http::{HeaderMap, Uri};
    // Answers 401 as a guard does, but only to who sends what the document requires.
    async fn picky(uri: Uri, headers: HeaderMap) -> (http::StatusCode, [(&'static str, &'static str); 1]) {
        let good = uri == "/0000%2F/00000000-0000-4000-8000-000000000000/true/1?from=2000-01-01&kind=a%20b"
            && headers["x-tenant"] == "acme";
        let status = if good { http::StatusCode::UNAUTHORIZED } else { http::StatusCode::BAD_REQUEST };
        (status, [("www-authenticate", "bearer realm=\"x\"")])
    }
    let parameter = |name: &str, place: &str, schema: Value| json!({ "name": name, "in": place, "required": true, "schema": schema });
    let mut document = document(&json!([]));
    document["paths"] = json!({ "/{text}/{id}/{flag}/{forgotten}": {
        "parameters": [
            parameter("text", "path", json!({ "type": "string", "example": "0000/" })),
            parameter("id", "path", json!({ "$ref": "#/components/schemas/Id" })),
        ],
        "get": {
            "security": [{ "jwt": [] }],
            "parameters": [
                parameter("flag", "path", json!({ "type": ["boolean", "null"] })),
                parameter("from", "query", json!({ "type": "string", "format": "date" })),
                parameter("kind", "query", json!({ "enum": ["a b", "c"] })),
                { "name": "page", "in": "query", "schema": { "type": "integer" } },
                { "$ref": "#/components/parameters/Tenant" },
            ],
        },
    } });
    document["components"]["schemas"] = json!({ "Id": { "type": "string", "format": "uuid" } });
    document["components"]["parameters"] =
        json!({ "Tenant": parameter("x-tenant", "header", json!({ "const": "acme" })) });
    assert_eq!(found(Router::new().fallback(picky), &document).await, [""; 0]);
}

fn app(issuer: &TestIssuer) -> Router {
    Router::new().route("/hello", get(hello)).route("/items/{id}", get(item)).with_state(issuer.guard())
}

async fn status(router: Router, path: &str, token: &str) -> u16 {
    send(router, bearer(path, Some(token))).await.status.as_u16()
}

#[tokio::test]
async fn a_token_of_a_test_issuer_says_what_the_test_says() {
    let issuer = TestIssuer::new().expect("an issuer");
    let ada = issuer.token(&NewToken::for_subject("ada")).expect("a token");
    assert_eq!(status(app(&issuer), "/hello", &ada).await, 200);
    assert_eq!(status(app(&issuer), "/items/1", &ada).await, 403);
    let reader = NewToken::for_subject("ada").scope(Scoped::<ItemsRead>::scopes());
    assert_eq!(status(app(&issuer), "/items/1", &issuer.token(&reader).expect("a token")).await, 200);
    let elsewhere = NewToken::for_subject("ada").audience("https://elsewhere.test");
    assert_eq!(status(app(&issuer), "/hello", &issuer.token(&elsewhere).expect("a token")).await, 401);
}

#[tokio::test]
async fn the_clock_of_a_test_issuer_is_moved_by_the_test_alone() {
    //
    let issuer = TestIssuer::new().expect("an issuer");
    let router = app(&issuer);
    let token = issuer.token(&NewToken::for_subject("ada").lifetime_s(60)).expect("a token");
    issuer.advance(59);
    assert_eq!(status(router.clone(), "/hello", &token).await, 200);
    issuer.advance(1);
    assert_eq!(status(router.clone(), "/hello", &token).await, 401);
    issuer.advance(-61);
    assert_eq!(status(router, "/hello", &token).await, 401, "it is issued a second from now");
}

#[tokio::test]
async fn a_guard_takes_no_token_of_another_test_issuer() {
    let [ours, theirs] = [(); 2].map(|()| TestIssuer::new().expect("an issuer"));
    let token = theirs.token(&NewToken::for_subject("ada")).expect("a token");
    assert_eq!(status(app(&ours), "/hello", &token).await, 401);
    assert_eq!(status(app(&theirs), "/hello", &token).await, 200);
}

/// Says what `Bearer` found in the token.
async fn who(Bearer(claims): Bearer) -> String {
    format!(
        "{} by {} in {}",
        claims.subject(),
        claims.client_id().unwrap_or("nobody"),
        claims.session_id().unwrap_or("none")
    )
}

#[tokio::test]
async fn a_token_of_a_test_issuer_says_what_the_token_of_a_server_says() {
    let issuer = TestIssuer::new().expect("an issuer");
    let router = Router::new().route("/who", get(who)).with_state(issuer.guard());
    let ask = |new: NewToken| send(router.clone(), bearer("/who", Some(issuer.token(&new).expect("a token").as_str())));
    assert_eq!(ask(NewToken::for_subject("ada")).await.text(), "ada by test in none");
    let new = NewToken::for_subject("ada").client_id("web").session_id("s1");
    assert_eq!(ask(new).await.text(), "ada by web in s1");
}
