//! The token request as FastAPI's `OAuth2PasswordRequestForm` takes it: for front ends that exist already.

use std::fmt;

use axum_core::extract::{FromRequest, Request};
use countersign_token::ScopeSet;
use zeroize::Zeroizing;

use crate::fastapi::form::{LenientForm, Value};
use crate::fastapi::form_error::FormError;
use crate::fastapi::validation::{FieldError, ValidationError};

/// The token request of the password grant, as FastAPI takes it.
///
/// Urlencoded or multipart; the last of several values wins; what can be read somehow is read; client credentials and
/// unknown fields are taken and left alone. A missing field is answered 422 in FastAPI's words. Limits: 1 MiB a field,
/// 1000 fields (400), 4 MiB in all (413). The password is wiped when dropped and never printed.
///
/// For a new front end [`PasswordForm`](crate::form::PasswordForm) is the better choice.
pub struct OAuth2PasswordRequestForm {
    username: String,
    password: Zeroizing<String>,
    scope: ScopeSet,
    client_id: Option<String>,
    client_secret: Option<Zeroizing<String>>,
}

impl OAuth2PasswordRequestForm {
    /// The user name as it was typed.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password as it was typed.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The scopes asked for, parted by white space; what can be no scope token is passed over.
    pub fn scope(&self) -> &ScopeSet {
        &self.scope
    }

    /// The client's id, unchecked.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The client's secret, unchecked.
    pub fn client_secret(&self) -> Option<&str> {
        self.client_secret.as_ref().map(|secret| secret.as_str())
    }

    fn read(form: &LenientForm) -> Result<Self, FormError> {
        let mut errors = Vec::new();
        match form.last("grant_type") {
            None => {}
            Some(Value::Text(grant)) if grant.as_str() == "password" => {}
            Some(Value::Text(grant)) => errors.push(wrong_grant_type(grant)),
            Some(Value::File) => errors.push(not_text("grant_type")),
        }
        let username = required(form, "username", &mut errors);
        let password = required(form, "password", &mut errors);
        let (Some(username), Some(password), true) = (username, password, errors.is_empty()) else {
            return Err(ValidationError::from(errors).into());
        };
        let owned = |name| form.last_text(name).map(str::to_owned);
        let scope = form.last_text("scope").unwrap_or_default();
        Ok(Self {
            username: username.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            scope: scope
                .split_whitespace()
                .filter_map(|token| ScopeSet::parse(token).ok())
                .fold(ScopeSet::default(), |all, one| all.union(&one)),
            client_id: owned("client_id"),
            client_secret: owned("client_secret").map(Zeroizing::new),
        })
    }
}

fn required<'f>(form: &'f LenientForm, name: &'static str, errors: &mut Vec<FieldError>) -> Option<&'f str> {
    match form.last(name) {
        Some(Value::Text(text)) => return Some(text.as_str()),
        Some(Value::File) => errors.push(not_text(name)),
        None => errors.push(FieldError::missing(name)),
    }
    None
}

fn wrong_grant_type(grant: &str) -> FieldError {
    const PATTERN: &str = "^password$";
    FieldError::new("string_pattern_mismatch", "grant_type", format!("String should match pattern '{PATTERN}'"))
        .input(grant)
        .context("pattern", PATTERN)
}

/// The field is an uploaded file.
fn not_text(name: &str) -> FieldError {
    FieldError::new("string_type", name, "Input should be a valid string")
}

impl fmt::Debug for OAuth2PasswordRequestForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("OAuth2PasswordRequestForm");
        shown.field("username", &self.username).field("scope", &self.scope).field("client_id", &self.client_id);
        shown.finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequest<S> for OAuth2PasswordRequestForm {
    type Rejection = FormError;

    async fn from_request(request: Request, _: &S) -> Result<Self, FormError> {
        let (parts, body) = request.into_parts();
        let form = LenientForm::read(&parts.headers, body).await?;
        Self::read(&form)
    }
}
