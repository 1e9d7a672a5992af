//! The grant `refresh_token` (RFC 6749 section 6): a session goes on, and each refresh token is used once.

use countersign_token::ScopeSet;

use crate::grant::{GrantError, Granted, Grants, TokenRequest, TokenResponse, asked, limited, subject_of};
use crate::session::{RefreshToken, Session};
use crate::sessions::{RefreshError, Refreshed};
use crate::user::User;

/// Answers with the next access token and the next refresh token. The scopes are those of the login, or fewer if fewer are asked
/// for, as far as the user still has them.
pub(super) async fn grant(grants: &Grants, request: TokenRequest) -> Result<TokenResponse, GrantError> {
    let text = request.refresh_token.ok_or(GrantError::Missing("refresh_token"))?;
    let (asked, _) = asked(request.scope.as_deref())?;
    let token = RefreshToken::read(&text).ok_or(GrantError::NOT_A_REFRESH_TOKEN)?;
    let client = request.client;
    // What the user or the client has lost since is not granted any more.
    let allowed = |session: &Session, user: &User| scope_of(asked.as_ref(), session, &limited(&client, &user.scopes));
    let refreshed = grants.sessions.refresh(&token, client.id.as_str(), allowed).await?;
    let Refreshed { session, user, scope, next } = refreshed;
    tracing::info!(event = "refresh", outcome = "good", session = %session.id, user = %user.id);
    let (subject, session) = (subject_of(&user)?, Some(&session));
    grants.issue(Granted { subject, client: &client, session, scope, refresh_token: Some(next) })
}

/// Of what was granted at the login, what is asked for and still allowed. Where nothing is left of it, the answer is an error, as
/// at a login: nobody takes a powerless token for one that goes on. Who never had a scope goes on without.
fn scope_of(asked: Option<&ScopeSet>, session: &Session, allowed: &ScopeSet) -> Result<ScopeSet, RefreshError> {
    if asked.is_some_and(|asked| !session.scope.contains_all(asked)) {
        return Err(RefreshError::Widened);
    }
    let scope = asked.unwrap_or(&session.scope).intersection(allowed);
    if scope.is_empty() && !session.scope.is_empty() { Err(RefreshError::Powerless) } else { Ok(scope) }
}

impl From<RefreshError> for GrantError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::NotValid => Self::NOT_A_REFRESH_TOKEN,
            RefreshError::Widened | RefreshError::Powerless => Self::InvalidScope,
            RefreshError::Store(error) => Self::unavailable(error),
        }
    }
}
