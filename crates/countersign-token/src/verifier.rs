//! Checks tokens: RFC 9068 access tokens, or plain ones by a shared secret.

use serde_json::Value;

use crate::claims::{Claims, required};
use crate::json;
use crate::jws::{Header, MAX_TOKEN_BYTES, Unverified, Verified};
use crate::key::{KeySet, VerificationKey};
use crate::refusal::VerifyError;

/// Checks tokens and returns their claims; cheap to clone.
///
/// ```
/// use countersign_token::{Algorithm, KeySet, SigningKey, Verifier, VerifyError};
///
/// let key = SigningKey::generate(Algorithm::Es256)?;
/// let keys = KeySet::new(vec![key.verification_key()])?;
/// let verifier = Verifier::new("https://as.example", "https://api.example", keys).leeway_s(5);
/// assert_eq!(verifier.verify("not.a.token", 1_800_000_000).unwrap_err(), VerifyError::Malformed);
/// # Ok::<(), countersign_token::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    profile: Profile,
    leeway_s: i64,
    longest_lifetime_s: i64,
    max_token_bytes: usize,
}

#[derive(Clone, Debug)]
enum Profile {
    /// RFC 9068, strict.
    AccessToken { issuer: String, audience: String, keys: KeySet },
    /// One key; `sub` and `exp`.
    Plain { key: VerificationKey },
}

/// 31 days.
const LONGEST_LIFETIME_S: i64 = 31 * 24 * 60 * 60;

/// The largest leeway: more than clocks differ, less than a token lives.
const MAX_LEEWAY_S: i64 = 300;

impl Verifier {
    /// A verifier of RFC 9068 access tokens of this issuer for this audience, both compared byte for byte.
    ///
    /// It requires `typ` `at+jwt`, the claims `iss`, `aud`, `sub`, `exp`, `iat`, `jti` and `client_id`, and a
    /// signature by the key that `kid` names. A token without `kid` is taken only when there is but one key.
    pub fn new(issuer: &str, audience: &str, keys: KeySet) -> Self {
        let profile = Profile::AccessToken { issuer: issuer.to_owned(), audience: audience.to_owned(), keys };
        Self { profile, leeway_s: 0, longest_lifetime_s: LONGEST_LIFETIME_S, max_token_bytes: MAX_TOKEN_BYTES }
    }

    /// A verifier of the plain profile: tokens with `sub` and `exp` that any program with the same key made.
    ///
    /// `typ` is absent, `JWT` or that of an access token; `kid` has no meaning. `nbf`, `iat` and `scope` count where
    /// they stand; a token with `aud` is for somebody in particular, who is not known here, and is refused
    /// (RFC 7519 section 4.1.3). There is no longest lifetime unless it is set, and then `iat` is required.
    pub fn plain(key: VerificationKey) -> Self {
        let profile = Profile::Plain { key };
        Self { profile, leeway_s: 0, longest_lifetime_s: i64::MAX, max_token_bytes: MAX_TOKEN_BYTES }
    }

    /// How many seconds the clocks of issuer and verifier may differ: 0 to 300, 0 unless set. It counts once for each
    /// of `exp`, `nbf` and `iat`.
    #[must_use]
    pub fn leeway_s(self, leeway_s: i64) -> Self {
        Self { leeway_s: leeway_s.clamp(0, MAX_LEEWAY_S), ..self }
    }

    /// The longest lifetime (`exp` - `iat`) that any token of the issuer has, in seconds: 31 days unless set.
    #[must_use]
    pub fn longest_lifetime_s(self, longest_lifetime_s: i64) -> Self {
        Self { longest_lifetime_s, ..self }
    }

    /// The most bytes of a token: 8192 unless set.
    #[must_use]
    pub fn max_token_bytes(self, max_token_bytes: usize) -> Self {
        Self { max_token_bytes, ..self }
    }

    /// Checks a token at the time `now`, in Unix seconds.
    pub fn verify(&self, token: &str, now: i64) -> Result<Claims, VerifyError> {
        let verified = self.check_signature(token, self.max_token_bytes)?;
        self.check_type(verified.header.typ())?;
        let members = json::object(&verified.payload).map_err(|_| VerifyError::MalformedClaims)?;
        let claims = Claims::check(members)?;
        self.check_profile(&claims)?;
        self.check_times(&claims, now)?;
        Ok(claims)
    }

