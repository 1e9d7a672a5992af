//! The token request (RFC 6749 section 4): one dispatch over `grant_type`, one file for each grant.

mod error;
mod password;
mod refresh_token;

use std::sync::Arc;

use countersign_axum::Clock;
use countersign_password::Source;
use countersign_token::{Issuer, NewToken, ScopeSet, Subject};
use zeroize::Zeroizing;

pub use self::error::GrantError;
use crate::accounts::Accounts;
use crate::settings::Settings;
use crate::user::User;

/// The client of a token whose request named none: the operator's own front end (RFC 9068 wants a `client_id` in every token).
pub(crate) const FIRST_PARTY_CLIENT: &str = "first-party";

/// The claim that carries the generation of a user's token; see [`User::generation`].
pub(crate) const GENERATION: &str = "gen";

/// A token request whose form is decoded: each parameter once or not at all, never empty.
#[derive(Default)]
pub struct TokenRequest {
    /// `grant_type`.
    pub grant_type: Option<String>,
    /// `username` of the password grant: a user name or an e-mail address.
    pub username: Option<String>,
    /// `password` of the password grant.
    pub password: Option<Zeroizing<String>>,
    /// `refresh_token` of the grant of that name.
    pub refresh_token: Option<Zeroizing<String>>,
    /// `scope`: the scopes asked for.
    pub scope: Option<String>,
    /// Where the request came from: sources take turns at hashing.
    pub source: Source,
}

/// What a token request is answered with (RFC 6749 section 5.1).
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// How long it lives, in seconds.
    pub expires_in: i64,
    /// The scopes that were granted, not the ones asked for.
    pub scope: ScopeSet,
}

/// The grants and what they work with.
pub struct Grants {
    accounts: Accounts,
    issuer: Issuer,
    settings: Arc<Settings>,
    clock: Clock,
}

impl Grants {
    /// Puts the grants together.
    pub fn new(accounts: Accounts, issuer: Issuer, settings: Arc<Settings>, clock: Clock) -> Self {
        Self { accounts, issuer, settings, clock }
    }

    /// Answers a token request.
    pub async fn grant(&self, request: TokenRequest) -> Result<TokenResponse, GrantError> {
        match request.grant_type.as_deref() {
            None => Err(GrantError::Missing("grant_type")),
            Some("password") if self.settings.password_grant => password::grant(self, request).await,
            Some("refresh_token") => refresh_token::grant(&request),
            Some(_) => Err(GrantError::UnsupportedGrantType),
        }
    }

    /// The names of the grants on offer, for the metadata (RFC 8414 section 2).
    pub fn offered(&self) -> Vec<&'static str> {
        if self.settings.password_grant { vec!["password"] } else { Vec::new() }
    }

    /// An access token for a user, with these scopes.
    fn issue(&self, user: &User, scope: ScopeSet) -> Result<TokenResponse, GrantError> {
        let subject = Subject::user(&user.id.to_string()).map_err(GrantError::unavailable)?;
        let lifetime_s = self.settings.access_token_lifetime_s;
        let token = NewToken::for_subject(subject.to_string())
            .client_id(FIRST_PARTY_CLIENT)
            .audience(&self.settings.audience)
            .scope(scope.clone())
            .lifetime_s(lifetime_s)
            .extra(GENERATION, user.generation);
        let issued = self.issuer.issue(&token, self.clock.now()).map_err(GrantError::unavailable)?;
        Ok(TokenResponse { access_token: issued.token, expires_in: lifetime_s, scope })
    }
}

/// The scopes to grant: those asked for that the user has; all that the user has when none were asked for (the "pre-defined
/// default" of RFC 6749 section 3.3). None left is an error, so that nobody takes a powerless token for a login.
fn granted(asked: Option<&str>, allowed: &ScopeSet) -> Result<ScopeSet, GrantError> {
    let Some(asked) = asked else { return Ok(allowed.clone()) };
    let asked = ScopeSet::parse(asked).map_err(|_| GrantError::InvalidScope)?;
    let granted = asked.intersection(allowed);
    if granted.is_empty() { Err(GrantError::InvalidScope) } else { Ok(granted) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    //
    #[test]
    fn what_is_granted_is_what_was_asked_for_and_is_allowed() {
        let allowed = scopes("items:read items:write");
        assert_eq!(granted(Some("items:read admin"), &allowed), Ok(scopes("items:read")));
        assert_eq!(granted(None, &allowed), Ok(allowed.clone()));
        assert_eq!(granted(Some("admin"), &allowed), Err(GrantError::InvalidScope));
        assert_eq!(granted(Some("items"), &allowed), Err(GrantError::InvalidScope));
        assert_eq!(granted(Some("items:read  items:write"), &allowed), Err(GrantError::InvalidScope));
        assert_eq!(granted(Some("items:read\""), &allowed), Err(GrantError::InvalidScope));
    }

    #[test]
    fn a_user_without_scopes_logs_in_all_the_same() {
        assert_eq!(granted(None, &ScopeSet::default()), Ok(ScopeSet::default()));
    }
}
