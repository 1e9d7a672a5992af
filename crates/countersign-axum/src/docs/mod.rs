//! The pages `/docs` (Swagger UI) and `/redoc`, and the document itself: everything out of the binary, nothing from
//! another host, under a strict content security policy, and with relative addresses only.
//!
//! ```
//! # fn main() -> Result<(), countersign_axum::docs::DocumentError> {
//! let document = serde_json::json!({ "openapi": "3.1.0", "info": { "title": "Items", "version": "1" }, "paths": {} });
//! let router: axum::Router = axum::Router::new().merge(countersign_axum::docs::router(&document)?);
//! # Ok(())
//! # }
//! ```

mod asset;
mod policy;
mod page;
mod file;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get};
use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use crate::docs::asset::{
    OAUTH2_REDIRECT_JS, REDOC_INIT_JS, REDOC_JS, REDOC_PAGE_CSS, SWAGGER_INIT_JS, SWAGGER_PAGE_CSS, SWAGGER_UI_CSS,
    SWAGGER_UI_JS,
};
use crate::docs::file::File;
use crate::docs::page::Page;

/// Where the document and the pages are, seen from the root of the program.
#[cfg(feature = "fastapi")]
pub(crate) const PAGES: [&str; 4] = ["/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"];

/// The document cannot be written as JSON.
#[derive(Debug, thiserror::Error)]
#[error("the OpenAPI document cannot be written as JSON: {0}")]
pub struct DocumentError(String);

/// Serves `/docs`, `/redoc`, `/openapi.json` and what belongs to them, for a document of utoipa, aide or any other.
///
/// The pages are titled by the document. The scripts on them may reach this host, and those that the document names
/// as servers or token endpoints. `GET` and `HEAD` only; answers carry entity tags, and are compressed once.
pub fn router<S>(document: &impl Serialize) -> Result<Router<S>, DocumentError>
where
    S: Clone + Send + Sync + 'static,
{
    let document = serde_json::to_value(document).map_err(|error| DocumentError(error.to_string()))?;
    let mut router = Router::new()
        .route("/openapi.json", serve(File::document(&document)))
        .route("/docs", serve(swagger_ui(&document)))
        .route("/docs/oauth2-redirect", serve(oauth2_redirect()))
        .route("/redoc", serve(redoc(&document)));
    for asset in asset::ALL {
        router = router.route(&format!("/docs/{}", asset.name), serve(File::asset(asset)));
    }
    Ok(router)
}

fn serve<S>(file: File) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let file = Arc::new(file);
    get(move |headers: HeaderMap| async move { file.answer(&headers) })
}

fn swagger_ui(document: &Value) -> File {
    File::page(&Page {
        title: &format!("{} - Swagger UI", title(document)),
        assets: "docs/",
        styles: &[SWAGGER_UI_CSS, SWAGGER_PAGE_CSS],
        element: "swagger-ui",
        scripts: &[SWAGGER_UI_JS, SWAGGER_INIT_JS],
        policy: policy::for_swagger_ui(document),
    })
}

fn redoc(document: &Value) -> File {
    File::page(&Page {
        title: &format!("{} - ReDoc", title(document)),
        assets: "docs/",
        styles: &[REDOC_PAGE_CSS],
        element: "redoc",
        scripts: &[REDOC_JS, REDOC_INIT_JS],
        policy: policy::for_redoc(),
    })
}

/// Where an authorization server sends the browser back to; Swagger UI's script takes it from there.
fn oauth2_redirect() -> File {
    File::page(&Page {
        title: "Swagger UI: OAuth2 Redirect",
        assets: "",
        styles: &[],
        element: "oauth2-redirect",
        scripts: &[OAUTH2_REDIRECT_JS],
        policy: policy::for_oauth2_redirect(),
    })
}

fn title(document: &Value) -> &str {
    document.pointer("/info/title").and_then(Value::as_str).unwrap_or("API")
}
