//! The token request as FastAPI's `OAuth2PasswordRequestForm` takes it: for front ends that exist already.

use std::fmt;

use axum_core::extract::{FromRequest, Request};
use zeroize::Zeroizing;

use crate::form::fastapi_error::{FastApiFormError, FieldError};
use crate::form::lenient::{LenientForm, Value};

/// The token request of the password grant, as FastAPI takes it.
///
/// Urlencoded or multipart; the last of several values wins; what can be read somehow is read; client credentials and
/// unknown fields are taken and left alone. A missing field is answered 422 in FastAPI's words. Limits: 1 MiB a field,
/// 1000 fields (400), 4 MiB in all (413). The password is wiped when dropped and never printed.
///
/// For a new front end [`PasswordForm`](crate::form::PasswordForm) is the better choice.
pub struct FastApiPasswordForm {
    username: String,
    password: Zeroizing<String>,
    scopes: Vec<String>,
    client_id: Option<String>,
    client_secret: Option<Zeroizing<String>>,
}

impl FastApiPasswordForm {
    /// The user name as it was typed.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password as it was typed.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The scopes asked for, split at white space, whatever they are.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The client's id, unchecked.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The client's secret, unchecked.
    pub fn client_secret(&self) -> Option<&str> {
        self.client_secret.as_ref().map(|secret| secret.as_str())
    }

    fn read(form: &LenientForm) -> Result<Self, FastApiFormError> {
        let mut errors = Vec::new();
        match form.last("grant_type") {
            None => {}
            Some(Value::Text(grant)) if grant.as_str() == "password" => {}
            Some(Value::Text(grant)) => errors.push(FieldError::WrongGrantType(grant.as_str().to_owned())),
            Some(Value::File) => errors.push(FieldError::NotText("grant_type")),
        }
        let username = required(form, "username", &mut errors);
        let password = required(form, "password", &mut errors);
        let (Some(username), Some(password), true) = (username, password, errors.is_empty()) else {
            return Err(FastApiFormError::Fields(errors));
        };
        let owned = |name| form.last_text(name).map(str::to_owned);
        let scope = form.last_text("scope").unwrap_or_default();
        Ok(Self {
            username: username.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            scopes: scope.split_whitespace().map(str::to_owned).collect(),
            client_id: owned("client_id"),
            client_secret: owned("client_secret").map(Zeroizing::new),
        })
    }
}

fn required<'f>(form: &'f LenientForm, name: &'static str, errors: &mut Vec<FieldError>) -> Option<&'f str> {
    match form.last(name) {
        Some(Value::Text(text)) => return Some(text.as_str()),
        Some(Value::File) => errors.push(FieldError::NotText(name)),
        None => errors.push(FieldError::Missing(name)),
    }
    None
}

impl fmt::Debug for FastApiPasswordForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("FastApiPasswordForm");
        shown.field("username", &self.username).field("scopes", &self.scopes).field("client_id", &self.client_id);
        shown.finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequest<S> for FastApiPasswordForm {
    type Rejection = FastApiFormError;

    async fn from_request(request: Request, _: &S) -> Result<Self, FastApiFormError> {
        let (parts, body) = request.into_parts();
        let form = LenientForm::read(&parts.headers, body).await?;
        Self::read(&form)
    }
}
