//! Checks the assertions by which clients prove who they are (RFC 7523 section 3, draft-ietf-oauth-rfc7523bis).

use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::claims::{Claims, required};
use crate::inspection::inspect;
use crate::json;
use crate::jws::{MAX_TOKEN_BYTES, Unverified};
use crate::key::KeySet;
use crate::refusal::VerifyError;

/// What a client has said of itself and signed. It is good for one use: whoever takes it keeps its [`id`](Self::id) until it expires.
///
/// ```
/// use countersign_token::{Algorithm, ClientAssertion, KeySet, SigningKey, jws};
///
/// let (now, issuer) = (1_800_000_000, "https://as.example");
/// let key = SigningKey::generate(Algorithm::Es256)?;
/// let claims = format!(r#"{{"iss":"web","sub":"web","aud":"{issuer}","exp":{},"jti":"1"}}"#, now + 60);
/// let assertion = jws::sign(claims.as_bytes(), &key)?;
///
/// let registered = KeySet::new(vec![key.verification_key()])?;
/// assert_eq!(ClientAssertion::client_named_by(&assertion).as_deref(), Some("web"));
/// let proven = ClientAssertion::verify(&assertion, ("web", issuer), &registered, now)?;
/// assert_eq!((proven.id(), proven.expires_at()), ("1", now + 60));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientAssertion(Claims);

/// How far the clock of a client may be ahead of ours, in seconds; of the time of expiry nothing is given away.
const LEEWAY_S: i64 = 30;

impl ClientAssertion {
    /// The algorithms that a client's key may have.
    pub const ALGORITHMS: [Algorithm; 4] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256];
    /// How far in the future an assertion may expire, in seconds.
    pub const LONGEST_LIFETIME_S: i64 = 5 * 60;

    /// Checks an assertion at the time `now`, in Unix seconds, by the keys that the client has registered (R-093).
    ///
    /// `iss` and `sub` are the client, `aud` is the issuer and nothing beside it, `exp` is at most five minutes ahead, and there is a
    /// `jti`. `typ` is absent, `JWT` or `client-authentication+jwt`. The header is read as strictly as that of an access token, and
    /// no key is taken from it.
    pub fn verify(
        assertion: &str,
        (client, issuer): (&str, &str),
        keys: &KeySet,
        now: i64,
    ) -> Result<Self, VerifyError> {
        let jws = Unverified::parse(assertion, MAX_TOKEN_BYTES)?;
        let key = keys.select(jws.header().kid()).ok_or(VerifyError::UnknownKey)?;
        if !Self::ALGORITHMS.contains(&key.algorithm()) {
            return Err(VerifyError::WrongAlgorithm);
        }
        let verified = jws.verify(key)?;
        if !is_type_of_assertions(verified.header.typ()) {
            return Err(VerifyError::WrongType);
        }
        let claims = Claims::check(json::object(&verified.payload).map_err(|_| VerifyError::MalformedClaims)?)?;
        check_names(&claims, client, issuer)?;
        required(claims.token_id(), "jti")?;
        check_times(&claims, now)?;
        Ok(Self(claims))
    }

    /// The client that an assertion says it is of, which nobody has vouched for: to find the keys that it is to be checked by.
    pub fn client_named_by(assertion: &str) -> Option<String> {
        inspect(assertion).ok()?.claims.get("sub")?.as_str().map(str::to_owned)
    }

    /// What tells it from every other assertion of the client (`jti`).
    pub fn id(&self) -> &str {
        self.0.token_id().unwrap_or_default()
    }

    /// When it expires (`exp`), in Unix seconds.
    pub fn expires_at(&self) -> i64 {
        self.0.expires_at()
    }
}

fn is_type_of_assertions(typ: Option<&str>) -> bool {
    const TYPES: [&str; 4] =
        ["JWT", "application/jwt", "client-authentication+jwt", "application/client-authentication+jwt"];
    typ.is_none_or(|typ| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known)))
}

/// Who says it of whom to whom. An audience among others would let one of the others use the assertion here.
fn check_names(claims: &Claims, client: &str, issuer: &str) -> Result<(), VerifyError> {
    if required(claims.issuer(), "iss")? != client {
        return Err(VerifyError::WrongIssuer);
    }
    if claims.subject() != client {
        return Err(VerifyError::BadClaim("sub"));
    }
    match required(claims.get("aud"), "aud")? {
        Value::String(audience) if audience == issuer => Ok(()),
        _ => Err(VerifyError::WrongAudience),
    }
}

/// No sum here can overflow: every time in a token is below 2^53.
fn check_times(claims: &Claims, now: i64) -> Result<(), VerifyError> {
    if now >= claims.expires_at() {
        return Err(VerifyError::Expired);
    }
    if claims.expires_at() - now > ClientAssertion::LONGEST_LIFETIME_S {
        return Err(VerifyError::LifetimeTooLong);
    }
    if claims.not_before().is_some_and(|not_before| not_before - LEEWAY_S > now) {
        return Err(VerifyError::NotYetValid);
    }
    if claims.issued_at().is_some_and(|issued_at| issued_at - LEEWAY_S > now) {
        return Err(VerifyError::IssuedInFuture);
    }
    Ok(())
}
