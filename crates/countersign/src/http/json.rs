//! JSON bodies, taken strictly: one object, of the right content type, small, with no member that nobody reads.

use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::http::error::ApiError;

/// The most bytes of a body (R-170).
pub(crate) const BODY_LIMIT: usize = 16 * 1024;

/// A JSON object that was read into `T`.
///
/// Refused: 413 over 16 KiB; 415 another content type; 400 no JSON, or no object; 422 an object that is not what the route takes.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        check_head(request.headers())?;
        let body = axum::body::to_bytes(request.into_body(), BODY_LIMIT)
            .await
            .map_err(|_| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is over 16 KiB, or ended early"))?;
        read(&body).map(Self)
    }
}

fn check_head(headers: &HeaderMap) -> Result<(), ApiError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = match (types.next().and_then(|value| value.to_str().ok()), types.next()) {
        (Some(value), None) => {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
        }
        _ => false,
    };
    if !is_json {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send the body as JSON, with the header Content-Type: application/json",
        ));
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT) {
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is over 16 KiB"));
    }
    Ok(())
}

/// Reads an object into `T`. An array is refused first, because a derived struct would take one as its fields in order.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let not_json = |_| ApiError::new(StatusCode::BAD_REQUEST, "The body is not JSON");
    let value: serde_json::Value = serde_json::from_slice(body).map_err(not_json)?;
    if !value.is_object() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "The body is JSON, but not an object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| ApiError::invalid(explain(&error)))
}

/// Says which member is wrong, and what belongs there, without the value that was sent: it may be a password.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    if text.starts_with("missing field") || text.starts_with("unknown field") {
        return text;
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
        assert_eq!(status(b"{}"), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
