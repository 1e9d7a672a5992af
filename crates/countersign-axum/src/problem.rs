//! The two shapes of an error body: RFC 9457 problem details, and the bare `detail` of FastAPI.

use std::borrow::Cow;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// An error body of RFC 9457, sent as `application/problem+json`.
///
/// `type` is left out, which section 4.2.1 reads as `about:blank`: the status says what kind of problem it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The status of the answer, repeated in the body.
    #[cfg_attr(feature = "openapi", schema(value_type = u16))]
    pub status: StatusCode,
    /// The name of the status, such as `Not Found`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub title: Cow<'static, str>,
    /// What went wrong, for people. Clients written for FastAPI read this member.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub detail: Cow<'static, str>,
    /// Which rule the request breaks, for programs: a member beside those of the RFC (section 3.2).
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub rule: Option<&'static str>,
}

impl Problem {
    /// A problem titled by its status.
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error").into();
        Self { status, title, detail: detail.into(), rule: None }
    }

    /// The same, which says which rule the request breaks.
    #[must_use]
    pub fn rule(self, rule: &'static str) -> Self {
        Self { rule: Some(rule), ..self }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut members = json!({ "title": self.title, "status": self.status.as_u16(), "detail": self.detail });
        if let (Some(rule), Value::Object(members)) = (self.rule, &mut members) {
            members.insert("rule".to_owned(), rule.into());
        }
        members
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        json_response(self.status, "application/problem+json", &self.to_json())
    }
}

/// How error bodies look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorStyle {
    /// RFC 9457 problem details.
    #[default]
    Problem,
    /// `{"detail": …}` as `application/json`, as FastAPI answers: for front ends that exist already.
    FastApi,
}

impl ErrorStyle {
    /// An error answer in this style.
    pub fn answer(self, status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Response {
        match self {
            Self::Problem => Problem::new(status, detail).into_response(),
            Self::FastApi => json_response(status, "application/json", &json!({ "detail": detail.into() })),
        }
    }
}

pub(crate) fn json_response(status: StatusCode, content_type: &'static str, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
