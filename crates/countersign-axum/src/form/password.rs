//! The password grant's token request (RFC 6749 section 4.3.2), strictly.

use std::fmt;

use axum_core::extract::{FromRequest, Request};
use countersign_token::ScopeSet;
use zeroize::Zeroizing;

use crate::form::answer::{TokenError, TokenErrorCode};
use crate::form::client::ClientCredentials;
use crate::form::strict::StrictForm;

/// The token request of the password grant.
///
/// An extractor for a token endpoint of your own; a request that is not well formed is answered as RFC 6749
/// section 5.2 wants it. See [`StrictForm`] for what is well formed. The password is wiped when dropped and never
/// printed.
///
/// ```
/// use countersign_axum::form::{PasswordForm, TokenAnswer, TokenError};
///
/// async fn token(form: PasswordForm) -> Result<TokenAnswer, TokenError> {
///     if (form.username(), form.password()) != ("alice", "correct horse battery staple") {
///         return Err(TokenError::wrong_password());
///     }
///     Ok(TokenAnswer::new("…".to_owned(), 1800))
/// }
/// ```
pub struct PasswordForm {
    username: String,
    password: Zeroizing<String>,
    scope: Option<ScopeSet>,
    client: Option<ClientCredentials>,
}

impl PasswordForm {
    /// The user name as it was typed.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password as it was typed.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The scopes asked for; `None` when the request names none.
    pub fn scope(&self) -> Option<&ScopeSet> {
        self.scope.as_ref()
    }

    /// The scopes to grant to a user who may have `allowed`: those asked for that are allowed, or all that are allowed when
    /// the request names none (the pre-defined default of RFC 6749 section 3.3). When nothing is left of what was asked
    /// for, the answer is `invalid_scope`, so that nobody takes a powerless token for a login (R-015).
    pub fn granted(&self, allowed: &ScopeSet) -> Result<ScopeSet, TokenError> {
        let Some(asked) = &self.scope else { return Ok(allowed.clone()) };
        let granted = asked.intersection(allowed);
        if granted.is_empty() {
            return Err(TokenError::new(TokenErrorCode::InvalidScope, "None of the scopes asked for may be granted"));
        }
        Ok(granted)
    }

    /// The client that asks, unchecked; `None` when the request names none.
    pub fn client(&self) -> Option<&ClientCredentials> {
        self.client.as_ref()
    }

    fn read(form: &StrictForm, client: Option<ClientCredentials>) -> Result<Self, TokenError> {
        if form.required("grant_type")? != "password" {
            let text = "The only grant_type here is password";
            return Err(TokenError::new(TokenErrorCode::UnsupportedGrantType, text));
        }
        let username = form.required("username")?.to_owned();
        let password = Zeroizing::new(form.required("password")?.to_owned());
        let scope = form.optional("scope")?.map(ScopeSet::parse).transpose().map_err(|_| {
            TokenError::new(TokenErrorCode::InvalidScope, "The scope is not a list of tokens parted by single spaces")
        })?;
        Ok(Self { username, password, scope, client })
    }
}

impl fmt::Debug for PasswordForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("PasswordForm");
        shown.field("username", &self.username).field("scope", &self.scope).field("client", &self.client);
        shown.finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequest<S> for PasswordForm {
    type Rejection = TokenError;

    async fn from_request(request: Request, _: &S) -> Result<Self, TokenError> {
        let (parts, body) = request.into_parts();
        let form = StrictForm::read(&parts.headers, body).await?;
        let client = ClientCredentials::from_request(&parts.headers, &form)?;
        Self::read(&form, client)
    }
}
