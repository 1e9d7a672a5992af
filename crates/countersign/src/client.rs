//! Clients as the stores keep them: programs that are registered to ask for tokens. Times are Unix seconds.

pub mod keys;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_token::ScopeSet;
use zeroize::Zeroizing;

pub use crate::client::keys::{ClientKeys, ClientKeysError};
use crate::user::FullName;

/// A registered program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name in requests and tokens; never changes.
    pub id: ClientId,
    /// The name to show.
    pub name: String,
    /// Whether it can keep no secret, as a program on its users' machines cannot.
    pub is_public: bool,
    /// How it may ask for tokens.
    pub grants: BTreeSet<Grant>,
    /// The most that its tokens carry; of a user's login, as far as the user has them.
    pub scopes: ScopeSet,
    /// The APIs that its tokens are for; nobody named is the audience of the server. About tokens for these it may ask.
    pub audiences: Vec<String>,
    /// How long its access tokens live, if shorter than those of the server, in seconds.
    pub access_token_lifetime_s: Option<i64>,
    /// Whether every login by it comes with a refresh token, also where it is not asked for.
    pub always_refresh: bool,
    /// Whether it is kept out.
    pub disabled: bool,
    /// When it was registered.
    pub created_at: i64,
    /// What it proves itself with, oldest first; two while one takes the place of the other.
    pub secrets: Vec<ClientSecret>,
    /// What it proves itself with in the place of a secret or beside it: it signs, and these check that.
    pub keys: ClientKeys,
}

/// The id of a client: 1 to 64 letters, digits and `.`, `_`, `-`, `~`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

/// The text is not the id of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a client id is 1 to 64 letters, digits and the marks . _ - ~, and not `{FIRST_PARTY}`")]
#[non_exhaustive]
pub struct ClientIdError;

/// How a client may ask for tokens (RFC 6749 section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Grant {
    /// With the name and the password of a user.
    Password,
    /// With the refresh token of a session.
    RefreshToken,
    /// For itself.
    ClientCredentials,
}

/// What is kept of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// SHA-256: a secret has 256 random bits, which nobody guesses.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: i64,
}

/// The client of a token whose request named none: the operator's own front end (RFC 9068 wants a `client_id` in every token).
pub const FIRST_PARTY: &str = "first-party";
/// The most secrets that a client has at one time.
pub const MOST_SECRETS: usize = 2;

const LONGEST_ID: usize = 64;
const LONGEST_AUDIENCE: usize = 255;
const MOST_AUDIENCES: usize = 8;
/// How a secret begins, so that scanners for leaked secrets know it.
const SECRET_PREFIX: &str = "css_";
const SECRET_BYTES: usize = 32;

/// Why something of a client is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientFault {
    /// The name.
    #[error("the name of a client is too long, or holds control characters or marks that nobody sees")]
    Name,
    /// An audience.
    #[error(
        "an audience is a text of 1 to 255 visible ASCII characters, usually the URL of an API; there are at most 8"
    )]
    Audience,
}

/// A change of a client, field by field; the default changes nothing. Stores apply it in one step, so that of two at once none is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientChange {
    /// See [`Client::name`].
    pub name: Option<String>,
    /// See [`Client::grants`].
    pub grants: Option<BTreeSet<Grant>>,
    /// See [`Client::scopes`].
    pub scopes: Option<ScopeSet>,
    /// See [`Client::audiences`].
    pub audiences: Option<Vec<String>>,
    /// See [`Client::access_token_lifetime_s`].
    pub access_token_lifetime_s: Option<Option<i64>>,
    /// See [`Client::always_refresh`].
    pub always_refresh: Option<bool>,
    /// See [`Client::disabled`].
    pub disabled: Option<bool>,
    /// See [`Client::keys`].
    pub keys: Option<ClientKeys>,
}

impl ClientChange {
    /// What this change makes of a client.
    pub fn apply_to(&self, client: &Client) -> Client {
        let Self { name, grants, scopes, audiences, access_token_lifetime_s, always_refresh, disabled, keys } =
            self.clone();
        let old = client.clone();
        Client {
            name: name.unwrap_or(old.name),
            grants: grants.unwrap_or(old.grants),
            scopes: scopes.unwrap_or(old.scopes),
            audiences: audiences.unwrap_or(old.audiences),
            access_token_lifetime_s: access_token_lifetime_s.unwrap_or(old.access_token_lifetime_s),
            always_refresh: always_refresh.unwrap_or(old.always_refresh),
            disabled: disabled.unwrap_or(old.disabled),
            keys: keys.unwrap_or(old.keys),
            ..old
        }
    }
}

