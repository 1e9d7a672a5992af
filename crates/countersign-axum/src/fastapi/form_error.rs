//! What FastAPI answers to a form that it does not take.

use axum_core::response::{IntoResponse, Response};
use http::StatusCode;

use crate::fastapi::exception::HttpException;
use crate::fastapi::validation::ValidationError;
use crate::form::answer::forbid_storing;

/// Why a form is refused, answered in FastAPI's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// 422: fields are missing or wrong, in the order `grant_type`, `username`, `password`.
    #[error(transparent)]
    Fields(#[from] ValidationError),
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

impl IntoResponse for FormError {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Fields(error) => return HttpException::from(error).into_response(),
            Self::MissingBoundary => (StatusCode::BAD_REQUEST, "Missing boundary in multipart."),
            Self::InvalidMultipart => (StatusCode::BAD_REQUEST, "Invalid multipart data."),
            Self::TooManyFields => (StatusCode::BAD_REQUEST, "Too many fields. Maximum number of fields is 1000."),
            Self::FieldTooLarge => (StatusCode::BAD_REQUEST, "Field exceeded maximum size of 1024KB."),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Form exceeded maximum size of 4096KB."),
            Self::Broken => (StatusCode::BAD_REQUEST, "The form did not arrive whole."),
        };
        let mut response = HttpException::new(status, detail).into_response();
        forbid_storing(response.headers_mut());
        response
    }
}
