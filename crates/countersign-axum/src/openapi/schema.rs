//! The schemas of what a token endpoint takes and answers, for the documents of programs that have one.

use std::borrow::Cow;

use http::StatusCode;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::form::{PasswordForm, TokenAnswer, TokenError};
use crate::openapi::part::{DescribeAnswer, DescribeParameter, OperationPart};

/// The token request of the password grant.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for the form")]
struct Form {
    #[schema(pattern = "^password$")]
    grant_type: String,
    username: String,
    #[schema(format = Password)]
    password: String,
    /// Scopes, parted by single spaces.
    scope: Option<String>,
    client_id: Option<String>,
    #[schema(format = Password)]
    client_secret: Option<String>,
}

/// An access token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for the answer")]
struct Answer {
    access_token: String,
    /// How the token is used: as a bearer token.
    token_type: String,
    /// How long the token is good, in seconds.
    expires_in: Option<i64>,
    /// What the token is renewed with; it is used once.
    refresh_token: Option<String>,
    /// What was granted, parted by single spaces.
    scope: Option<String>,
}

/// A refused token request (RFC 6749 section 5.2).
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for the answer")]
struct Refused {
    #[schema(example = "invalid_grant")]
    error: String,
    error_description: String,
    /// The description again, for clients of FastAPI.
    detail: String,
}

impl PartialSchema for TokenError {
    fn schema() -> RefOr<Schema> {
        Refused::schema()
    }
}

impl ToSchema for TokenError {
    fn name() -> Cow<'static, str> {
        "TokenError".into()
    }
}

impl PartialSchema for PasswordForm {
    fn schema() -> RefOr<Schema> {
        Form::schema()
    }
}

impl ToSchema for PasswordForm {
    fn name() -> Cow<'static, str> {
        "PasswordForm".into()
    }
}

impl PartialSchema for TokenAnswer {
    fn schema() -> RefOr<Schema> {
        Answer::schema()
    }
}

impl ToSchema for TokenAnswer {
    fn name() -> Cow<'static, str> {
        "TokenAnswer".into()
    }
}

impl DescribeParameter for PasswordForm {
    fn describe(part: &mut OperationPart<'_>) {
        part.request_body::<Self>("application/x-www-form-urlencoded");
        part.answer::<TokenError>(StatusCode::BAD_REQUEST, "The token request is refused", "application/json");
    }
}

impl DescribeAnswer for TokenAnswer {
    fn describe(part: &mut OperationPart<'_>) {
        part.answer::<Self>(StatusCode::OK, "An access token", "application/json");
    }
}
