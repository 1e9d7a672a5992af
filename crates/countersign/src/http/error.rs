//! The one place where a failure becomes a status, for all routes but the token endpoint.

use std::borrow::Cow;

use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use countersign_axum::Problem;

use crate::accounts::AccountError;
use crate::clients::ClientChangeError;
use crate::entities::{DeclareError, MintError};
use crate::entity::EntityFault;
use crate::statuses::StatusListError;
use crate::store::StoreError;
use crate::throttles::{ThrottleError, Throttled};

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// The answer for a thing that is not there, and for one of somebody else.
pub(crate) const NO_SUCH_ENTITY: &str = "There is no such thing";

/// A refused request: a problem of RFC 9457.
#[derive(Debug)]
pub(crate) struct ApiError {
    problem: Problem,
    retry_after_s: Option<u32>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { problem: Problem::new(status, detail), retry_after_s: None }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such user")
    }

    /// A value that is not what it should be.
    pub(crate) fn invalid(reason: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason.to_string())
    }

    /// The same, which says which rule the value breaks.
    fn rule(self, rule: &'static str) -> Self {
        Self { problem: self.problem.rule(rule), ..self }
    }

    pub(crate) fn unavailable(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::try_later(1)
    }

    fn too_many(throttled: Throttled) -> Self {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, throttled.to_string());
        Self { problem, retry_after_s: Some(throttled.retry_after_s) }
    }

    fn try_later(retry_after_s: u32) -> Self {
        let problem =
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The server cannot answer now, try again in a moment");
        Self { problem, retry_after_s: Some(retry_after_s) }
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.problem.status
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let taken = |text| Self::new(StatusCode::CONFLICT, text);
        match error {
            StoreError::UsernameTaken => taken("The user name is taken: choose another"),
            // The name it looks like stays in the log: a stranger need not learn it.
            StoreError::UsernameConfusable { .. } => {
                taken("The user name looks like one that is taken: choose another")
            }
            StoreError::EmailTaken => taken("The e-mail address is taken: log in with it, or use another"),
            other => Self::unavailable(&other),
        }
    }
}

impl From<ThrottleError> for ApiError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::Throttled(throttled) => Self::too_many(throttled),
            ThrottleError::Store(error) => error.into(),
        }
    }
}

impl From<ClientChangeError> for ApiError {
    fn from(error: ClientChangeError) -> Self {
        let text = error.to_string();
        match error {
            ClientChangeError::NoSuchSecret => Self::new(StatusCode::NOT_FOUND, text),
            ClientChangeError::Store(error) => error.into(),
            _ => Self::new(StatusCode::CONFLICT, text),
        }
    }
}

impl From<DeclareError> for ApiError {
    fn from(error: DeclareError) -> Self {
        match error {
            DeclareError::Fault(fault @ EntityFault::Kind) => Self::new(StatusCode::NOT_FOUND, fault.to_string()),
            DeclareError::Store(error) => error.into(),
            wrong => Self::invalid(wrong),
        }
    }
}

impl From<MintError> for ApiError {
    fn from(error: MintError) -> Self {
        let text = error.to_string();
        match error {
            MintError::NotThere => Self::new(StatusCode::NOT_FOUND, NO_SUCH_ENTITY),
            MintError::TooWide(_) => Self::new(StatusCode::FORBIDDEN, text),
            MintError::NoPermission | MintError::Lifetime(_) => Self::invalid(text),
            MintError::TooMany | MintError::Changed => Self::new(StatusCode::CONFLICT, text),
            MintError::Throttled(throttled) => Self::too_many(throttled),
            MintError::Store(error) => error.into(),
            MintError::Signing(error) => Self::unavailable(&error),
        }
    }
}

impl From<StatusListError> for ApiError {
    fn from(error: StatusListError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::WrongCredentials => Self::new(StatusCode::FORBIDDEN, "The current password is wrong"),
            AccountError::Gone => Self::not_found(),
            AccountError::NotAPassword(reason) => Self::invalid(reason),
            AccountError::PasswordRefused(reason) => Self::invalid(reason).rule(reason.rule()),
            AccountError::Throttled(throttled) => Self::too_many(throttled),
            AccountError::Store(error) => error.into(),
            AccountError::Busy { retry_after_s } => Self::try_later(retry_after_s),
            AccountError::Hashing(error) => Self::unavailable(&error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
