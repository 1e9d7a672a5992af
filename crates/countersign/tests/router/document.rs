//! The document says what the routes do.

use axum::http::StatusCode;
use countersign::Profile;
use countersign_axum::ErrorStyle;
use serde_json::{Value, json};

use crate::common::Server;

fn document() -> Value {
    serde_json::to_value(countersign::http::document(ErrorStyle::Problem, Profile::OAuth2)).unwrap()
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
    let names = ["audit:read", "clients:read", "clients:write", "entities:write", "users:read", "users:write"];
    assert_eq!(scopes.keys().collect::<Vec<_>>(), names);
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

#[tokio::test]
async fn every_route_refuses_exactly_where_the_document_calls_it_guarded() {
    for style in [ErrorStyle::Problem, ErrorStyle::FastApi] {
        let server = Server::with(|settings| settings.error_style = style).await;
        let document = countersign::http::document(style, Profile::OAuth2);
        let differences = countersign_axum::testing::differences(server.router, &document).await;
        assert!(differences.is_empty(), "{differences:#?}");
    }
}

#[tokio::test]
async fn every_route_demands_exactly_the_scopes_that_the_document_names() {
    //
    let server = Server::new().await;
    server.register("alice").await;
    let token = server.log_in("alice").await;
    let mut demanding = 0;
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scopes = &operation["security"][0]["OAuth2PasswordBearer"];
            let Some([scope]) = scopes.as_array().map(Vec::as_slice) else { continue };
            let path = path.replace("{id}", "01a3185c-5000-7067-bd6f-a21fee486268");
            let answer = server.bare(&method.to_uppercase(), &path, Some(&token)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.contains(&format!("scope={scope}")), "{method} {path}: {challenge}");
            demanding += 1;
        }
    }
    assert_eq!(demanding, 14, "the routes that demand a scope");
}
