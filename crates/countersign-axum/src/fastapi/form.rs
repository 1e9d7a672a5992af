//! Forms as Starlette reads them, urlencoded or multipart: nothing is malformed that can be read somehow.

use axum_core::body::Body;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use zeroize::Zeroizing;

use crate::fastapi::form_error::FormError;
use crate::form::body::{BodyError, read_body};
use crate::form::strict::hex;

/// The largest field, in bytes: Starlette's limit.
const LARGEST_FIELD: usize = 1024 * 1024;
/// The most fields: Starlette's limit.
const MOST_FIELDS: usize = 1000;
/// The largest body, in bytes. Starlette has no such limit; the fields that we read never need more.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// The fields of a form in their order.
pub(super) struct LenientForm {
    fields: Vec<(String, Value)>,
}

/// What a field holds.
pub(super) enum Value {
    Text(Zeroizing<String>),
    File,
}

impl LenientForm {
    /// Reads the body of a form. Of any other content type the body is not looked at, and there are no fields.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, FormError> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let multipart = match media_type.as_str() {
            "application/x-www-form-urlencoded" => false,
            "multipart/form-data" => true,
            _ => return Ok(Self { fields: Vec::new() }),
        };
        let body = read_body(headers, body, LARGEST_BODY).await.map_err(|error| match error {
            BodyError::TooLarge => FormError::BodyTooLarge,
            BodyError::Broken => FormError::Broken,
        })?;
        let fields = if multipart { multipart_fields(content_type, &body).await? } else { urlencoded_fields(&body)? };
        Ok(Self { fields })
    }

    /// The last field of that name; an empty one counts as missing.
    pub(super) fn last(&self, name: &str) -> Option<&Value> {
        let last = self.fields.iter().rfind(|(known, _)| known == name).map(|(_, value)| value);
        last.filter(|value| !matches!(value, Value::Text(text) if text.is_empty()))
    }

    /// The last field of that name, if it is a text and not empty.
    pub(super) fn last_text(&self, name: &str) -> Option<&str> {
        match self.last(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

fn urlencoded_fields(body: &[u8]) -> Result<Vec<(String, Value)>, FormError> {
    let mut fields = Vec::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        if fields.len() == MOST_FIELDS {
            return Err(FormError::TooManyFields);
        }
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(end).unwrap_or((pair, b""));
        let value = value.strip_prefix(b"=").unwrap_or(value);
        if name.len().max(value.len()) > LARGEST_FIELD {
            return Err(FormError::FieldTooLarge);
        }
        fields.push((unquote(name), Value::Text(Zeroizing::new(unquote(value)))));
    }
    Ok(fields)
}

/// Python's `unquote_plus` over Latin-1: `+` is a space, a bad escape stays as it stands, escaped bytes are UTF-8 with
/// U+FFFD for what is not, and a byte outside ASCII that was not escaped is the Latin-1 character.
fn unquote(text: &[u8]) -> String {
    let mut decoded = String::with_capacity(text.len());
    for run in text.chunk_by(|left, right| left.is_ascii() == right.is_ascii()) {
        if run.is_ascii() {
            decoded.push_str(&String::from_utf8_lossy(&Zeroizing::new(unescape(run))));
        } else {
            decoded.extend(run.iter().map(|byte| char::from(*byte)));
        }
    }
    decoded
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        let escaped = match (byte, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        if escaped.is_some() {
            rest = tail.get(2..).unwrap_or_default();
        }
        bytes.push(escaped.unwrap_or(if *byte == b'+' { b' ' } else { *byte }));
    }
    bytes
}

async fn multipart_fields(content_type: &str, body: &[u8]) -> Result<Vec<(String, Value)>, FormError> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| FormError::MissingBoundary)?;
    let stream = Body::from(bytes::Bytes::copy_from_slice(body)).into_data_stream();
    let mut parts = multer::Multipart::new(stream, boundary);
    let mut fields = Vec::new();
    loop {
        let part = match parts.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => return Ok(fields),
            Err(error) => return cut_short(&error, fields),
        };
        if fields.len() == MOST_FIELDS {
            return Err(FormError::TooManyFields);
        }
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.file_name().is_some();
        let data = match part.bytes().await {
            Ok(data) => data,
            Err(error) => return cut_short(&error, fields),
        };
        if !is_file && data.len() > LARGEST_FIELD {
            return Err(FormError::FieldTooLarge);
        }
        fields.push((name, if is_file { Value::File } else { Value::Text(Zeroizing::new(text(&data))) }));
    }
}

/// A body that breaks off still has the fields before; one that never was multipart has none.
fn cut_short(error: &multer::Error, fields: Vec<(String, Value)>) -> Result<Vec<(String, Value)>, FormError> {
    use multer::Error::{IncompleteFieldData, IncompleteHeaders, IncompleteStream};
    match error {
        IncompleteFieldData { .. } | IncompleteHeaders | IncompleteStream if !fields.is_empty() => Ok(fields),
        _ => Err(FormError::InvalidMultipart),
    }
}

/// UTF-8, or else Latin-1.
fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}
