//! Texts of the API that have a form of their own, as the document describes them; what reads them checks them.

#![expect(dead_code, reason = "they stand for texts in the document")]

use utoipa::ToSchema;

/// A scope token (RFC 6749 section 3.3).
#[derive(ToSchema)]
#[schema(as = Scope, pattern = r"^[\x21\x23-\x5B\x5D-\x7E]+$")]
pub(crate) struct ScopeText(String);

/// How a client may ask for tokens.
#[derive(ToSchema)]
#[schema(as = Grant, pattern = "^(password|refresh_token|client_credentials)$")]
pub(crate) struct GrantText(String);

/// Whom a token is for: usually the URL of an API.
#[derive(ToSchema)]
#[schema(as = Audience, pattern = r"^[\x21-\x7E]{1,255}$")]
pub(crate) struct AudienceText(String);
