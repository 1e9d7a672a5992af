//! Test helpers for the authors of APIs. [`TestIssuer`] makes tokens and the guard that takes them; [`differences`] tells
//! whether the router refuses what its document calls guarded, and nothing else:
//!
//! ```
//! use axum::{Router, routing::get};
//! use countersign_axum::{Bearer, Guard};
//! # use countersign_axum::{Algorithm, Verifier, token::SigningKey};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let key = SigningKey::generate(Algorithm::Es256).unwrap().verification_key();
//! # let verifier = Verifier::new("https://as.example", "https://api.example", countersign_axum::KeySet::new(vec![key]).unwrap());
//! let router: Router = Router::new().route("/hello", get(|_: Bearer| async {})).with_state(Guard::new(verifier));
//! let document = serde_json::json!({ "paths": { "/hello": { "get": {} } } });
//!
//! let differences = countersign_axum::testing::differences(router, &document).await;
//! assert_eq!(differences.len(), 1);
//! assert_eq!(differences[0].to_string(), "GET /hello is documented as open and refuses a request without a token");
//! # }
//! ```

mod difference;
mod operation;
mod issuer;

use std::convert::Infallible;

use axum_core::body::Body;
use axum_core::extract::Request;
use axum_core::response::Response;
use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use serde::Serialize;
use tower_service::Service;

pub use crate::testing::difference::{Difference, DifferenceKind};
pub use crate::testing::issuer::TestIssuer;
use crate::testing::operation::{Access, Operation};

/// Calls every operation of the document twice, without a token and with a bad one, and compares.
///
/// Parameters of the path, and those that are required, are filled by their schemas; no body is sent. What is open is
/// really called, so give it a router over test data. Only 401 with a `Bearer` challenge counts as a refusal: a token
/// endpoint that challenges its clients with `Basic` is open in this sense. Routes that the document does not know
/// are out of sight, and a document without operations is a difference itself.
pub async fn differences<R>(router: R, document: &impl Serialize) -> Vec<Difference>
where
    R: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    let document = serde_json::to_value(document).unwrap_or_default();
    let operations = operation::all(&document);
    if operations.is_empty() {
        return vec![Difference { operation: "The document".to_owned(), kind: DifferenceKind::NothingDocumented }];
    }
    let mut differences = Vec::new();
    for operation in operations {
        let mut kinds = operation.undefined();
        kinds.extend(probe(&router, &operation).await);
        let name = operation.to_string();
        differences.extend(kinds.into_iter().map(|kind| Difference { operation: name.clone(), kind }));
    }
    differences
}

async fn probe<R>(router: &R, operation: &Operation<'_>) -> Vec<DifferenceKind>
where
    R: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    let without = call(router, operation, None).await;
    if without.status == StatusCode::METHOD_NOT_ALLOWED {
        return vec![DifferenceKind::NotServed];
    }
    let bad = call(router, operation, Some("Bearer bad")).await;
    let access = operation.access();
    let first = match access {
        Access::Guarded if !without.refused => Some(DifferenceKind::LetsPass(without.status)),
        Access::Open | Access::Optional if without.refused => Some(DifferenceKind::Refuses),
        _ => None,
    };
    let second = match access {
        Access::Guarded | Access::Optional if !bad.refused => Some(DifferenceKind::TakesBadToken(bad.status)),
        Access::Open if bad.refused && !without.refused => Some(DifferenceKind::RefusesBadToken),
        _ => None,
    };
    first.into_iter().chain(second).collect()
}

/// What matters of an answer.
struct Answer {
    status: StatusCode,
    refused: bool,
}

async fn call<R>(router: &R, operation: &Operation<'_>, authorization: Option<&'static str>) -> Answer
where
    R: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    let mut request = Request::new(Body::empty());
    *request.method_mut() = operation.method.clone();
    *request.uri_mut() = operation.uri();
    request.headers_mut().extend(operation.headers());
    request.headers_mut().extend(authorization.map(|text| (AUTHORIZATION, http::HeaderValue::from_static(text))));
    let mut router = router.clone();
    let Ok(()) = std::future::poll_fn(|context| router.poll_ready(context)).await;
    let Ok(response) = router.call(request).await;
    let challenged =
        response.headers().get_all(WWW_AUTHENTICATE).iter().any(|challenge| {
            challenge.as_bytes().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Bearer"))
        });
    let status = response.status();
    Answer { status, refused: challenged && status == StatusCode::UNAUTHORIZED }
}
