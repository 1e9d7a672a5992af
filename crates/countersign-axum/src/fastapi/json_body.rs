//! `JsonBody`: a JSON body, refused as FastAPI refuses it.

use axum_core::extract::{FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use crate::fastapi::exception::HttpException;
use crate::fastapi::fields;
use crate::fastapi::validation::{FieldError, ValidationError};
use crate::form::{BodyError, read_body};

/// The largest body, in bytes.
const LARGEST_BODY: usize = 1024 * 1024;

/// A JSON object, read into `T` by the schema that stands in the document.
///
/// The schema of `T` is the rule: which members are required, of which type they are, `minLength`, `maxLength`, and the
/// format `email` are checked, and every member that breaks it is named in one answer, 422 in FastAPI's words. Members
/// that the schema does not name are passed over. What the schema cannot say, `T`'s `Deserialize` may.
///
/// Nothing that was sent to a member of the format `password` comes back. The limit is 1 MiB (413).
///
/// ```
/// use countersign_axum::fastapi::JsonBody;
///
/// #[derive(serde::Deserialize, utoipa::ToSchema)]
/// struct NewItem {
///     #[schema(min_length = 1)]
///     name: String,
/// }
///
/// async fn create_item(JsonBody(item): JsonBody<NewItem>) -> String {
///     item.name
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct JsonBody<T>(pub T);

/// Why a JSON body is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// 422: it is missing, is no JSON, no object, or members are missing or wrong.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// 413: it has more than 1 MiB.
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// 400: it ended too early.
    #[error("the body did not arrive whole")]
    Broken,
}

impl IntoResponse for JsonError {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Invalid(error) => return HttpException::from(error).into_response(),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB."),
            Self::Broken => (StatusCode::BAD_REQUEST, "The body did not arrive whole."),
        };
        HttpException::new(status, detail).into_response()
    }
}

impl<T: DeserializeOwned + ToSchema, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = JsonError;

    async fn from_request(request: Request, _: &S) -> Result<Self, JsonError> {
        let (parts, body) = request.into_parts();
        let body = read_body(&parts.headers, body, LARGEST_BODY).await.map_err(|error| match error {
            BodyError::TooLarge => JsonError::TooLarge,
            BodyError::Broken => JsonError::Broken,
        })?;
        Ok(Self(read(&parts.headers, &body)?))
    }
}

fn read<T: DeserializeOwned + ToSchema>(headers: &HeaderMap, body: &[u8]) -> Result<T, ValidationError> {
    if body.is_empty() {
        return Err(FieldError::at_body("missing", None, "Field required").into());
    }
    // A body of another type is not looked into, as if it were a text.
    let value = if is_json(headers) { parse(body)? } else { Value::Null };
    let Value::Object(members) = &value else {
        let text = "Input should be a valid dictionary or object to extract fields from";
        return Err(FieldError::at_body("model_attributes_type", None, text).into());
    };
    let errors = fields::check::<T>(members);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    serde_json::from_value(value).map_err(|error| {
        // serde's own text may quote what was sent.
        tracing::debug!(line = error.line(), "a body fits its schema and not its type");
        FieldError::at_body("value_error", None, "The value is not one that can be taken").into()
    })
}

fn parse(body: &[u8]) -> Result<Value, ValidationError> {
    serde_json::from_slice(body).map_err(|error| {
        let offset = offset(body, error.line(), error.column());
        let reason = if error.is_eof() { "Expecting value" } else { "Invalid JSON" };
        let invalid = FieldError::at_body("json_invalid", Some(offset), "JSON decode error");
        invalid.input(Value::Object(serde_json::Map::new())).context("error", reason).into()
    })
}

/// The offset of a line and a column, both counted from 1.
fn offset(body: &[u8], line: usize, column: usize) -> usize {
    let before: usize = body.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    before + column
}

/// `application/json`, or a type that is written in it (RFC 6839 section 3.1).
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}
