//! What FastAPI answers to a form that it does not take.

use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::form::answer::forbid_storing;
use crate::problem::{ErrorStyle, json_response};

/// Why a form is refused, answered in FastAPI's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FastApiFormError {
    /// 422: fields are missing or wrong, in the order `grant_type`, `username`, `password`.
    #[error("fields of the form are missing or wrong")]
    Fields(Vec<FieldError>),
    /// 400: a multipart body without a boundary.
    #[error("the Content-Type multipart/form-data needs a boundary")]
    MissingBoundary,
    /// 400: the body is not multipart.
    #[error("the body is not multipart/form-data")]
    InvalidMultipart,
    /// 400: more than 1000 fields.
    #[error("the form has more than 1000 fields")]
    TooManyFields,
    /// 400: a field over 1 MiB.
    #[error("a field of the form is larger than 1 MiB")]
    FieldTooLarge,
    /// 413: a body over 4 MiB.
    #[error("the form is larger than 4 MiB")]
    BodyTooLarge,
    /// 400: the body ended too early.
    #[error("the form did not arrive whole")]
    Broken,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// It is missing or empty.
    Missing(&'static str),
    /// It is an uploaded file.
    NotText(&'static str),
    /// `grant_type` is this, and not `password`.
    WrongGrantType(String),
}

impl FieldError {
    fn to_json(&self) -> Value {
        match self {
            Self::Missing(name) => {
                json!({ "type": "missing", "loc": ["body", name], "msg": "Field required", "input": null })
            }
            Self::NotText(name) => {
                let text = "Input should be a valid string";
                json!({ "type": "string_type", "loc": ["body", name], "msg": text, "input": null })
            }
            Self::WrongGrantType(grant) => json!({
                "type": "string_pattern_mismatch",
                "loc": ["body", "grant_type"],
                "msg": "String should match pattern '^password$'",
                "input": grant,
                "ctx": { "pattern": "^password$" },
            }),
        }
    }
}

impl IntoResponse for FastApiFormError {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Fields(errors) => {
                let detail: Vec<Value> = errors.iter().map(FieldError::to_json).collect();
                let body = json!({ "detail": detail });
                let mut response = json_response(StatusCode::UNPROCESSABLE_ENTITY, "application/json", &body);
                forbid_storing(response.headers_mut());
                return response;
            }
            Self::MissingBoundary => (StatusCode::BAD_REQUEST, "Missing boundary in multipart."),
            Self::InvalidMultipart => (StatusCode::BAD_REQUEST, "Invalid multipart data."),
            Self::TooManyFields => (StatusCode::BAD_REQUEST, "Too many fields. Maximum number of fields is 1000."),
            Self::FieldTooLarge => (StatusCode::BAD_REQUEST, "Field exceeded maximum size of 1024KB."),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Form exceeded maximum size of 4096KB."),
            Self::Broken => (StatusCode::BAD_REQUEST, "The form did not arrive whole."),
        };
        let mut response = ErrorStyle::FastApi.answer(status, detail);
        forbid_storing(response.headers_mut());
        response
    }
}
