//! Guards write themselves into the document of an aide router, from the same facts as for utoipa.
//!
//! Nothing is to be done at the routes. At the end, [`PasswordFlow`] adds what they refer to.
//!
//! ```
//! use aide::{axum::{ApiRouter, routing::get}, openapi::OpenApi};
//! use countersign_axum::{Bearer, Guard, aide::PasswordFlow};
//!
//! async fn hello(Bearer(claims): Bearer) -> String {
//!     format!("Hello, {}", claims.subject())
//! }
//!
//! let mut document = OpenApi::default();
//! let router = ApiRouter::<Guard>::new().api_route("/hello", get(hello)).finish_api(&mut document);
//! PasswordFlow::at("token").write_to_aide(&mut document);
//! # let _ = router;
//! ```
//!
//! aide itself documents `Option<T>` as it documents `T`. In an aide router an optional guard is therefore written
//! [`Optional<Bearer>`](Optional).

use std::collections::BTreeMap;

use ::aide::OperationInput;
use ::aide::generate::GenContext;
use ::aide::openapi::{OpenApi, Operation, Parameter, PathItem, ReferenceOr, StatusCode};
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::bearer::{Bearer, FromClaims};
use crate::document::{self, Alternatives, GUARD_ANSWERS, GuardAnswer, PARAMETERS_EXTENSION, SCOPES_EXTENSION};
#[cfg(feature = "entity")]
use crate::entity::{Entitled, Entity};
use crate::requirement::{Requirement, Requires, SECURITY_SCHEME};
use crate::scope::RequiredScopes;
use crate::scoped::Scoped;
use crate::user::CurrentUser;

pub use crate::document::PasswordFlow;

/// Writes what `T` demands into an operation: for the `OperationInput` of an extractor that is built of a guard.
///
/// ```
/// # use countersign_axum::{CurrentUser, Requirement, Requires};
/// # struct User;
/// # struct ActiveUser(User);
/// # impl Requires for ActiveUser {
/// #     fn requirement() -> Requirement { CurrentUser::<User>::requirement() }
/// # }
/// use aide::{OperationInput, generate::GenContext, openapi::Operation};
///
/// impl OperationInput for ActiveUser {
///     fn operation_input(_: &mut GenContext, operation: &mut Operation) {
///         countersign_axum::aide::describe::<Self>(operation);
///     }
/// }
/// ```
pub fn describe<T: Requires>(operation: &mut Operation) {
    let requirement = T::requirement();
    let written = std::mem::take(&mut operation.security);
    let mut security: Alternatives = written.into_iter().map(BTreeMap::from_iter).collect();
    document::demand(&mut security, &requirement);
    operation.security = security.into_iter().map(FromIterator::from_iter).collect();
    let responses = &mut operation.responses.get_or_insert_default().responses;
    for answer in document::answers(&requirement) {
        let status = StatusCode::Code(answer.status.as_u16());
        responses.entry(status).or_insert_with(|| ReferenceOr::ref_(&answer.reference()));
    }
    let descriptions = document::descriptions(&requirement);
    if !descriptions.is_empty() {
        let scopes = operation.extensions.entry(SCOPES_EXTENSION.to_owned()).or_insert_with(|| Map::new().into());
        if let Value::Object(scopes) = scopes {
            scopes.extend(descriptions);
        }
    }
    for name in requirement.path_parameters {
        let names = operation.extensions.entry(PARAMETERS_EXTENSION.to_owned()).or_insert_with(|| json!([]));
        if let Value::Array(names) = names {
            names.push(name.into());
        }
    }
}

impl<T: FromClaims> OperationInput for Bearer<T> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::<Self>(operation);
    }
}

impl<U> OperationInput for CurrentUser<U> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::<Self>(operation);
    }
}

impl<R: RequiredScopes> OperationInput for Scoped<R> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::<Self>(operation);
    }
}

