//! `HttpException`: an error answer in FastAPI's shape, for handlers.

use axum_core::response::{IntoResponse, Response};
use countersign_token::IssueError;
use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::fastapi::validation::{FieldError, ValidationError};
use crate::form::answer::forbid_storing;
#[cfg(feature = "login")]
use crate::login::LoginError;
use crate::problem::json_response;
use crate::refusal::{INTERNAL_SERVER_ERROR, Refusal, UNAVAILABLE};
use crate::revocation::Unavailable;

/// An error answer: a status, and `{"detail": …}` as `application/json`; a 401 carries a `Bearer` challenge.
///
/// ```
/// use countersign_axum::fastapi::HttpException;
/// use http::StatusCode;
///
/// async fn item() -> Result<String, HttpException> {
///     Err(HttpException::new(StatusCode::NOT_FOUND, "Item not found"))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct HttpException {
    status: StatusCode,
    detail: Value,
    /// Boxed: an error that is large is paid for by every success.
    headers: Box<HeaderMap>,
}

impl HttpException {
    /// An answer with this status. The detail is a text for people, or whatever JSON the callers expect.
    pub fn new(status: StatusCode, detail: impl Into<Value>) -> Self {
        let mut exception = Self { status, detail: detail.into(), headers: Box::default() };
        if status == StatusCode::UNAUTHORIZED {
            exception.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        exception
    }

    /// The answer to a wrong name and to a wrong password alike, in the words of FastAPI's tutorial (R-009).
    pub fn wrong_credentials() -> Self {
        let mut exception = Self::new(StatusCode::UNAUTHORIZED, "Incorrect username or password");
        forbid_storing(&mut exception.headers);
        exception
    }

    /// The same, with a header in place of any of that name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// 503 with `Retry-After`.
    fn try_later(detail: &'static str, seconds: u32) -> Self {
        let exception = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        exception.header(RETRY_AFTER, seconds.into()).header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }
}

impl IntoResponse for HttpException {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, "application/json", &json!({ "detail": self.detail }));
        response.headers_mut().extend(*self.headers);
        response
    }
}

impl From<ValidationError> for HttpException {
    fn from(error: ValidationError) -> Self {
        let mut exception = Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_json());
        forbid_storing(&mut exception.headers);
        exception
    }
}

impl From<FieldError> for HttpException {
    fn from(error: FieldError) -> Self {
        ValidationError::from(error).into()
    }
}

impl From<Refusal> for HttpException {
    /// The refusal of a guard, handed on by an extractor that is built of it.
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.error().status(), detail: refusal.detail().into(), headers: Box::new(refusal.headers()) }
    }
}

impl From<IssueError> for HttpException {
    /// A token could not be made: 503 when the system gave no randomness, otherwise 500, since a program that keeps its
    /// subjects and scopes within bounds never asks for such a token.
    fn from(error: IssueError) -> Self {
        tracing::error!(%error, "a token could not be issued");
        match error {
            IssueError::System => Self::try_later("No token can be issued now, try again later", 1),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL_SERVER_ERROR),
        }
    }
}

#[cfg(feature = "login")]
impl From<LoginError> for HttpException {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::WrongCredentials => Self::wrong_credentials(),
            LoginError::Busy { retry_after_s } => {
                Self::try_later("Too many logins at once, try again later", retry_after_s)
            }
            LoginError::Unavailable => Self::try_later("Nobody can log in now, try again later", 1),
        }
    }
}

impl From<Unavailable> for HttpException {
    /// The cause goes to the log, not to the caller.
    fn from(error: Unavailable) -> Self {
        tracing::error!(%error, "a request could not be answered");
        Self::try_later(UNAVAILABLE, 1)
    }
}
