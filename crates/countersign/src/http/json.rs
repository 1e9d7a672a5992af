//! JSON bodies, taken strictly: one object, of the right content type, small, no member twice, none that nobody reads.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use countersign_axum::Problem;
use countersign_axum::form::{BodyError, read_body};
use serde::de::DeserializeOwned;

use crate::http::error::ApiError;

/// The most bytes of a body (R-170).
const BODY_LIMIT: usize = 16 * 1024;

/// A JSON object that was read into `T`.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// How a body is refused that is no object of the kind that the route takes; for the document.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "it stands for the answers in the document")]
pub(crate) enum BodyRefused {
    /// The body is no JSON, no object, or did not arrive whole
    #[response(status = 400, content_type = "application/problem+json")]
    NotAnObject(#[to_schema] Problem),
    /// The body is over 16 KiB
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] Problem),
    /// The body is not sent as application/json
    #[response(status = 415, content_type = "application/problem+json")]
    WrongType(#[to_schema] Problem),
    /// A member is missing, unknown, or not what it should be
    #[response(status = 422, content_type = "application/problem+json")]
    NotTheRightObject(#[to_schema] Problem),
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        check_type(&parts.headers)?;
        let body = read_body(&parts.headers, body, BODY_LIMIT).await.map_err(|error| match error {
            BodyError::TooLarge => ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is over 16 KiB"),
            _ => ApiError::new(StatusCode::BAD_REQUEST, "The body did not arrive whole"),
        })?;
        read(&body).map(Self)
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = match (types.next().and_then(|value| value.to_str().ok()), types.next()) {
        (Some(value), None) => {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
        }
        _ => false,
    };
    if is_json {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Send the body as JSON, with the header Content-Type: application/json",
    ))
}

/// Reads an object into `T`. An array is refused first, because a derived struct would take one as its fields in order.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "The body is not a JSON object"));
    }
    let not_json = || ApiError::new(StatusCode::BAD_REQUEST, "The body is not JSON");
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| match error.inner().classify() {
        serde_json::error::Category::Data => ApiError::invalid(explain(&error)),
        _ => not_json(),
    })?;
    json.end().map_err(|_| not_json())?;
    Ok(value)
}

/// Says which member is wrong, and what belongs there, without the value that was sent: it may be a password.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if ["missing field", "unknown field", "duplicate field"].iter().any(|harmless| text.starts_with(harmless)) {
        return text.to_owned();
    }
    let expected = text.rsplit_once(", expected ").map_or("another type", |(_, expected)| expected);
    format!("`{}`: expected {expected}", error.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        name: String,
    }

    fn status(body: &[u8]) -> StatusCode {
        read::<Named>(body).unwrap_err().status()
    }

    #[test]
    fn an_error_names_the_member_and_never_the_value() {
        let explain = |body: &[u8]| format!("{:?}", read::<Named>(body).unwrap_err());
        let wrong_type = explain(br#"{"name":31337}"#);
        assert!(wrong_type.contains("`name`: expected a string") && !wrong_type.contains("31337"), "{wrong_type}");
        assert!(explain(b"{}").contains("missing field `name`"));
        assert!(explain(br#"{"name":"x","admin":1}"#).contains("unknown field `admin`"));
    }

    #[test]
    fn only_an_object_with_the_right_members_is_read() {
        assert_eq!(read::<Named>(br#"{"name":"x"}"#).unwrap(), Named { name: "x".to_owned() });
        assert_eq!(status(br#"["x"]"#), StatusCode::BAD_REQUEST);
        assert_eq!(status(br#"{"name":"x"} x"#), StatusCode::BAD_REQUEST);
        assert_eq!(status(b"{\"name\":\"\\ud800\"}"), StatusCode::BAD_REQUEST);
        assert_eq!(status(b"{\"name\":\"\xff\"}"), StatusCode::BAD_REQUEST);
        assert_eq!(status(br#"{"name":1}"#), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(status(br#"{"name":"x","admin":true}"#), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(status(br#"{"name":"x","name":"y"}"#), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(status(b"{}"), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