    /// A token of any kind, of at most this many bytes, that is signed with a key of the issuer.
    pub(crate) fn check_signature(&self, token: &str, max_bytes: usize) -> Result<Verified, VerifyError> {
        let jws = Unverified::parse(token, max_bytes)?;
        let key = self.key(jws.header())?;
        jws.verify(key)
    }

    /// Whose tokens are taken, unless the profile is the plain one.
    #[cfg(feature = "status-list")]
    pub(crate) fn issuer(&self) -> Option<&str> {
        match &self.profile {
            Profile::AccessToken { issuer, .. } => Some(issuer),
            Profile::Plain { .. } => None,
        }
    }

    fn key(&self, header: &Header) -> Result<&VerificationKey, VerifyError> {
        match &self.profile {
            Profile::AccessToken { keys, .. } => keys.select(header.kid()).ok_or(VerifyError::UnknownKey),
            Profile::Plain { key } => Ok(key),
        }
    }

    /// `typ` is a media type, whose `application/` may be left out, compared without case (RFC 7515 section 4.1.9).
    fn check_type(&self, typ: Option<&str>) -> Result<(), VerifyError> {
        let one_of = |names: &[&str]| typ.is_some_and(|typ| names.iter().any(|name| typ.eq_ignore_ascii_case(name)));
        let good = match self.profile {
            Profile::AccessToken { .. } => one_of(&["at+jwt", "application/at+jwt"]),
            Profile::Plain { .. } => {
                typ.is_none() || one_of(&["JWT", "application/jwt", "at+jwt", "application/at+jwt"])
            }
        };
        if good { Ok(()) } else { Err(VerifyError::WrongType) }
    }

    fn check_profile(&self, claims: &Claims) -> Result<(), VerifyError> {
        match &self.profile {
            Profile::AccessToken { issuer, audience, .. } => {
                required(claims.token_id(), "jti")?;
                required(claims.client_id(), "client_id")?;
                required(claims.issued_at(), "iat")?;
                if required(claims.issuer(), "iss")? != issuer {
                    return Err(VerifyError::WrongIssuer);
                }
                check_audience(claims, audience)
            }
            Profile::Plain { .. } if claims.get("aud").is_some() => Err(VerifyError::WrongAudience),
            Profile::Plain { .. } => Ok(()),
        }
    }

    /// No sum here can overflow: every time in a token is below 2^53, and the leeway is at most 300.
    fn check_times(&self, claims: &Claims, now: i64) -> Result<(), VerifyError> {
        self.check_not_expired(claims.expires_at(), now)?;
        if claims.not_before().is_some_and(|not_before| not_before - self.leeway_s > now) {
            return Err(VerifyError::NotYetValid);
        }
        if let Some(issued_at) = claims.issued_at() {
            self.check_issued(issued_at, now)?;
        }
        if self.longest_lifetime_s < i64::MAX {
            let issued_at = required(claims.issued_at(), "iat")?;
            if claims.expires_at() - issued_at > self.longest_lifetime_s {
                return Err(VerifyError::LifetimeTooLong);
            }
        }
        Ok(())
    }

    pub(crate) fn check_not_expired(&self, expires_at: i64, now: i64) -> Result<(), VerifyError> {
        if now < expires_at + self.leeway_s { Ok(()) } else { Err(VerifyError::Expired) }
    }

    pub(crate) fn check_issued(&self, issued_at: i64, now: i64) -> Result<(), VerifyError> {
        if issued_at - self.leeway_s <= now { Ok(()) } else { Err(VerifyError::IssuedInFuture) }
    }
}

/// `aud` is a string or an array of strings, and names us (RFC 7519 section 4.1.3).
fn check_audience(claims: &Claims, audience: &str) -> Result<(), VerifyError> {
    let names = match required(claims.get("aud"), "aud")? {
        Value::Array(names) => names.as_slice(),
        name => std::slice::from_ref(name),
    };
    let mut found = false;
    for name in names {
        found |= name.as_str().ok_or(VerifyError::BadClaim("aud"))? == audience;
    }
    if found { Ok(()) } else { Err(VerifyError::WrongAudience) }
}
