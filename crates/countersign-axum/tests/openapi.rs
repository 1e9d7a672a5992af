//! What the guards of a router write into its OpenAPI document.
#![cfg(feature = "openapi")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]
#![allow(clippy::too_many_arguments, reason = "handlers of every arity are tried")]

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use countersign_axum::openapi::PasswordFlow;
use countersign_axum::{
    Bearer, Claims, CurrentUser, ErrorStyle, Guard, LoadUser, Refusal, Requirement, Requires, Scope, Scoped,
    Unavailable, routes,
};
use serde_json::{Value, json};
use utoipa::openapi::{Info, OpenApi, Paths};
use utoipa_axum::router::OpenApiRouter;

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

struct User;
impl LoadUser<Guard> for User {
    async fn load_user(_: &Claims, _: &Guard) -> Result<Option<Self>, Unavailable> {
        Ok(None)
    }
}

/// An extractor that a program builds of a guard, and that hands on what the guard demands.
struct ActiveUser;
impl axum::extract::FromRequestParts<Guard> for ActiveUser {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut http::request::Parts, guard: &Guard) -> Result<Self, Refusal> {
        CurrentUser::<User>::from_request_parts(parts, guard).await.map(|_| Self)
    }
}
impl Requires for ActiveUser {
    fn requirement() -> Requirement {
        CurrentUser::<User>::requirement()
    }
}

/// Open to everybody.
#[utoipa::path(get, path = "/", responses((status = 200, description = "Welcome")))]
async fn open() -> &'static str {
    "welcome"
}

/// Any good token.
#[utoipa::path(get, path = "/hello", responses((status = 200, description = "A greeting")))]
async fn hello(Bearer(_): Bearer) {}

/// With a token, or without.
#[utoipa::path(get, path = "/maybe", responses((status = 200, description = "A greeting")))]
async fn maybe(_: Option<Bearer>) {}

/// The user and a scope.
#[utoipa::path(get, path = "/items/{id}", params(("id" = u32, Path)), responses((status = 200, description = "An item")))]
async fn item(_: State<Guard>, _: Path<u32>, _: CurrentUser<User>, _: Scoped<ItemsRead>) {}

/// Several guards, and one optional.
#[utoipa::path(put, path = "/items/{id}", params(("id" = u32, Path)), responses((status = 204, description = "Done")))]
async fn put_item(
    _: Option<CurrentUser<User>>,
    _: Scoped<(ItemsWrite, ItemsRead)>,
    _: Scoped<ItemsRead>,
    _: Path<u32>,
    _: RawQuery,
    _: Json<Value>,
) {
}

/// An extractor of the program's own; its own 401 stays.
#[utoipa::path(get, path = "/active", responses((status = 200, description = "Yes"), (status = 401, description = "By hand")))]
async fn active(_: ActiveUser) {}

fn document(flow: &PasswordFlow) -> Value {
    let items = OpenApiRouter::new().routes(routes!(item, put_item));
    let document = OpenApi::new(Info::new("Items", "1.0"), Paths::new());
    let (_, mut document) = OpenApiRouter::<Guard>::with_openapi(document)
        .routes(routes!(open))
        .routes(routes!(hello))
        .routes(routes!(maybe,))
        .routes(routes!(active))
        .nest("/api", items)
        .split_for_parts();
    flow.write_to(&mut document);
    serde_json::to_value(&document).expect("a document")
}

#[test]
fn the_document_of_a_guarded_router() {
    insta::assert_json_snapshot!(document(&PasswordFlow::at("token")));
}

#[test]
fn the_bodies_of_errors_are_documented_in_the_style_of_the_guard() {
    let document = document(&PasswordFlow::at("token").style(ErrorStyle::FastApi));
    let content = &document["components"]["responses"]["NotAuthenticated"]["content"];
    assert_eq!(content["application/json"]["schema"]["required"], json!(["detail"]));
    assert_eq!(content.as_object().expect("media types").len(), 1);
}

#[test]
fn handlers_of_every_arity_are_read() {
    #[utoipa::path(get, path = "/sixteen")]
    async fn sixteen(
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: State<Guard>,
        _: Scoped<ItemsRead>,
    ) {
    }
    let (_, document) = OpenApiRouter::<Guard>::new().routes(routes!(sixteen)).split_for_parts();
    let document = serde_json::to_value(&document).expect("a document");
    let expected = json!([{ "OAuth2PasswordBearer": ["items:read"] }]);
    assert_eq!(document["paths"]["/sixteen"]["get"]["security"], expected);
}

#[cfg(feature = "form")]
#[test]
fn the_token_request_and_its_answer_have_schemas() {
    use countersign_axum::form::{PasswordForm, TokenAnswer};
    use utoipa::{PartialSchema as _, ToSchema};

    let schema = serde_json::to_value(PasswordForm::schema()).expect("a schema");
    assert_eq!(PasswordForm::name(), "PasswordForm");
    assert_eq!(schema["required"], json!(["grant_type", "username", "password"]));
    assert_eq!(schema["properties"]["password"]["format"], "password");
    let schema = serde_json::to_value(TokenAnswer::schema()).expect("a schema");
    assert_eq!(schema["required"], json!(["access_token", "token_type"]));
    assert_eq!(schema["properties"]["expires_in"]["format"], "int64");
}
