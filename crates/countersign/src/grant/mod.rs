//! The token request (RFC 6749 section 4): one dispatch over `grant_type`, one file for each grant.

mod error;
mod stats;
mod password;
mod refresh_token;
mod client_credentials;

use std::sync::Arc;

use countersign_axum::{Clock, ErrorStyle};
use countersign_token::{NewToken, ScopeSet, Subject};
use zeroize::Zeroizing;

pub use self::error::GrantError;
pub use self::stats::{GrantOutcome, GrantStats};
use crate::accounts::Accounts;
use crate::client::{Client, Grant};
use crate::keys::Keyring;
use crate::scopes::OFFLINE_ACCESS;
use crate::session::{Origin, RefreshToken, Session};
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::throttles::Whence;
use crate::user::User;

/// A token request whose form is decoded: each parameter once or not at all, never empty.
pub struct TokenRequest {
    /// Who asks: it has proven that.
    pub client: Client,
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
    /// Where it comes from: addresses take turns at hashing, and guesses from them are counted.
    pub whence: Whence,
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
    /// What the device of a user shall keep ([`Throttles::device`](crate::throttles::Throttles::device)).
    pub device: Option<String>,
}

/// The grants and what they work with.
pub struct Grants {
    accounts: Accounts,
    sessions: Sessions,
    keyring: Keyring,
    settings: Arc<Settings>,
    clock: Clock,
    stats: GrantStats,
}

/// What an access token is made of.
struct Granted<'g> {
    subject: Subject,
    client: &'g Client,
    session: Option<&'g Session>,
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
        Self { accounts, sessions, keyring, settings, clock, stats: GrantStats::default() }
    }

    /// Answers a token request.
    pub async fn grant(&self, request: TokenRequest) -> Result<TokenResponse, GrantError> {
        let named = request.grant_type.as_deref().ok_or(GrantError::Missing("grant_type"));
        let grant = named.and_then(|name| name.parse::<Grant>().map_err(|_| GrantError::UnsupportedGrantType));
        let answer = match grant {
            Ok(grant) => self.answer(grant, request).await,
            Err(error) => Err(error),
        };
        self.stats.count(grant.ok(), GrantOutcome::of(answer.as_ref().err()));
        answer
    }

    /// What has become of token requests, those that came no further than to their client among it.
    pub fn stats(&self) -> &GrantStats {
        &self.stats
    }

    async fn answer(&self, grant: Grant, request: TokenRequest) -> Result<TokenResponse, GrantError> {
        if !self.offers(grant) {
            return Err(GrantError::UnsupportedGrantType);
        }
        if !request.client.grants.contains(&grant) {
            return Err(GrantError::UnauthorizedClient);
        }
        match grant {
            Grant::Password => password::grant(self, request).await,
            Grant::RefreshToken => refresh_token::grant(self, request).await,
            Grant::ClientCredentials => client_credentials::grant(self, request),
        }
    }

    fn offers(&self, grant: Grant) -> bool {
        match grant {
            Grant::Password => self.settings.offers_password(),
            Grant::RefreshToken => self.settings.offers_refresh(),
            Grant::ClientCredentials => self.settings.error_style == ErrorStyle::Problem,
        }
    }

    /// The names of the grants on offer, for the metadata (RFC 8414 section 2).
    pub fn offered(&self) -> Vec<&'static str> {
        Grant::ALL.into_iter().filter(|grant| self.offers(*grant)).map(Grant::name).collect()
    }

    /// The answer to a good request.
    fn issue(&self, granted: Granted<'_>) -> Result<TokenResponse, GrantError> {
        let Granted { subject, client, session, mut scope, refresh_token } = granted;
        let longest_s = self.settings.access_token_lifetime_s;
        let lifetime_s = client.access_token_lifetime_s.map_or(longest_s, |own| own.min(longest_s));
        let mut token = NewToken::for_subject(subject.to_string())
            .client_id(client.id.as_str())
            .scope(scope.clone())
            .lifetime_s(lifetime_s);
        let default = std::slice::from_ref(&self.settings.audience);
        for audience in if client.audiences.is_empty() { default } else { &client.audiences } {
            token = token.audience(audience);
        }
        if let Some(session) = session {
            token = token.session_id(session.id.to_string());
            token.status = session.status.map(|place| self.sessions.statuses().reference(place));
        }
        let issued = self.keyring.current().issuer.issue(&token, self.clock.now()).map_err(GrantError::unavailable)?;
        if refresh_token.is_some() {
            scope = scope.union(&offline_access());
        }
        let refresh_token = refresh_token.map(|token| token.text());
        Ok(TokenResponse { access_token: issued.token, expires_in: lifetime_s, refresh_token, scope, device: None })
    }
}

/// The subject of a user's tokens.
fn subject_of(user: &User) -> Result<Subject, GrantError> {
    Subject::user(&user.id.to_string()).map_err(GrantError::unavailable)
}

/// What a user may have by this client: the operator's own front end has no limits of its own.
fn limited(client: &Client, allowed: &ScopeSet) -> ScopeSet {
    if client.id.is_first_party() { allowed.clone() } else { allowed.intersection(&client.scopes) }
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
