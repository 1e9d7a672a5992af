//! Makes tokens: RFC 9068 access tokens, or plain ones by a shared secret.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::base64url;
use crate::claims::{TIME_LIMIT, is_subject};
use crate::json;
use crate::jws::{self, MAX_TOKEN_BYTES};
use crate::key::SigningKey;
use crate::scope::ScopeSet;
use crate::status::{StatusClaim, StatusReference};

/// Makes tokens of one issuer with one signing key. Clones share the key.
///
/// ```
/// use countersign_token::{Algorithm, Issuer, NewToken, SigningKey};
///
/// let issuer = Issuer::new("https://as.example", SigningKey::generate(Algorithm::Es256)?);
/// let request = NewToken::for_subject("user:ada").client_id("web").audience("https://api.example");
/// let issued = issuer.issue(&request, 1_800_000_000)?;
/// assert_eq!(issued.expires_at, 1_800_000_000 + 1800);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Issuer {
    profile: Profile,
    key: Arc<SigningKey>,
    /// The header, which is the same for all tokens, in base64url.
    header: Arc<str>,
}

#[derive(Clone, Debug)]
enum Profile {
    AccessToken { issuer: String },
    Plain,
}

/// What a new token shall say. Start with [`for_subject`](Self::for_subject).
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whom or what the token speaks for: at most 255 bytes, no control characters, no white space at either end.
    pub subject: String,
    /// The client that the token is given to. The plain profile does not write it.
    pub client_id: String,
    /// For whom the token is: one or more. The plain profile does not write it.
    pub audience: Vec<String>,
    /// What the token allows; no claim when empty.
    pub scope: ScopeSet,
    /// For how many seconds the token is valid; 1800 (30 minutes) unless set.
    pub lifetime_s: i64,
    /// The session that the token belongs to. The plain profile does not write it.
    pub session_id: Option<String>,
    /// Where it stands whether the token still holds. The plain profile does not write it.
    pub status: Option<StatusReference>,
    /// Further claims. The names that this crate writes or checks itself are refused.
    pub extra: Map<String, Value>,
}

/// A new token, and what its maker may want to keep of it. `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The compact JWS.
    pub token: String,
    /// The identifier (`jti`): 128 random bits in base64url. Empty in the plain profile, which has none.
    pub id: String,
    /// When the token expires, in Unix seconds.
    pub expires_at: i64,
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The subject is empty or not of the form that [`NewToken::subject`] states.
    #[error("a subject has 1 to 255 bytes, no control characters and no white space at either end")]
    Subject,
    /// A text that an access token must have is empty.
    #[error("an access token needs `{0}`: it must not be empty")]
    Empty(&'static str),
    /// The lifetime is not positive, or the time of expiry is beyond 2^53.
    #[error("a token lives for at least a second, and `now` is Unix time in seconds")]
    Lifetime,
    /// An extra claim bears a name that this crate writes or checks itself.
    #[error("an extra claim must not be named like a claim that the token has anyway")]
    ReservedClaim,
    /// The extra claims are nested deeper than a verifier reads.
    #[error("the extra claims are nested too deep")]
    TooDeep,
    /// The token would be longer than verifiers read.
    #[error("the token would be longer than 8192 bytes: give it less to carry")]
    TooLong,
    /// The operating system gave no randomness, or memory ran out.
    #[error("the token could not be signed: the system gave no randomness or memory")]
    System,
}

/// The names that extra claims cannot have.
const RESERVED: [&str; 10] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "sid"];

/// The claims as they are written, in this order.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience<'a>>,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a ScopeSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusClaim<'a>>,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

/// One audience is written as a string, several as an array (RFC 7519 section 4.1.3).
#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(&'a [String]),
}

impl NewToken {
    /// A token for this subject, for 30 minutes, which allows nothing yet.
    pub fn for_subject(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            client_id: String::new(),
            audience: Vec::new(),
            scope: ScopeSet::default(),
            lifetime_s: 1800,
            session_id: None,
            status: None,
            extra: Map::new(),
        }
    }

    /// Sets the client that the token is given to.
    #[must_use]
    pub fn client_id(self, client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), ..self }
    }

    /// Adds one for whom the token is.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience.push(audience.into());
        self
    }

    /// Sets what the token allows.
    #[must_use]
    pub fn scope(self, scope: ScopeSet) -> Self {
        Self { scope, ..self }
    }

    /// Sets for how many seconds the token is valid.
    #[must_use]
    pub fn lifetime_s(self, lifetime_s: i64) -> Self {
        Self { lifetime_s, ..self }
    }

    /// Sets the session that the token belongs to.
    #[must_use]
    pub fn session_id(self, session_id: impl Into<String>) -> Self {
        Self { session_id: Some(session_id.into()), ..self }
    }

    /// Sets where it stands whether the token still holds.
    #[must_use]
    pub fn status(self, status: StatusReference) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Adds a further claim.
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

