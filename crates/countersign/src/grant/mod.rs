//! The token request (RFC 6749 section 4): one dispatch over `grant_type`, one file for each grant.

mod error;
mod password;
mod refresh_token;

use std::sync::Arc;

use countersign_axum::Clock;
use countersign_password::Source;
use countersign_token::{NewToken, ScopeSet, Subject};
use zeroize::Zeroizing;

pub use self::error::GrantError;
use crate::accounts::Accounts;
use crate::keys::Keyring;
use crate::session::{Origin, RefreshToken, SessionId};
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::user::User;

/// The client of a token whose request named none: the operator's own front end (RFC 9068 wants a `client_id` in every token).
pub(crate) const FIRST_PARTY_CLIENT: &str = "first-party";

/// The scope that asks for a refresh token (`OpenID` Connect Core section 11). It is no right, so no access token carries it.
const OFFLINE_ACCESS: &str = "offline_access";

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
    /// Whom the hashing is for: sources take turns.
    pub source: Source,
    /// From where the session is begun.
    pub origin: Origin,
}

/// What a token request is answered with (RFC 6749 section 5.1).
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// How long it lives, in seconds.
    pub expires_in: i64,
    /// What it is renewed with, if that was asked for.
    pub refresh_token: Option<Zeroizing<String>>,
    /// The scopes that were granted, not the ones asked for.
    pub scope: ScopeSet,
}

/// The grants and what they work with.
pub struct Grants {
    accounts: Accounts,
    sessions: Sessions,
    keyring: Keyring,
    settings: Arc<Settings>,
    clock: Clock,
}

/// What an access token is made of.
struct Granted<'g> {
    user: &'g User,
    session: SessionId,
    scope: ScopeSet,
    refresh_token: Option<RefreshToken>,
}

impl Grants {
    /// Puts the grants together.
    pub fn new(
        accounts: Accounts,
        sessions: Sessions,
        keyring: Keyring,
        settings: Arc<Settings>,
        clock: Clock,
    ) -> Self {
        Self { accounts, sessions, keyring, settings, clock }
    }

    /// Answers a token request.
    pub async fn grant(&self, request: TokenRequest) -> Result<TokenResponse, GrantError> {
        match request.grant_type.as_deref() {
            None => Err(GrantError::Missing("grant_type")),
            Some("password") if self.settings.password_grant => password::grant(self, request).await,
            Some("refresh_token") if self.settings.offers_refresh() => refresh_token::grant(self, request).await,
            Some(_) => Err(GrantError::UnsupportedGrantType),
        }
    }

    /// The names of the grants on offer, for the metadata (RFC 8414 section 2).
    pub fn offered(&self) -> Vec<&'static str> {
        let settings = &self.settings;
        let offered = [(settings.password_grant, "password"), (settings.offers_refresh(), "refresh_token")];
        offered.into_iter().filter(|(is_on, _)| *is_on).map(|(_, name)| name).collect()
    }

    /// The answer to a good request.
    fn issue(&self, granted: Granted<'_>) -> Result<TokenResponse, GrantError> {
        let Granted { user, session, mut scope, refresh_token } = granted;
        let subject = Subject::user(&user.id.to_string()).map_err(GrantError::unavailable)?;
        let lifetime_s = self.settings.access_token_lifetime_s;
        let token = NewToken::for_subject(subject.to_string())
            .client_id(FIRST_PARTY_CLIENT)
            .audience(&self.settings.audience)
            .scope(scope.clone())
            .lifetime_s(lifetime_s)
            .session_id(session.to_string());
        let issued = self.keyring.current().issuer.issue(&token, self.clock.now()).map_err(GrantError::unavailable)?;
        if refresh_token.is_some() {
            scope = scope.union(&offline_access());
        }
        let refresh_token = refresh_token.map(|token| token.text());
        Ok(TokenResponse { access_token: issued.token, expires_in: lifetime_s, refresh_token, scope })
    }
}

/// The scopes that are asked for, and whether a refresh token is among it.
fn asked(scope: Option<&str>) -> Result<(Option<ScopeSet>, bool), GrantError> {
    let Some(scope) = scope else { return Ok((None, false)) };
    let asked = ScopeSet::parse(scope).map_err(|_| GrantError::InvalidScope)?;
    let rights = asked.difference(&offline_access());
    let with_refresh = rights != asked;
    // Who asks for nothing else has not said which rights.
    Ok((Some(rights).filter(|rights| !rights.is_empty() || !with_refresh), with_refresh))
}

fn offline_access() -> ScopeSet {
    ScopeSet::from_tokens([OFFLINE_ACCESS]).unwrap_or_default()
}

/// The scopes to grant: those asked for that the user has; all that the user has when none were asked for (the "pre-defined
/// default" of RFC 6749 section 3.3). None left is an error, so that nobody takes a powerless token for a login.
fn granted(asked: Option<&ScopeSet>, allowed: &ScopeSet) -> Result<ScopeSet, GrantError> {
    let Some(asked) = asked else { return Ok(allowed.clone()) };
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
        let granted = |text: &str| granted(asked(Some(text))?.0.as_ref(), &allowed);
        assert_eq!(granted("items:read admin"), Ok(scopes("items:read")));
        assert_eq!(granted("admin"), Err(GrantError::InvalidScope));
        assert_eq!(granted("items"), Err(GrantError::InvalidScope));
        assert_eq!(granted("items:read  items:write"), Err(GrantError::InvalidScope));
        assert_eq!(granted("items:read\""), Err(GrantError::InvalidScope));
        assert_eq!(granted("offline_access"), Ok(allowed.clone()));
        assert_eq!(granted("offline_access items:read"), Ok(scopes("items:read")));
    }

    #[test]
    fn a_refresh_token_is_asked_for_beside_the_rights() {
        assert_eq!(asked(None), Ok((None, false)));
        assert_eq!(asked(Some("me")), Ok((Some(scopes("me")), false)));
        assert_eq!(asked(Some("me offline_access")), Ok((Some(scopes("me")), true)));
        assert_eq!(asked(Some("offline_access")), Ok((None, true)));
    }

    #[test]
    fn a_user_without_scopes_logs_in_all_the_same() {
        assert_eq!(granted(None, &ScopeSet::default()), Ok(ScopeSet::default()));
    }
}
