//! What a token endpoint answers: the token (RFC 6749 section 5.1) or an error (section 5.2).

use std::borrow::Cow;
use std::fmt;

use axum_core::response::{IntoResponse, Response};
use countersign_token::{IssueError, ScopeSet};
use http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, json};
use zeroize::Zeroizing;

use crate::problem::{ErrorStyle, json_response};

/// The answer to a good token request: 200, never stored by a cache.
#[derive(Clone)]
pub struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    expires_in: Option<i64>,
    refresh_token: Option<Zeroizing<String>>,
    scope: Option<ScopeSet>,
}

impl TokenAnswer {
    /// A bearer token that is good for `expires_in` seconds.
    pub fn new(access_token: String, expires_in: i64) -> Self {
        Self { access_token, token_type: "Bearer", expires_in: Some(expires_in), refresh_token: None, scope: None }
    }

    /// The two members that FastAPI's tutorials answer with, and no more.
    pub fn fastapi(access_token: String) -> Self {
        Self { access_token, token_type: "bearer", expires_in: None, refresh_token: None, scope: None }
    }

    /// Adds what the token is renewed with (section 6).
    #[must_use]
    pub fn refresh_token(mut self, token: Zeroizing<String>) -> Self {
        self.refresh_token = Some(token);
        self
    }

    /// Says which scopes the token carries: required where they differ from those asked for (section 3.3). An empty set
    /// is not said, since an empty `scope` is none at all.
    #[must_use]
    pub fn scope(mut self, granted: ScopeSet) -> Self {
        self.scope = Some(granted);
        self
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("TokenAnswer");
        shown.field("expires_in", &self.expires_in).field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl IntoResponse for TokenAnswer {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("access_token".to_owned(), self.access_token.into());
        body.insert("token_type".to_owned(), self.token_type.into());
        if let Some(seconds) = self.expires_in {
            body.insert("expires_in".to_owned(), seconds.into());
        }
        if let Some(token) = self.refresh_token {
            body.insert("refresh_token".to_owned(), token.as_str().into());
        }
        if let Some(scope) = self.scope.filter(|scope| !scope.is_empty()) {
            body.insert("scope".to_owned(), scope.to_string().into());
        }
        let mut response = json_response(StatusCode::OK, "application/json", &body.into());
        forbid_storing(response.headers_mut());
        response
    }
}

/// The `error` of RFC 6749 section 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenErrorCode {
    /// The request is malformed, or a parameter is missing or repeated.
    InvalidRequest,
    /// The client did not prove who it is.
    InvalidClient,
    /// The credentials, or the refresh token, are not good.
    InvalidGrant,
    /// The client may not use this grant.
    UnauthorizedClient,
    /// The grant is not known here.
    UnsupportedGrantType,
    /// The scope is malformed, unknown, or more than may be granted.
    InvalidScope,
    /// A token of this kind cannot be revoked (RFC 7009 section 2.2.1).
    UnsupportedTokenType,
    /// The server cannot answer now: borrowed from section 4.1.2.1, since section 5.2 has no code for it.
    TemporarilyUnavailable,
}

impl TokenErrorCode {
    /// The code on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

/// The error answer of a token endpoint: RFC 6749 section 5.2, with a `detail` besides for clients of FastAPI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", .code.name())]
pub struct TokenError {
    code: TokenErrorCode,
    description: Cow<'static, str>,
    status: StatusCode,
    challenge: bool,
    retry_after_s: Option<u32>,
}

impl TokenError {
    /// An error with status 400.
    ///
    /// The description should be a fixed text: what the caller sent does not belong into it. Characters that section
    /// 5.2 forbids become question marks.
    pub fn new(code: TokenErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let description = visible(description.into());
        Self { code, description, status: StatusCode::BAD_REQUEST, challenge: false, retry_after_s: None }
    }

    /// `invalid_grant` in the words of FastAPI: the same for an unknown user and for a wrong password.
    pub fn wrong_password() -> Self {
        Self::new(TokenErrorCode::InvalidGrant, "Incorrect username or password")
    }

    /// `invalid_client` for a client that came by the `Authorization` header: 401 with a challenge.
    pub fn wrong_client(description: impl Into<Cow<'static, str>>) -> Self {
        Self { challenge: true, ..Self::new(TokenErrorCode::InvalidClient, description) }
            .with_status(StatusCode::UNAUTHORIZED)
    }

    /// The same for an endpoint that answers 401 to every client which has not proven who it is (RFC 7662 section 2.3).
    #[must_use]
    pub fn unauthorized(self) -> Self {
        if self.code != TokenErrorCode::InvalidClient {
            return self;
        }
        Self { challenge: true, ..self }.with_status(StatusCode::UNAUTHORIZED)
    }

    /// 503 with `Retry-After`: trying again after so many seconds may help.
    pub fn try_later(description: impl Into<Cow<'static, str>>, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..Self::new(TokenErrorCode::TemporarilyUnavailable, description) }
            .with_status(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// 429 with `Retry-After` (RFC 6585 section 4): this caller has asked too often, and may again after so many seconds.
    pub fn too_many(description: impl Into<Cow<'static, str>>, seconds: u32) -> Self {
        Self::try_later(description, seconds).with_status(StatusCode::TOO_MANY_REQUESTS)
    }

    /// The answer in this style. FastAPI's tutorials say `{"detail": …}`, and 401 with a bare `Bearer` challenge where
    /// the credentials are wrong.
    pub fn answer(self, style: ErrorStyle) -> Response {
        if style == ErrorStyle::Problem {
            return self.into_response();
        }
        let wrong_credentials = self.code == TokenErrorCode::InvalidGrant;
        let status = if wrong_credentials { StatusCode::UNAUTHORIZED } else { self.status };
        let mut response = style.answer(status, self.description);
        if wrong_credentials {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        complete(response.headers_mut(), self.retry_after_s);
        response
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// What kind of error.
    pub fn code(&self) -> TokenErrorCode {
        self.code
    }

    /// The text for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<IssueError> for TokenError {
    /// No token could be made, which is not the caller's fault: 503. The cause goes to the log.
    fn from(error: IssueError) -> Self {
        tracing::error!(%error, "a token could not be issued");
        Self::try_later("No token can be issued now, try again later", 1)
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let body = json!({
            "error": self.code.name(),
            "error_description": self.description,
            "detail": self.description,
        });
        let mut response = json_response(self.status, "application/json", &body);
        complete(response.headers_mut(), self.retry_after_s);
        if self.challenge {
            let challenge = HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

fn visible(text: Cow<'static, str>) -> Cow<'static, str> {
    let allowed = |char| matches!(char, ' ' | '!' | '#'..='[' | ']'..='~');
    if text.chars().all(allowed) {
        return text;
    }
    text.chars().map(|char| if allowed(char) { char } else { '?' }).collect::<String>().into()
}

fn complete(headers: &mut HeaderMap, retry_after_s: Option<u32>) {
    forbid_storing(headers);
    if let Some(seconds) = retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// Answers of a token endpoint are kept nowhere.
pub(crate) fn forbid_storing(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}