#[cfg(feature = "entity")]
impl<E: Entity, R: RequiredScopes> OperationInput for Entitled<E, R> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::<Self>(operation);
    }
}

/// An optional guard that aide documents as one: what `Option` is elsewhere.
#[derive(Clone, Debug)]
pub struct Optional<T>(pub Option<T>);

impl<T: Requires> Requires for Optional<T> {
    fn requirement() -> Requirement {
        T::requirement().or_nothing()
    }
}

impl<T: Requires> OperationInput for Optional<T> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::<Self>(operation);
    }
}

impl<S: Send + Sync, T: OptionalFromRequestParts<S>> FromRequestParts<S> for Optional<T> {
    type Rejection = T::Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, T::Rejection> {
        T::from_request_parts(parts, state).await.map(Self)
    }
}

impl PasswordFlow {
    /// Completes the document of an aide router, after `finish_api`.
    ///
    /// What the document says already under the same names stays as it is.
    pub fn write_to_aide(&self, document: &mut OpenApi) {
        let declared = Declared::take(document);
        let components = document.components.get_or_insert_default();
        let mut scheme = self.to_json(&declared.scopes);
        if let Some(flow) = scheme.pointer_mut("/flows/password").and_then(Value::as_object_mut) {
            // aide writes `"refreshUrl": null` where there is none, which is no valid document. Refreshing is done at
            // the token endpoint (RFC 6749 section 6).
            flow.insert("refreshUrl".to_owned(), self.token_url.as_str().into());
        }
        if let Some(scheme) = read(scheme) {
            components.security_schemes.entry(SECURITY_SCHEME.to_owned()).or_insert(ReferenceOr::Item(scheme));
        }
        for answer in declared.answers {
            if let Some(response) = read(answer.to_json(self.style)) {
                components.responses.entry(answer.component.to_owned()).or_insert(ReferenceOr::Item(response));
            }
        }
    }
}

/// What [`describe`] left with the operations.
#[derive(Default)]
struct Declared {
    scopes: Map<String, Value>,
    answers: Vec<GuardAnswer>,
}

impl Declared {
    fn take(document: &mut OpenApi) -> Self {
        let mut declared = Self::default();
        let items = document.paths.iter_mut().flat_map(|paths| paths.paths.values_mut());
        for operation in items.flat_map(operations) {
            if let Some(Value::Object(scopes)) = operation.extensions.shift_remove(SCOPES_EXTENSION) {
                declared.scopes.extend(scopes);
            }
            if let Some(Value::Array(names)) = operation.extensions.shift_remove(PARAMETERS_EXTENSION) {
                names.iter().filter_map(Value::as_str).for_each(|name| add_path_parameter(operation, name));
            }
            for answer in GUARD_ANSWERS {
                let status = StatusCode::Code(answer.status.as_u16());
                let response = operation.responses.as_ref().and_then(|responses| responses.responses.get(&status));
                let referred = matches!(response, Some(ReferenceOr::Reference { reference, .. })
                    if *reference == answer.reference());
                if referred && !declared.answers.contains(&answer) {
                    declared.answers.push(answer);
                }
            }
        }
        declared
    }
}

/// Adds a parameter that no extractor has described.
fn add_path_parameter(operation: &mut Operation, name: &str) {
    let documented = operation.parameters.iter().any(|parameter| {
        matches!(parameter, ReferenceOr::Item(Parameter::Path { parameter_data, .. }) if parameter_data.name == name)
    });
    if !documented && let Some(parameter) = read(document::path_parameter(name)) {
        operation.parameters.push(ReferenceOr::Item(parameter));
    }
}

fn operations(item: &mut ReferenceOr<PathItem>) -> impl Iterator<Item = &mut Operation> {
    let known = match item {
        ReferenceOr::Reference { .. } => None,
        ReferenceOr::Item(item) => Some([
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.options,
            &mut item.head,
            &mut item.patch,
            &mut item.trace,
        ]),
    };
    known.into_iter().flatten().flatten()
}

fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}
