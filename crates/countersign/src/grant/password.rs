//! The password grant (RFC 6749 section 4.3): for the operator's own front ends; RFC 9700 section 2.4 advises third parties
//! against it.

use countersign_axum::ErrorStyle;
use countersign_password::Password;
use countersign_token::ScopeSet;

use crate::accounts::AccountError;
use crate::client::Grant;
use crate::grant::{GrantError, Granted, Grants, TokenRequest, TokenResponse, asked, granted, limited, subject_of};
use crate::sessions::Login;

/// Checks name and password and answers with a token.
///
/// In FastAPI's style a text that can be nobody's password is a wrong one, and scopes that may not be granted are passed over.
pub(super) async fn grant(grants: &Grants, request: TokenRequest) -> Result<TokenResponse, GrantError> {
    let is_lenient = grants.settings.error_style == ErrorStyle::FastApi;
    let username = request.username.ok_or(GrantError::Missing("username"))?;
    let password = request.password.ok_or(GrantError::Missing("password"))?;
    let not_a_password = if is_lenient {
        GrantError::WRONG_CREDENTIALS
    } else {
        GrantError::InvalidRequest("The password is too long, or holds control characters")
    };
    let password = Password::new(String::clone(&password)).map_err(|_| not_a_password)?;
    let accounts = grants.accounts.for_requests_from(request.whence);
    let user = accounts.authenticate(&username, password).await?;
    let client = request.client;
    let (scope, with_refresh) = match scope_of(request.scope.as_deref(), &limited(&client, &user.scopes)) {
        Err(GrantError::InvalidScope) if is_lenient => (ScopeSet::default(), false),
        scope => scope?,
    };
    let may_refresh = grants.settings.offers_refresh() && client.grants.contains(&Grant::RefreshToken);
    let with_refresh = may_refresh && (with_refresh || client.always_refresh);
    let login = Login { user: &user, client: client.id.as_str(), scope: &scope, with_refresh, origin: request.origin };
    let begun = grants.sessions.begin(login).await.map_err(GrantError::unavailable)?;
    let Some((session, refresh_token)) = begun else {
        tracing::info!(event = "login", outcome = "refused", cause = "changed meanwhile", user = %user.id);
        return Err(GrantError::WRONG_CREDENTIALS);
    };
    tracing::info!(event = "login", outcome = "good", user = %user.id, session = %session.id);
    let (subject, session) = (subject_of(&user)?, Some(&session));
    let device = accounts.device_of(&user).filter(|_| client.id.is_first_party());
    Ok(TokenResponse { device, ..grants.issue(Granted { subject, client: &client, session, scope, refresh_token })? })
}

/// What is granted, and whether a refresh token was asked for.
fn scope_of(text: Option<&str>, allowed: &ScopeSet) -> Result<(ScopeSet, bool), GrantError> {
    let (rights, with_refresh) = asked(text)?;
    Ok((granted(rights.as_ref(), allowed)?, with_refresh))
}

impl From<AccountError> for GrantError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::WrongCredentials => Self::WRONG_CREDENTIALS,
            AccountError::Throttled(throttled) => Self::Throttled(throttled),
            AccountError::Busy { retry_after_s } => Self::Busy { retry_after_s },
            other => Self::unavailable(other),
        }
    }
}