impl Issuer {
    /// An issuer of RFC 9068 access tokens: `typ` `at+jwt`, `kid`, and the claims `iss`, `sub`, `aud`, `exp`, `iat`,
    /// `jti`, `client_id`, `scope`, `sid`, `status`.
    pub fn new(issuer: &str, key: SigningKey) -> Self {
        let header = json!({ "alg": key.algorithm().name(), "typ": "at+jwt", "kid": key.kid() });
        Self::with_header(Profile::AccessToken { issuer: issuer.to_owned() }, &header, key)
    }

    /// An issuer of the plain profile: `typ` `JWT`, no `kid`, and the claims `sub`, `exp` and, when not empty,
    /// `scope`. For sharing a secret with programs that know no more than that.
    ///
    /// ```
    /// use countersign_token::{Issuer, NewToken, SigningKey, Verifier};
    ///
    /// let key = SigningKey::from_weak_secret(b"your_secret_key")?;
    /// let verifier = Verifier::plain(key.verification_key());
    /// let issued = Issuer::plain(key).issue(&NewToken::for_subject("ada"), 1_800_000_000)?;
    /// assert_eq!(verifier.verify(&issued.token, 1_800_000_000)?.subject(), "ada");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plain(key: SigningKey) -> Self {
        let header = json!({ "alg": key.algorithm().name(), "typ": "JWT" });
        Self::with_header(Profile::Plain, &header, key)
    }

    fn with_header(profile: Profile, header: &Value, key: SigningKey) -> Self {
        Self { profile, key: Arc::new(key), header: base64url::encode(header.to_string()).into() }
    }

    /// What the issuer is called in `iss`; nothing in the plain profile.
    #[cfg(feature = "status-list")]
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.profile {
            Profile::AccessToken { issuer } => Some(issuer),
            Profile::Plain => None,
        }
    }

    /// The key that signs.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Makes a token at the time `now`, in Unix seconds.
    pub fn issue(&self, new: &NewToken, now: i64) -> Result<IssuedToken, IssueError> {
        let expires_at = expiry(new.lifetime_s, now)?;
        if !is_subject(&new.subject) {
            return Err(IssueError::Subject);
        }
        let id = match self.profile {
            Profile::AccessToken { .. } => random_id()?,
            Profile::Plain => String::new(),
        };
        let payload = self.payload(new, (now, expires_at), &id)?;
        let token = jws::sign_encoded(&self.header, &payload, &self.key).map_err(|_| IssueError::System)?;
        if token.len() > MAX_TOKEN_BYTES { Err(IssueError::TooLong) } else { Ok(IssuedToken { token, id, expires_at }) }
    }

    /// The claims as JSON; `times` are those of issue and expiry.
    fn payload(&self, new: &NewToken, times: (i64, i64), id: &str) -> Result<Vec<u8>, IssueError> {
        let mut payload = Payload {
            iss: None,
            sub: &new.subject,
            aud: None,
            exp: times.1,
            iat: None,
            jti: None,
            client_id: None,
            scope: Some(&new.scope).filter(|scope| !scope.is_empty()),
            sid: None,
            status: None,
            extra: &new.extra,
        };
        if let Profile::AccessToken { issuer } = &self.profile {
            payload.iss = Some(filled(issuer, "iss")?);
            payload.aud = Some(audience(&new.audience)?);
            payload.iat = Some(times.0);
            payload.jti = Some(id);
            payload.client_id = Some(filled(&new.client_id, "client_id")?);
            payload.sid = new.session_id.as_deref().map(|session| filled(session, "sid")).transpose()?;
            payload.status = new.status.as_ref().map(|status_list| StatusClaim { status_list });
        }
        let is_twice = payload.status.is_some() && new.extra.contains_key("status");
        if is_twice || new.extra.keys().any(|name| RESERVED.contains(&name.as_str())) {
            return Err(IssueError::ReservedClaim);
        }
        let bytes = serde_json::to_vec(&payload).map_err(|_| IssueError::System)?;
        // All else is flat; only what the caller adds can be what our own reader refuses.
        if !new.extra.is_empty() && json::object(&bytes).is_err() { Err(IssueError::TooDeep) } else { Ok(bytes) }
    }
}

fn expiry(lifetime_s: i64, now: i64) -> Result<i64, IssueError> {
    let expires_at = now.checked_add(lifetime_s).ok_or(IssueError::Lifetime)?;
    let good = lifetime_s > 0 && now >= 0 && expires_at < TIME_LIMIT;
    if good { Ok(expires_at) } else { Err(IssueError::Lifetime) }
}

fn random_id() -> Result<String, IssueError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| IssueError::System)?;
    Ok(base64url::encode(bytes))
}

fn filled<'a>(text: &'a str, name: &'static str) -> Result<&'a str, IssueError> {
    if text.is_empty() { Err(IssueError::Empty(name)) } else { Ok(text) }
}

fn audience(names: &[String]) -> Result<Audience<'_>, IssueError> {
    match names {
        [] => Err(IssueError::Empty("aud")),
        names if names.iter().any(String::is_empty) => Err(IssueError::Empty("aud")),
        [one] => Ok(Audience::One(one)),
        several => Ok(Audience::Several(several)),
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
