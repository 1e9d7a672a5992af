//! The answers that the server gives by itself, before or instead of a handler's.

use axum::http::StatusCode;

/// Why a request never got a handler's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request line is longer than [`Limits::request_line_bytes`](crate::transport::Limits::request_line_bytes).
    RequestLineTooLong,
    /// The header block is larger than allowed.
    HeadersTooLarge,
    /// Content-Length and Transfer-Encoding in one request: two opinions on where it ends (RFC 9112 section 6.1).
    AmbiguousLength,
    /// No Host, several, or one that is not a host (RFC 9112 section 3.2).
    BadHost,
    /// The body is announced to be larger than any route takes.
    BodyTooLarge,
    /// The body did not come in time.
    BodyTimedOut,
    /// The handler took too long.
    HandlerTimedOut,
    /// The handler panicked.
    HandlerPanicked,
}

impl Refusal {
    /// The status of the answer.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::RequestLineTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::AmbiguousLength | Self::BadHost => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::HandlerTimedOut => StatusCode::SERVICE_UNAVAILABLE,
            Self::HandlerPanicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the caller reads. Fixed texts: nothing of the request comes back.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::RequestLineTooLong => "The request line is too long.",
            Self::HeadersTooLarge => "The request header fields are too large.",
            Self::AmbiguousLength => "A request has either Content-Length or Transfer-Encoding.",
            Self::BadHost => "A request names exactly one valid Host.",
            Self::BodyTooLarge => "The request body is too large.",
            Self::BodyTimedOut => "The request body did not come in time.",
            Self::HandlerTimedOut => "The request took too long. Try again later.",
            Self::HandlerPanicked => "Something went wrong on the server. The request id helps to find out what.",
        }
    }

    /// Whether what follows on the connection cannot be trusted, or is better not read.
    pub(crate) fn closes(self) -> bool {
        !matches!(self, Self::HandlerTimedOut | Self::HandlerPanicked)
    }
}
