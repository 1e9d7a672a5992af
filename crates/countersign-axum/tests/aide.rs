//! What the guards of a router write into aide's document: the same as into utoipa's.
#![cfg(feature = "aide")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

use aide::axum::ApiRouter;
use aide::axum::routing::get;
use aide::openapi::OpenApi;
use countersign_axum::aide::{Optional, PasswordFlow};
use countersign_axum::{Bearer, Claims, CurrentUser, Guard, LoadUser, Scope, Scoped, Unavailable};
use serde_json::{Value, json};

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

async fn open() {}
async fn hello(_: Bearer) {}
async fn maybe(_: Optional<Bearer>) {}
async fn item(_: CurrentUser<User>, _: Scoped<ItemsRead>, _: Scoped<(ItemsWrite, ItemsRead)>) {}

fn document() -> Value {
    aide::generate::on_error(|error| panic!("aide complains: {error}"));
    let mut document = OpenApi::default();
    let router: axum::Router<Guard> = ApiRouter::new()
        .api_route("/", get(open))
        .api_route("/hello", get(hello))
        .api_route("/maybe", get(maybe))
        .api_route("/item", get(item))
        .finish_api(&mut document);
    drop(router);
    PasswordFlow::at("token").write_to_aide(&mut document);
    serde_json::to_value(&document).expect("a document")
}

#[test]
fn guards_document_themselves_in_aide() {
    let document = document();
    let operation = |path: &str| document["paths"][path]["get"].clone();
    assert_eq!(operation("/")["security"], Value::Null);
    assert_eq!(operation("/hello")["security"], json!([{ "OAuth2PasswordBearer": [] }]));
    assert_eq!(operation("/maybe")["security"], json!([{}, { "OAuth2PasswordBearer": [] }]));
    let item = operation("/item");
    assert_eq!(item["security"], json!([{ "OAuth2PasswordBearer": ["items:read", "items:write"] }]));
    assert_eq!(item["responses"]["401"], json!({ "$ref": "#/components/responses/NotAuthenticated" }));
    assert_eq!(item["responses"]["403"], json!({ "$ref": "#/components/responses/NotEnoughPermissions" }));
    assert_eq!(item["responses"]["503"], json!({ "$ref": "#/components/responses/Unavailable" }));
    assert_eq!(item["x-countersign-scopes"], Value::Null);
    let flow = &document["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"]["password"];
    let scopes = json!({ "items:read": "Read items.", "items:write": "Write items." });
    assert_eq!(*flow, json!({ "tokenUrl": "token", "refreshUrl": "token", "scopes": scopes }));
    let responses = document["components"]["responses"].as_object().expect("responses");
    assert_eq!(responses.keys().collect::<Vec<_>>(), ["NotAuthenticated", "NotEnoughPermissions", "Unavailable"]);
}

#[cfg(feature = "entity")]
#[test]
fn the_parameter_by_which_a_guard_knows_an_entity_is_documented_once() {
    use axum::extract::Path;
    use countersign_axum::{Entitled, Entity};

    struct Item;
    impl Entity for Item {
        const KIND: &'static str = "item";
    }

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[allow(dead_code, reason = "its schema is what counts")]
    struct Named {
        item: u32,
    }

    aide::generate::on_error(|error| panic!("aide complains: {error}"));
    let mut document = OpenApi::default();
    let router: axum::Router<Guard> = ApiRouter::new()
        .api_route("/items/{item}", get(|_: Entitled<Item, ItemsRead>| async {}))
        .api_route("/named/{item}", get(|_: Entitled<Item, ItemsRead>, _: Path<Named>| async {}))
        .finish_api(&mut document);
    drop(router);
    PasswordFlow::at("token").write_to_aide(&mut document);
    let document = serde_json::to_value(&document).expect("a document");
    let parameters = |path: &str| document["paths"][path]["get"]["parameters"].as_array().expect("parameters").clone();
    let [parameter] = &parameters("/items/{item}")[..] else { panic!("one parameter") };
    assert_eq!((&parameter["name"], &parameter["in"]), (&json!("item"), &json!("path")));
    let [parameter] = &parameters("/named/{item}")[..] else { panic!("one parameter") };
    assert_eq!(parameter["schema"]["type"], "integer", "what the program says of it stays");
    assert!(!document.to_string().contains("x-countersign"), "nothing of ours is left");
}
