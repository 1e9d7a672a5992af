//! The grant `client_credentials` (RFC 6749 section 4.4): a client asks for itself.

use countersign_token::Subject;

use crate::grant::{GrantError, Granted, Grants, TokenRequest, TokenResponse, asked, granted};

/// Answers a client that has proven who it is with a token of its own: no user stands behind it, and there is no refresh token
/// (section 4.4.3).
pub(super) fn grant(grants: &Grants, request: TokenRequest) -> Result<TokenResponse, GrantError> {
    let client = request.client;
    if client.is_public {
        return Err(GrantError::UnauthorizedClient);
    }
    let (asked, _) = asked(request.scope.as_deref())?;
    let scope = granted(asked.as_ref(), &client.scopes)?;
    let subject = Subject::client(client.id.as_str()).map_err(GrantError::unavailable)?;
    tracing::info!(event = "client token");
    grants.issue(Granted { subject, client: &client, session: None, scope, refresh_token: None })
}
