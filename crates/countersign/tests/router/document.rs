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

#[test]
fn every_answer_and_every_operation_says_what_it_is() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let known = answer["description"].is_string() || answer["$ref"].is_string();
                assert!(known, "{method} {path} {status}");
            }
        }
    }
}