/// The name to show, without white space at its ends.
pub fn check_name(text: &str) -> Result<String, ClientFault> {
    let text = text.trim();
    // What a person's name may not hold, no client's does.
    let is_good = text.is_empty() || FullName::new(text).is_ok();
    if is_good { Ok(text.to_owned()) } else { Err(ClientFault::Name) }
}

/// Whether these can be audiences.
pub fn check_audiences(audiences: &[String]) -> Result<(), ClientFault> {
    let is_good =
        |text: &String| (1..=LONGEST_AUDIENCE).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if audiences.len() <= MOST_AUDIENCES && audiences.iter().all(is_good) { Ok(()) } else { Err(ClientFault::Audience) }
}

impl Client {
    /// A client that may do nothing yet, and has no secret.
    pub fn new(id: ClientId, is_public: bool, now: i64) -> Self {
        Self {
            id,
            name: String::new(),
            is_public,
            grants: BTreeSet::new(),
            scopes: ScopeSet::default(),
            audiences: Vec::new(),
            access_token_lifetime_s: None,
            always_refresh: false,
            disabled: false,
            created_at: now,
            secrets: Vec::new(),
            keys: ClientKeys::default(),
        }
    }
}

impl ClientId {
    /// Checks an id.
    pub fn new(text: &str) -> Result<Self, ClientIdError> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-~".contains(&byte);
        let is_id = (1..=LONGEST_ID).contains(&text.len())
            && text.bytes().all(is_good)
            && !text.eq_ignore_ascii_case(FIRST_PARTY);
        if is_id { Ok(Self(text.to_owned())) } else { Err(ClientIdError) }
    }

    /// The id of the operator's own front end, which nobody registers.
    pub fn first_party() -> Self {
        Self(FIRST_PARTY.to_owned())
    }

    /// Whether it is that.
    pub fn is_first_party(&self) -> bool {
        self.0 == FIRST_PARTY
    }

    /// What a store has kept.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Grant {
    /// All of them.
    pub const ALL: [Grant; 3] = [Self::Password, Self::RefreshToken, Self::ClientCredentials];

    /// The `grant_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|grant| grant.name() == text);
        found.ok_or_else(|| format!("a grant is one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

impl ClientSecret {
    /// A new secret, to be shown once, and what is kept of it; `None` where the system gives no randomness.
    pub fn generate(now: i64) -> Option<(Zeroizing<String>, Self)> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        aws_lc_rs::rand::fill(bytes.as_mut_slice()).ok()?;
        let mut text = Zeroizing::new(String::with_capacity(SECRET_PREFIX.len() + SECRET_BYTES.div_ceil(3) * 4));
        text.push_str(SECRET_PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        let hash = hash(&text);
        Some((text, Self { hash, created_at: now }))
    }

    /// Whether this is the secret, in a time that tells nothing of it.
    pub fn is(&self, text: &str) -> bool {
        verify_slices_are_equal(&self.hash, &hash(text)).is_ok()
    }

    /// The first digits of the hash, by which people name it.
    pub fn id(&self) -> String {
        self.hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    }
}

fn hash(text: &str) -> [u8; 32] {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap_or_default()
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientSecret({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_needs_no_escape_anywhere() {
        for good in ["web", "A.b_c-d~1", &"x".repeat(64)] {
            assert_eq!(ClientId::new(good).map(|id| id.to_string()).as_deref(), Ok(good));
        }
        for wrong in ["", "first-party", "a b", "a:b", "a/b", "é", "a\n", &"x".repeat(65)] {
            assert_eq!(ClientId::new(wrong), Err(ClientIdError), "{wrong:?}");
        }
    }

    //
    #[test]
    fn a_secret_is_known_again_by_its_hash_alone() {
        let (text, kept) = ClientSecret::generate(7).unwrap();
        let (other, _) = ClientSecret::generate(7).unwrap();
        assert!(kept.is(&text) && !kept.is(&other) && !kept.is("") && !kept.is(text.trim_start_matches("css_")));
        assert!(!format!("{kept:?}").contains(text.get(4..12).unwrap()));
    }
}
