//! What an operator decides about tokens and accounts; how the process listens and hashes is decided elsewhere.

use countersign_axum::ErrorStyle;
use countersign_token::{Algorithm, ScopeSet};

use crate::entity::EntityKinds;
use crate::password_rules::PasswordRules;

/// The settings of one Countersign.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer's URL (RFC 8414 section 2): it stands in every token and in the metadata, and is never taken from a request
    ///
    pub issuer: String,
    /// The audience of the access tokens; the issuer itself unless set.
    pub audience: String,
    /// How long an access token lives, in seconds.
    pub access_token_lifetime_s: i64,
    /// Whether a login that asks for the scope `offline_access` is given a refresh token.
    pub refresh_tokens: bool,
    /// How long a session lives that is refreshed again and again, in seconds.
    pub refresh_token_lifetime_s: i64,
    /// How long a refresh token lives that nobody uses, in seconds.
    pub refresh_token_idle_s: i64,
    /// The kinds of things that tokens can be made for, and what can be done with them.
    pub entities: EntityKinds,
    /// The longest life of a token for a thing, in seconds.
    pub entity_token_lifetime_s: i64,
    /// The algorithm of a signing key that is made now; a key that exists keeps its own.
    pub algorithm: Algorithm,
    /// How long a signing key signs before the next one takes its place, in seconds.
    pub signing_key_lifetime_s: i64,
    /// How long others may keep the published keys, in seconds: so long before it signs a key is published.
    pub keys_max_age_s: i64,
    /// Whether anybody may register.
    pub registration: Registration,
    /// How often somebody may guess, and register.
    pub throttling: Throttling,
    /// Which protocol is spoken.
    pub profile: Profile,
    /// How refusals are worded: by the RFCs, or as FastAPI does, for front ends that exist already.
    pub error_style: ErrorStyle,
    /// The scopes of a user who registers.
    pub default_scopes: ScopeSet,
    /// The rules for new passwords.
    pub password_rules: PasswordRules,
    /// How long a record of the audit log is kept, in seconds.
    pub audit_lifetime_s: i64,
}

/// Which protocol is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// OAuth 2.0 (RFC 6749), with the password grant for those who are allowed to use it.
    #[default]
    OAuth2,
    /// OAuth 2.1 (draft-ietf-oauth-v2-1): no password grant, whatever a client's own grants say. What else it demands holds in
    /// either profile: refresh tokens that are used once, no token in a URL, no grant for clients that prove nothing.
    OAuth21,
}

/// Who may make an account at `POST /users`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Anybody.
    #[default]
    Open,
    /// Only a bearer of the scope `users:write`.
    Closed,
}

/// How often somebody may guess, and register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttling {
    /// Whether anything is counted.
    pub is_on: bool,
    /// Wrong passwords in a row for an account until there are pauses; at most [`MANY_FAILURES`](crate::throttle::MANY_FAILURES). An
    /// address has ten times as many in an hour, a network a hundred times.
    pub login_attempts: u32,
    /// Registrations from an address in an hour; a network has ten times as many.
    pub registrations_per_hour: u32,
}

impl Default for Throttling {
    fn default() -> Self {
        Self { is_on: true, login_attempts: 10, registrations_per_hour: 60 }
    }
}

impl Settings {
    /// Whether sessions can be refreshed: FastAPI's form of the token request has no place for it.
    pub(crate) fn offers_refresh(&self) -> bool {
        self.refresh_tokens && self.error_style == ErrorStyle::Problem
    }

    /// How long the longest of all tokens lives, in seconds.
    pub(crate) fn longest_token_lifetime_s(&self) -> i64 {
        let of_things = if self.entities.is_empty() { 0 } else { self.entity_token_lifetime_s };
        self.access_token_lifetime_s.max(of_things)
    }

    /// Whether tokens are given for a name and a password (RFC 9700 section 2.4 advises against it for third parties).
    pub(crate) fn offers_password(&self) -> bool {
        self.profile == Profile::OAuth2
    }

    /// The defaults for an issuer.
    pub fn new(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        Self {
            audience: issuer.clone(),
            issuer,
            access_token_lifetime_s: 30 * 60,
            refresh_tokens: true,
            refresh_token_lifetime_s: 30 * 24 * 60 * 60,
            refresh_token_idle_s: 7 * 24 * 60 * 60,
            entities: EntityKinds::default(),
            entity_token_lifetime_s: 30 * 24 * 60 * 60,
            algorithm: Algorithm::default(),
            signing_key_lifetime_s: 90 * 24 * 60 * 60,
            keys_max_age_s: 5 * 60,
            registration: Registration::default(),
            throttling: Throttling::default(),
            profile: Profile::default(),
            error_style: ErrorStyle::default(),
            default_scopes: ScopeSet::default(),
            password_rules: PasswordRules::default(),
            audit_lifetime_s: 365 * 24 * 60 * 60,
        }
    }
}
