//! Guards, forms and answers write themselves into the document of a utoipa-axum router.
//!
//! [`routes!`](crate::routes) stands in for the macro of utoipa-axum; nothing else changes. At the end, [`PasswordFlow`]
//! adds the security scheme that the routes refer to.
//!
//! ```
//! use countersign_axum::{Guard, Scope, Scoped, openapi::PasswordFlow, routes};
//! use utoipa_axum::router::OpenApiRouter;
//!
//! struct ItemsRead;
//!
//! impl Scope for ItemsRead {
//!     const NAME: &'static str = "items:read";
//!     const DESCRIPTION: &'static str = "Read items.";
//! }
//!
//! #[utoipa::path(get, path = "/items", responses((status = OK, description = "The items")))]
//! async fn items(token: Scoped<ItemsRead>) -> String {
//!     format!("The items of {}", token.claims().subject())
//! }
//!
//! let (router, mut document) = OpenApiRouter::<Guard>::new().routes(routes!(items)).split_for_parts();
//! PasswordFlow::at("token").write_to(&mut document);
//!
//! let document = serde_json::to_value(&document).unwrap();
//! let security = &document["paths"]["/items"]["get"]["security"];
//! assert_eq!(*security, serde_json::json!([{ "OAuth2PasswordBearer": ["items:read"] }]));
//! # let _ = router;
//! ```

mod part;
mod handler;
#[cfg(feature = "form")]
mod schema;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, RefOr};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::document::{GUARD_ANSWERS, GuardAnswer, SCOPES_EXTENSION};
use crate::requirement::SECURITY_SCHEME;

pub use crate::document::PasswordFlow;
pub use crate::openapi::part::{DescribeAnswer, DescribeParameter, OperationPart};

/// The drop-in for `utoipa_axum::routes!`: the same face, and handlers document themselves by their types.
///
/// A parameter that is a guard, or implements [`Requires`](crate::Requires), adds its security requirement, its scopes
/// and its answers to the operation; `Json<T>` and the forms of this crate, or whatever implements
/// [`DescribeParameter`](crate::openapi::DescribeParameter), add the request's body. A handler that returns `Json<T>`, a
/// [`TokenAnswer`](crate::form::TokenAnswer), or a `Result` of these, adds its answer. All other types are left alone, and so
/// is what `#[utoipa::path]` says. The calling crate needs `axum`, `utoipa` and `utoipa-axum` among its dependencies, as for
/// the original.
#[macro_export]
macro_rules! routes {
    ($first:path $(, $handler:path)* $(,)?) => {{
        #[allow(unused_mut)]
        let mut routes = $crate::__guarded_routes!($first);
        $( $crate::openapi::join(&mut routes, $crate::__guarded_routes!($handler)); )*
        routes
    }};
}

/// The guards among the parameters are asked on their own besides: what the compiler says of them says what to do.
#[doc(hidden)]
#[macro_export]
macro_rules! __guarded_routes {
    ($handler:path) => {{
        let state = $crate::openapi::StateOf::router();
        let parts = $crate::__parts_of!($handler, &state);
        $crate::openapi::described(state, $crate::openapi::upstream::routes!($handler), &parts)
    }};
}

#[doc(hidden)]
pub use crate::openapi::handler::{
    AnswerMarker, Marker, Outspoken, OutspokenAnswer, Parameters, Silent, SilentAnswer, StateOf, parameters_of,
};
#[doc(hidden)]
pub use utoipa_axum as upstream;

impl PasswordFlow {
    /// Completes the document of a router made with [`routes!`](crate::routes).
    ///
    /// Call it when all routes are in. What the document says already under the same names stays as it is.
    pub fn write_to(&self, document: &mut OpenApi) {
        let declared = Declared::take(document);
        let components = document.components.get_or_insert_default();
        if let Some(scheme) = read(&self.to_json(&declared.scopes)) {
            components.security_schemes.entry(SECURITY_SCHEME.to_owned()).or_insert(scheme);
        }
        for answer in declared.answers {
            if let Some(response) = read(&answer.to_json(self.style)) {
                components.responses.entry(answer.component.to_owned()).or_insert(response);
            }
        }
    }
}

/// What [`described`] left with the operations.
#[derive(Default)]
struct Declared {
    scopes: Map<String, Value>,
    answers: Vec<GuardAnswer>,
}

impl Declared {
    fn take(document: &mut OpenApi) -> Self {
        let mut declared = Self::default();
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            if let Some(extensions) = &mut operation.extensions
                && let Some(Value::Object(scopes)) = extensions.remove(SCOPES_EXTENSION)
            {
                declared.scopes.extend(scopes);
            }
            operation.extensions.take_if(|extensions| extensions.is_empty());
            for answer in GUARD_ANSWERS {
                let response = operation.responses.responses.get(answer.status.as_str());
                let referred = matches!(response, Some(RefOr::Ref(to)) if to.ref_location == answer.reference());
                if referred && !declared.answers.contains(&answer) {
                    declared.answers.push(answer);
                }
            }
        }
        declared
    }
}

/// Lets the parts of one handler describe its operations.
#[doc(hidden)]
pub fn described<S>(
    _: StateOf<S>,
    (mut schemas, mut paths, router): UtoipaMethodRouter<S>,
    parts: &[fn(&mut OperationPart<'_>)],
) -> UtoipaMethodRouter<S> {
    for operation in paths.paths.values_mut().flat_map(operations) {
        for describe in parts {
            describe(&mut OperationPart { operation, schemas: &mut schemas });
        }
    }
    (schemas, paths, router)
}

/// Adds the routes of another handler.
#[doc(hidden)]
pub fn join<S: Clone>(all: &mut UtoipaMethodRouter<S>, (schemas, paths, router): UtoipaMethodRouter<S>) {
    all.0.extend(schemas);
    all.1.merge(paths);
    all.2 = std::mem::take(&mut all.2).merge(router);
}

pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let known = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
        &mut item.query,
    ];
    known.into_iter().flatten().chain(item.additional_operations.values_mut())
}

/// The methods of a path in the document.
#[cfg(feature = "fastapi")]
pub(crate) fn methods(item: &PathItem) -> impl Iterator<Item = &'static str> {
    let known = [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("DELETE", &item.delete),
        ("OPTIONS", &item.options),
        ("HEAD", &item.head),
        ("PATCH", &item.patch),
        ("TRACE", &item.trace),
    ];
    known.into_iter().filter_map(|(method, operation)| operation.is_some().then_some(method))
}

/// utoipa keeps some members private; its types are read and written through serde.
fn read<T: DeserializeOwned>(value: &impl Serialize) -> Option<T> {
    serde_json::from_value(serde_json::to_value(value).ok()?).ok()
}
