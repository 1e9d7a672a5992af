//! `application/x-www-form-urlencoded` as RFC 6749 appendix B has it: what is malformed is refused, never mended.

use std::fmt;

use axum_core::body::Body;
use axum_core::extract::{FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use zeroize::Zeroizing;

use crate::form::answer::{TokenError, TokenErrorCode};
use crate::form::body::{BodyError, read_body};

/// The longest body, in bytes.
const LONGEST_BODY: usize = 16 * 1024;
/// The most parameters.
const MOST_PARAMETERS: usize = 64;

/// Why a form is refused. Each is `invalid_request` on the wire, with a fixed text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// There is not exactly one `Content-Type`, or it is another than the form's.
    #[error("send exactly one Content-Type: application/x-www-form-urlencoded")]
    ContentType,
    /// The body is encoded, say compressed.
    #[error("send the form without a Content-Encoding")]
    ContentEncoding,
    /// 413: the body has more than 16 KiB.
    #[error("the form is larger than 16 KiB")]
    TooLarge,
    /// The body ended too early.
    #[error("the form did not arrive whole")]
    Broken,
    /// More than 64 parameters.
    #[error("the form has more than 64 parameters")]
    TooManyParameters,
    /// A percent sign without two hexadecimal digits.
    #[error("the form has a malformed percent escape")]
    BadEscape,
    /// The bytes of a name or a value are not UTF-8.
    #[error("the form is not UTF-8")]
    NotUtf8,
    /// A parameter is missing, or has no value.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter comes more than once.
    #[error("the parameter {0} is repeated")]
    Repeated(&'static str),
}

impl FormError {
    /// 413 for a body that is too large, 400 for the rest.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<FormError> for TokenError {
    fn from(error: FormError) -> Self {
        TokenError::new(TokenErrorCode::InvalidRequest, error.to_string()).with_status(error.status())
    }
}

impl IntoResponse for FormError {
    fn into_response(self) -> Response {
        TokenError::from(self).into_response()
    }
}

/// A form, decoded strictly.
///
/// As an extractor it takes one `Content-Type: application/x-www-form-urlencoded` (any case, at most with
/// `charset=utf-8`), no `Content-Encoding`, at most 16 KiB and 64 parameters. Nothing outside the
/// body is read, so credentials in the query count as absent.
///
/// Values are wiped when dropped, and never printed.
pub struct StrictForm {
    parameters: Vec<Parameter>,
}

struct Parameter {
    name: String,
    value: Zeroizing<String>,
}

impl StrictForm {
    /// Decodes a body.
    pub fn parse(body: &[u8]) -> Result<Self, FormError> {
        let mut parameters = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if parameters.len() == MOST_PARAMETERS {
                return Err(FormError::TooManyParameters);
            }
            let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at_checked(end).unwrap_or((pair, b""));
            let value = value.strip_prefix(b"=").unwrap_or(value);
            parameters.push(Parameter { name: decode(name)?, value: Zeroizing::new(decode(value)?) });
        }
        Ok(Self { parameters })
    }

    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, FormError> {
        check_headers(headers)?;
        let body = read_body(headers, body, LONGEST_BODY).await.map_err(|error| match error {
            BodyError::TooLarge => FormError::TooLarge,
            BodyError::Broken => FormError::Broken,
        })?;
        Self::parse(&body)
    }

    /// The value of a parameter. Without a value it counts as absent; it may not be repeated, however its
    /// name was escaped. Parameters that nobody asks for are ignored, repeated ones too.
    pub fn optional(&self, name: &'static str) -> Result<Option<&str>, FormError> {
        let mut found = self.parameters.iter().filter(|parameter| parameter.name == name);
        let value = found.next().map(|parameter| parameter.value.as_str());
        if found.next().is_some() {
            return Err(FormError::Repeated(name));
        }
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// The same, for a parameter that must be there.
    pub fn required(&self, name: &'static str) -> Result<&str, FormError> {
        self.optional(name)?.ok_or(FormError::Missing(name))
    }
}

impl fmt::Debug for StrictForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StrictForm({} parameters)", self.parameters.len())
    }
}

impl<S: Send + Sync> FromRequest<S> for StrictForm {
    type Rejection = FormError;

    async fn from_request(request: Request, _: &S) -> Result<Self, FormError> {
        let (parts, body) = request.into_parts();
        Self::read(&parts.headers, body).await
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), FormError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(content_type), None) = (types.next(), types.next()) else { return Err(FormError::ContentType) };
    if !content_type.to_str().is_ok_and(is_form) {
        return Err(FormError::ContentType);
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(FormError::ContentEncoding);
    }
    Ok(())
}

fn is_form(content_type: &str) -> bool {
    let mut pieces = content_type.split(';').map(str::trim);
    let form = pieces.next().is_some_and(|media| media.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    form && pieces.all(|parameter| {
        ["", "charset=utf-8", "charset=\"utf-8\""].iter().any(|taken| parameter.eq_ignore_ascii_case(taken))
    })
}

/// Appendix B: `+` is a space, `%xy` a byte, and the bytes are UTF-8.
pub(super) fn decode(text: &[u8]) -> Result<String, FormError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let [high, low, tail @ ..] = tail else { return Err(FormError::BadEscape) };
                rest = tail;
                hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low).ok_or(FormError::BadEscape)?
            }
            byte => *byte,
        });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| FormError::NotUtf8)?;
    Ok(text.to_owned())
}

pub(crate) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
