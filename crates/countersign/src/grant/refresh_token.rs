//! The grant `refresh_token` (RFC 6749 section 6): a session goes on, and each refresh token is used once.

use crate::grant::{GrantError, Granted, Grants, TokenRequest, TokenResponse, asked, limited, subject_of};
use crate::session::RefreshToken;
use crate::sessions::RefreshError;

/// Answers with the next access token and the next refresh token. The scopes are those of the login, or fewer if fewer are asked
/// for, as far as the user still has them.
pub(super) async fn grant(grants: &Grants, request: TokenRequest) -> Result<TokenResponse, GrantError> {
    let text = request.refresh_token.ok_or(GrantError::Missing("refresh_token"))?;
    let (asked, _) = asked(request.scope.as_deref())?;
    let token = RefreshToken::read(&text).ok_or(GrantError::NOT_A_REFRESH_TOKEN)?;
    let client = request.client;
    let (session, user, next) = grants.sessions.refresh(&token, client.id.as_str(), asked.as_ref()).await?;
    tracing::info!(event = "refresh", outcome = "good", session = %session.id, user = %user.id, client = %client.id);
    // What the user or the client has lost since is not granted any more.
    let allowed = limited(&client, &user.scopes);
    let scope = asked.as_ref().unwrap_or(&session.scope).intersection(&allowed);
    let (subject, session) = (subject_of(&user)?, Some(&session));
    grants.issue(Granted { subject, client: &client, session, scope, refresh_token: Some(next) })
}

impl From<RefreshError> for GrantError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::NotValid => Self::NOT_A_REFRESH_TOKEN,
            RefreshError::Widened => Self::InvalidScope,
            RefreshError::Store(error) => Self::unavailable(error),
        }
    }
}
