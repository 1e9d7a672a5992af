//! What other programs need to check our tokens: the metadata (RFC 8414) and the public keys (RFC 7517).

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use countersign_axum::ErrorStyle;
use countersign_token::ClientAssertion;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Countersign;
use crate::http::error::ApiError;

/// How the document groups these routes.
pub(crate) const TAG: &str = "discovery";

/// How a client says who it is.
const METHODS: [&str; 4] = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
const METHODS_WITH_PROOF: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
/// What it may sign an assertion with.
const ASSERTION_ALGORITHMS: [&str; 4] = {
    let [first, second, third, fourth] = ClientAssertion::ALGORITHMS;
    [first.name(), second.name(), third.name(), fourth.name()]
};

/// The authorization server's metadata (RFC 8414 section 2): only what is really supported.
#[derive(Serialize, ToSchema)]
pub(crate) struct Metadata {
    issuer: String,
    token_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    jwks_uri: String,
    /// Empty: there is no authorization endpoint.
    response_types_supported: [&'static str; 0],
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: [&'static str; 4],
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    /// Of signed answers (RFC 9701).
    introspection_signing_alg_values_supported: [&'static str; 1],
    scopes_supported: Vec<&'static str>,
    service_documentation: String,
}

/// The metadata of this authorization server.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = TAG,
    responses((status = 200, description = "Metadata of RFC 8414", body = Metadata)))]
pub(crate) async fn read_metadata(State(app): State<Countersign>) -> Json<Metadata> {
    let issuer = &app.settings().issuer;
    let at = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
    // FastAPI's form has a place for a client, but its programs fill it with what they like.
    let (methods, algorithms) = match app.settings().error_style {
        ErrorStyle::Problem => (METHODS.to_vec(), ASSERTION_ALGORITHMS.to_vec()),
        ErrorStyle::FastApi => (vec!["none"], Vec::new()),
    };
    Json(Metadata {
        issuer: issuer.clone(),
        token_endpoint: at("/token"),
        revocation_endpoint: at("/revoke"),
        introspection_endpoint: at("/introspect"),
        jwks_uri: at("/.well-known/jwks.json"),
        response_types_supported: [],
        grant_types_supported: app.grants().offered(),
        token_endpoint_auth_methods_supported: methods,
        token_endpoint_auth_signing_alg_values_supported: algorithms,
        revocation_endpoint_auth_methods_supported: METHODS,
        revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
        introspection_endpoint_auth_methods_supported: METHODS_WITH_PROOF,
        introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
        introspection_signing_alg_values_supported: [app.keyring().current().issuer.key().algorithm().name()],
        scopes_supported: crate::scopes::NAMES.to_vec(),
        service_documentation: at("/docs"),
    })
}

/// The same at the place of an issuer that has a path (RFC 8414 section 3.1: the path comes after the well-known part).
pub(crate) async fn read_metadata_at_path(
    State(app): State<Countersign>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let (_, authority_and_path) = app.settings().issuer.split_once("://").unwrap_or_default();
    let issuers_path = authority_and_path.split_once('/').map(|(_, path)| path.trim_end_matches('/'));
    if path.is_ok_and(|Path(path)| issuers_path == Some(path.as_str())) {
        read_metadata(State(app)).await.into_response()
    } else {
        ApiError::new(StatusCode::NOT_FOUND, "Not Found").into_response()
    }
}

/// The public keys that tokens are checked with.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = TAG, responses(
    (status = 200, content_type = "application/jwk-set+json", description = "A key set of RFC 7517"),
))]
pub(crate) async fn read_key_set(State(app): State<Countersign>) -> impl IntoResponse {
    let max_age = format!("public, max-age={}", app.settings().keys_max_age_s);
    let headers = [(CONTENT_TYPE, "application/jwk-set+json".to_owned()), (CACHE_CONTROL, max_age)];
    (headers, app.keyring().current().published.to_jwks().to_string())
}
