//! The keys that a verifier accepts.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::json;
use crate::key::error::KeyError;
use crate::key::jwk::{Jwk, MAX_KID_BYTES, Purpose};
use crate::key::verification::VerificationKey;

/// One or more verification keys, each with its own identifier; cheap to clone.
///
/// Secrets and public keys never share a set (R-065), and no two keys an identifier: what a token's `kid` says picks
/// one key or none (R-066).
///
/// ```
/// use countersign_token::{Algorithm, KeySet, SigningKey};
///
/// let old = SigningKey::generate(Algorithm::Es256)?;
/// let new = SigningKey::generate(Algorithm::EdDsa)?;
/// let published = KeySet::new(vec![old.verification_key(), new.verification_key()])?.to_jwks().to_string();
/// let fetched = KeySet::from_jwks(&published)?;
/// assert_eq!(fetched.keys().len(), 2);
/// assert_eq!(fetched.keys()[1].kid(), new.kid());
/// # Ok::<(), countersign_token::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeySet(Arc<[VerificationKey]>);

impl KeySet {
    /// Puts keys together; at least one.
    pub fn new(keys: Vec<VerificationKey>) -> Result<Self, KeyError> {
        let first = keys.first().ok_or(KeyError::EmptySet)?;
        if keys.iter().any(|key| key.algorithm().is_symmetric() != first.algorithm().is_symmetric()) {
            return Err(KeyError::MixedKinds);
        }
        let mut kids: Vec<&str> = keys.iter().map(VerificationKey::kid).collect();
        if kids.iter().any(|kid| !(1..=MAX_KID_BYTES).contains(&kid.len())) {
            return Err(KeyError::Kid);
        }
        kids.sort_unstable();
        kids.dedup();
        if kids.len() < keys.len() { Err(KeyError::DuplicateKid) } else { Ok(Self(keys.into())) }
    }

    /// Reads a JWK set (RFC 7517 section 5).
    ///
    /// Public keys that are for something else (`use` is `enc`, an algorithm or curve that is not for signatures
    /// here) are passed over, as the RFC asks. A key that is for signatures and weak or malformed refuses the set,
    /// and so does every secret that does not belong.
    pub fn from_jwks(jwks: &str) -> Result<Self, KeyError> {
        let mut members = json::object(jwks.as_bytes()).map_err(|_| KeyError::JwkSet)?;
        let Some(Value::Array(jwks)) = members.remove("keys") else { return Err(KeyError::JwkSet) };
        let mut keys = Vec::new();
        for jwk in jwks {
            let Value::Object(jwk) = jwk else { return Err(KeyError::JwkSet) };
            let is_secret = Jwk::is_secret(&jwk);
            match Jwk::from_members(jwk, Purpose::Verify).and_then(|jwk| VerificationKey::from_parsed_jwk(&jwk)) {
                Ok(key) => keys.push(key),
                Err(KeyError::OtherUse | KeyError::UnknownAlgorithm | KeyError::UnknownKind) if !is_secret => {}
                Err(error) => return Err(error),
            }
        }
        Self::new(keys)
    }

    /// The JWK set to publish (R-082): public members only. A set of secrets gives an empty one.
    pub fn to_jwks(&self) -> Value {
        json!({ "keys": self.0.iter().filter_map(VerificationKey::to_jwk).collect::<Vec<_>>() })
    }

    /// The keys, in the order in which they were given.
    pub fn keys(&self) -> &[VerificationKey] {
        &self.0
    }

    /// The key of this very identifier; without one, the only key of the set.
    pub(crate) fn select(&self, kid: Option<&str>) -> Option<&VerificationKey> {
        match (kid, &*self.0) {
            (Some(kid), keys) => keys.iter().find(|key| key.kid() == kid),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}
