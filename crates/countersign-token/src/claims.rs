//! What a verified token says.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::refusal::VerifyError;
use crate::scope::ScopeSet;
use crate::status::StatusReference;
use crate::subject::MAX_SUBJECT_BYTES;

/// The claims of a verified token. Only a verifier makes them, so who holds them need not check again; cheap to clone.
///
/// ```
/// use countersign_token::{Issuer, NewToken, SigningKey, Verifier};
///
/// #[derive(serde::Deserialize)]
/// struct Own {
///     sub: String,
///     tenant: u32,
/// }
///
/// let key = SigningKey::generate(countersign_token::Algorithm::Hs256)?;
/// let verifier = Verifier::plain(key.verification_key());
/// let request = NewToken::for_subject("ada").extra("tenant", 7);
/// let issued = Issuer::plain(key).issue(&request, 1_800_000_000)?;
///
/// let claims = verifier.verify(&issued.token, 1_800_000_000)?;
/// assert_eq!(claims.get("tenant").and_then(|tenant| tenant.as_u64()), Some(7));
/// let own: Own = claims.deserialize()?;
/// assert_eq!((own.sub.as_str(), own.tenant), ("ada", 7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Claims(Arc<Checked>);

#[derive(Debug)]
struct Checked {
    all: Map<String, Value>,
    subject: String,
    scope: ScopeSet,
    issued_at: Option<i64>,
    not_before: Option<i64>,
    expires_at: i64,
    status: Option<StatusReference>,
}

/// The claims do not have the form that the caller's type asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claims do not fit the type that they are read into: {0}")]
pub struct ClaimsError(String);

/// 2^53: beyond it, readers that keep numbers as doubles lose seconds (R-071).
pub(crate) const TIME_LIMIT: i64 = 1 << 53;

impl Claims {
    /// Checks the form of every claim this crate knows; what they mean is the verifier's matter.
    pub(crate) fn check(all: Map<String, Value>) -> Result<Self, VerifyError> {
        let subject = required(text(&all, "sub")?, "sub")?;
        if !is_subject(subject) {
            return Err(VerifyError::BadClaim("sub"));
        }
        let subject = subject.to_owned();
        for name in ["iss", "jti", "client_id", "sid"] {
            text(&all, name)?;
        }
        let issued_at = time(&all, "iat")?;
        let not_before = time(&all, "nbf")?;
        let expires_at = required(time(&all, "exp")?, "exp")?;
        let scope = match all.get("scope") {
            None => ScopeSet::default(),
            Some(Value::String(scope)) => ScopeSet::parse(scope).map_err(|_| VerifyError::BadClaim("scope"))?,
            Some(_) => return Err(VerifyError::BadClaim("scope")),
        };
        let status = StatusReference::among(&all).map_err(|_| VerifyError::BadClaim("status"))?;
        Ok(Self(Arc::new(Checked { all, subject, scope, issued_at, not_before, expires_at, status })))
    }

    /// Whom or what the token speaks for (`sub`).
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// What the token allows (`scope`); empty when the token names nothing.
    pub fn scope(&self) -> &ScopeSet {
        &self.0.scope
    }

    /// Who made the token (`iss`).
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// The client that the token was given to (`client_id`).
    pub fn client_id(&self) -> Option<&str> {
        self.text("client_id")
    }

    /// The identifier of the token (`jti`): what a deny-list goes by (R-077).
    pub fn token_id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// The session that the token belongs to (`sid`).
    pub fn session_id(&self) -> Option<&str> {
        self.text("sid")
    }

    /// Where it stands whether the token still holds (`status`).
    pub fn status(&self) -> Option<&StatusReference> {
        self.0.status.as_ref()
    }

    /// When the token was made (`iat`), in Unix seconds.
    pub fn issued_at(&self) -> Option<i64> {
        self.0.issued_at
    }

    /// When the token expires (`exp`), in Unix seconds.
    pub fn expires_at(&self) -> i64 {
        self.0.expires_at
    }

    /// Any claim by its name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.all.get(name)
    }

    /// Reads the claims into a type of the caller's. A `struct` gets an object, never an array.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ClaimsError> {
        T::deserialize(&self.0.all).map_err(|error| ClaimsError(error.to_string()))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// From when on the token is valid (`nbf`).
    pub(crate) fn not_before(&self) -> Option<i64> {
        self.0.not_before
    }
}

/// A claim that must be there.
pub(crate) fn required<T>(claim: Option<T>, name: &'static str) -> Result<T, VerifyError> {
    claim.ok_or(VerifyError::MissingClaim(name))
}

/// A claim that is a non-empty string where it stands (R-074).
fn text<'a>(all: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, VerifyError> {
    match all.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(VerifyError::BadClaim(name)),
    }
}

/// A claim that is a time where it stands: a number from 0 to below 2^53. A fraction of a second is cut off (R-071).
pub(crate) fn time(all: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, VerifyError> {
    let Some(value) = all.get(name) else { return Ok(None) };
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "2^53 and below are exact")]
    let whole = match (value.as_i64(), value.as_f64()) {
        (Some(seconds), _) => Some(seconds),
        (None, Some(seconds)) if (0.0..TIME_LIMIT as f64).contains(&seconds) => Some(seconds.trunc() as i64),
        _ => None,
    };
    match whole {
        Some(seconds) if (0..TIME_LIMIT).contains(&seconds) => Ok(Some(seconds)),
        _ => Err(VerifyError::BadClaim(name)),
    }
}

/// Whether a text can be the subject of a token: 1 to 255 bytes, no control characters, no white space at either end.
pub fn is_subject(text: &str) -> bool {
    (1..=MAX_SUBJECT_BYTES).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}
