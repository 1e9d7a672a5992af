//! Why a request is turned away, and how that looks on the wire (RFC 6750 section 3).
//!
//! Every text here is fixed: nothing that the caller sent comes back (R-036, R-037).

use std::borrow::Cow;
use std::fmt;

use axum_core::response::{IntoResponse, Response};
use countersign_token::ScopeSet;
use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::problem::ErrorStyle;

/// What the body says to who is not let in, in the words of FastAPI.
pub(crate) const NOT_AUTHENTICATED: &str = "Not authenticated";
pub(crate) const NOT_ENOUGH_PERMISSIONS: &str = "Not enough permissions";
pub(crate) const INTERNAL_SERVER_ERROR: &str = "Internal Server Error";
pub(crate) const UNAVAILABLE: &str = "Service unavailable, try again later";

/// Why a guard turns a request away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// 401: the request carries no bearer token.
    #[error("the request carries no bearer token: send `Authorization: Bearer` with one")]
    NoToken,
    /// 400: the request carries tokens in more than one way.
    #[error("the request carries credentials in more than one way: send one `Authorization` header and no other token")]
    InvalidRequest,
    /// 401: the token is malformed, forged, expired, not for us, or its subject is gone.
    #[error("the access token is not good: ask for a new one")]
    InvalidToken,
    /// 403: the token is good and lacks a scope.
    #[error("the access token lacks scope: ask for one with the scopes `{required}`")]
    InsufficientScope {
        /// All scopes that the route demands.
        required: ScopeSet,
    },
    /// 403: the token is good and stands for another than the route concerns.
    #[error("the access token stands for another: ask for one for what the path names, with the scopes `{required}`")]
    OtherSubject {
        /// All scopes that the route demands.
        required: ScopeSet,
    },
    /// 500: the guard cannot know what a request concerns, since the path of the route does not say so.
    #[error("the path of the route has to have one parameter `{{{name}}}`, by which its guard knows what is meant")]
    NoPathParameter {
        /// The name of the parameter.
        name: &'static str,
    },
    /// 503: the check could not be made.
    #[error("the request could not be checked: try again later")]
    Unavailable,
}

impl AuthError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::InsufficientScope { .. } | Self::OtherSubject { .. } => StatusCode::FORBIDDEN,
            Self::NoPathParameter { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The challenge after `Bearer realm="…"`; `None` where a token would not help.
    fn challenge(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NoToken => Some("".into()),
            Self::InvalidRequest => Some(
                ", error=\"invalid_request\", error_description=\"Send the token once, in one Authorization header\""
                    .into(),
            ),
            Self::InvalidToken => Some(
                ", error=\"invalid_token\", error_description=\"The token is malformed, expired, revoked or not for this API\""
                    .into(),
            ),
            Self::InsufficientScope { required } => Some(insufficient("The token lacks a scope", required)),
            Self::OtherSubject { required } => Some(insufficient("The token stands for another", required)),
            Self::NoPathParameter { .. } | Self::Unavailable => None,
        }
    }
}

/// The token gives less than the route demands (RFC 6750 section 3.1), and what that is.
fn insufficient(description: &str, required: &ScopeSet) -> Cow<'static, str> {
    format!(", error=\"insufficient_scope\", error_description=\"{description}\", scope=\"{required}\"").into()
}

/// What all refusals of one guard have in common.
#[derive(Clone, Debug)]
pub(crate) struct Face {
    pub(crate) realm: Realm,
    pub(crate) style: ErrorStyle,
    pub(crate) invalid_token_detail: Cow<'static, str>,
}

impl Default for Face {
    fn default() -> Self {
        Self {
            realm: Realm::new("api"),
            style: ErrorStyle::default(),
            invalid_token_detail: "Could not validate credentials".into(),
        }
    }
}

/// A realm, written as a quoted string of RFC 9110 section 5.6.4.
#[derive(Clone, Debug)]
pub(crate) struct Realm(String);

impl Realm {
    /// What cannot stand in a header becomes a question mark; quotes and backslashes are escaped.
    pub(crate) fn new(text: &str) -> Self {
        let mut quoted = String::from("\"");
        for char in text.chars() {
            match char {
                '"' | '\\' => quoted.extend(['\\', char]),
                ' '..='~' => quoted.push(char),
                _ => quoted.push('?'),
            }
        }
        quoted.push('"');
        Self(quoted)
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The answer of a guard that turns a request away: challenge, status and body.
///
/// Made by the guards, and by [`Guard::refuse`](crate::Guard::refuse) for extractors of your own.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    error: AuthError,
    face: Face,
}

impl Refusal {
    pub(crate) fn new(error: AuthError, face: Face) -> Self {
        Self { error, face }
    }

    /// Why.
    pub fn error(&self) -> &AuthError {
        &self.error
    }

    /// What the body says.
    pub(crate) fn detail(&self) -> Cow<'static, str> {
        match &self.error {
            AuthError::NoToken => NOT_AUTHENTICATED.into(),
            AuthError::InvalidRequest => "Credentials were sent in more than one way".into(),
            AuthError::InvalidToken => self.face.invalid_token_detail.clone(),
            AuthError::InsufficientScope { .. } | AuthError::OtherSubject { .. } => NOT_ENOUGH_PERMISSIONS.into(),
            AuthError::NoPathParameter { .. } => INTERNAL_SERVER_ERROR.into(),
            AuthError::Unavailable => UNAVAILABLE.into(),
        }
    }

    /// The headers of the answer, but for those that describe its body.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.error.challenge() {
            let challenge = format!("Bearer realm={}{challenge}", self.face.realm);
            // Realm and scopes are visible ASCII by construction; without them a bare challenge still is one.
            let challenge = HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"));
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if matches!(self.error, AuthError::Unavailable) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        headers
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.face.style.answer(self.error.status(), self.detail());
        response.headers_mut().extend(self.headers());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        // R-036
        assert_eq!(Realm::new("api").to_string(), r#""api""#);
        assert_eq!(Realm::new(r#"a"b\c"#).to_string(), r#""a\"b\\c""#);
        assert_eq!(Realm::new("a\r\nb\u{e9}").to_string(), r#""a??b?""#);
    }
}
