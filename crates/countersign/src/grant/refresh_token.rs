//! The grant `refresh_token` (RFC 6749 section 6). This server hands out no refresh tokens yet, so none that is presented can
//! be good; the grant is not in the metadata, but a client that tries it is told which part of its request is at fault.

use crate::grant::{GrantError, TokenRequest, TokenResponse};

/// Refuses: a missing token is a malformed request, any other is one that was never issued.
pub(super) fn grant(request: &TokenRequest) -> Result<TokenResponse, GrantError> {
    if request.refresh_token.is_none() {
        return Err(GrantError::Missing("refresh_token"));
    }
    Err(GrantError::InvalidGrant("The refresh token is not valid"))
}
