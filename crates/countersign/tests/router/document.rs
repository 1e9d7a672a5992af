//! The document says what the routes do.

use countersign_axum::ErrorStyle;
use serde_json::{Value, json};

fn document() -> Value {
    serde_json::to_value(countersign::http::document(ErrorStyle::Problem)).unwrap()
}

#[test]
fn the_document_changes_only_on_purpose() {
    insta::assert_json_snapshot!("openapi", document(), { ".info.version" => "[version]" });
}

#[test]
fn the_scopes_on_offer_are_the_scopes_that_the_routes_declare() {
    let document = document();
    let scheme = &document["components"]["securitySchemes"]["OAuth2PasswordBearer"];
    assert_eq!(scheme["flows"]["password"]["tokenUrl"], "token");
    let scopes = scheme["flows"]["password"]["scopes"].as_object().unwrap();
    assert_eq!(scopes.keys().collect::<Vec<_>>(), ["users:read", "users:write"]);
    let security = &document["paths"]["/users/{id}"]["patch"]["security"];
    assert_eq!(*security, json!([{ "OAuth2PasswordBearer": ["users:write"] }]));
}
