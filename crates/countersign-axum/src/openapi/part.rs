//! What the parameters and the answer of a handler say of themselves in the document.

use axum::Json;
use http::StatusCode;
use utoipa::ToSchema;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder, Schema};

use serde_json::{Map, Value};

use crate::document::{self, SCOPES_EXTENSION};
use crate::openapi::read;
use crate::requirement::{Requirement, Requires};

/// The operation of a handler in the document, as its parameters and its answer add to it. What was written by hand stays.
pub struct OperationPart<'o> {
    pub(super) operation: &'o mut Operation,
    pub(super) schemas: &'o mut Vec<(String, RefOr<Schema>)>,
}

/// A parameter of a handler that says what it takes: the guards do, and so can an extractor of your own.
///
/// ```
/// use countersign_axum::openapi::{DescribeParameter, OperationPart};
///
/// #[derive(utoipa::ToSchema)]
/// struct Feedback { text: String }
///
/// struct FeedbackForm(Feedback);
///
/// impl DescribeParameter for FeedbackForm {
///     fn describe(part: &mut OperationPart<'_>) {
///         part.request_body::<Feedback>("application/x-www-form-urlencoded");
///     }
/// }
/// ```
pub trait DescribeParameter {
    /// Adds what the parameter takes.
    fn describe(part: &mut OperationPart<'_>);
}

/// What a handler answers, if its type says so.
pub trait DescribeAnswer {
    /// Adds the answer.
    fn describe(part: &mut OperationPart<'_>);
}

impl OperationPart<'_> {
    /// The request has a body of this type.
    pub fn request_body<T: ToSchema>(&mut self, media_type: &str) {
        if self.operation.request_body.is_none() {
            let content = ContentBuilder::new().schema(Some(self.schema::<T>())).build();
            let body = RequestBodyBuilder::new().content(media_type, content).required(Some(Required::True)).build();
            self.operation.request_body = Some(RefOr::T(body));
        }
    }

    /// The handler answers with a body of this type. A success is added only where no other one is documented.
    pub fn answer<T: ToSchema>(&mut self, status: StatusCode, description: &str, media_type: &str) {
        let answers = &self.operation.responses.responses;
        let documented = answers.contains_key(status.as_str())
            || (status.is_success() && answers.keys().any(|known| known.starts_with('2')));
        if !documented {
            let content = ContentBuilder::new().schema(Some(self.schema::<T>())).build();
            let answer = ResponseBuilder::new().description(description).content(media_type, content).build();
            self.operation.responses.responses.insert(status.as_str().to_owned(), RefOr::T(answer));
        }
    }

    /// A named object is kept once among the document's components and referred to; all else stands where it is used.
    fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(self.schemas);
        let schema = T::schema();
        if !matches!(&schema, RefOr::T(Schema::Object(object)) if !object.properties.is_empty()) {
            return schema;
        }
        let name = T::name();
        let reference = RefOr::Ref(Ref::from_schema_name(&*name));
        if self.schemas.iter().all(|(known, _)| *known != name) {
            self.schemas.push((name.into_owned(), schema));
        }
        reference
    }

    /// A parameter of the path that a guard reads.
    fn path_parameter(&mut self, name: &str) {
        let parameters = self.operation.parameters.get_or_insert_default();
        let documented = parameters.iter().any(|parameter| {
            matches!(parameter, RefOr::T(known) if known.name == name && known.parameter_in == ParameterIn::Path)
        });
        if !documented && let Some(parameter) = read(&document::path_parameter(name)) {
            parameters.push(RefOr::T(parameter));
        }
    }

    /// What a guard demands.
    fn demand(&mut self, requirement: &Requirement) {
        let mut security = self.operation.security.as_ref().and_then(read).unwrap_or_default();
        document::demand(&mut security, requirement);
        self.operation.security = read(&security);
        for answer in document::answers(requirement) {
            let reference = RefOr::Ref(Ref::new(answer.reference()));
            self.operation.responses.responses.entry(answer.status.as_str().to_owned()).or_insert(reference);
        }
        for name in &requirement.path_parameters {
            self.path_parameter(name);
        }
        let descriptions = document::descriptions(requirement);
        if !descriptions.is_empty() {
            let extensions = self.operation.extensions.get_or_insert_with(Extensions::default);
            let scopes = extensions.entry(SCOPES_EXTENSION.to_owned()).or_insert_with(|| Map::new().into());
            if let Value::Object(scopes) = scopes {
                scopes.extend(descriptions);
            }
        }
    }
}

impl<T: Requires> DescribeParameter for T {
    fn describe(part: &mut OperationPart<'_>) {
        part.demand(&T::requirement());
    }
}

impl<T: ToSchema> DescribeParameter for Json<T> {
    fn describe(part: &mut OperationPart<'_>) {
        part.request_body::<T>("application/json");
    }
}

impl<T: ToSchema> DescribeAnswer for Json<T> {
    fn describe(part: &mut OperationPart<'_>) {
        part.answer::<T>(StatusCode::OK, "The answer", "application/json");
    }
}

/// The success; what an error looks like is for the handler's own documentation to say.
impl<T: DescribeAnswer, E> DescribeAnswer for Result<T, E> {
    fn describe(part: &mut OperationPart<'_>) {
        T::describe(part);
    }
}
