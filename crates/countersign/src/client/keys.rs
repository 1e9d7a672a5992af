//! The public keys by which a client proves itself: what it signs is checked by these alone, and nothing is ever fetched.

use std::fmt;

use countersign_token::{Algorithm, ClientAssertion, KeyError, KeySet, VerificationKey};
use serde_json::{Value, json};

/// The public keys of a client; without one it proves itself by a secret.
#[derive(Clone, Default)]
pub struct ClientKeys(Option<KeySet>);

/// Keys that a client has at one time: more than a rotation needs.
const MOST_KEYS: usize = 8;
/// More bytes have no eight keys to tell of.
const LONGEST_TEXT: usize = 16 * 1024;

/// Why a set of keys is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientKeysError {
    /// The set or a key of it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key that would never check anything here.
    #[error(
        "each key of a client is for signatures by ES256, EdDSA, RS256 or PS256, and says by `alg` which where its kind leaves a choice"
    )]
    Algorithm,
    /// Too many.
    #[error("a client has at most 8 keys")]
    TooMany,
}

impl ClientKeys {
    /// Reads a JWK set (RFC 7517 section 5) of public keys, or a JWK alone; a set without keys is none.
    ///
    /// Each key has to be of use: unlike a reader of other people's sets, who registers one wants to hear what is wrong with it.
    pub fn from_jwks(text: &str) -> Result<Self, ClientKeysError> {
        if text.len() > LONGEST_TEXT {
            return Err(ClientKeysError::TooMany);
        }
        let value: Value = serde_json::from_str(text).map_err(|_| KeyError::JwkSet)?;
        let listed = match (value.get("keys"), value.get("kty")) {
            (Some(Value::Array(keys)), _) => keys.len(),
            (None, Some(_)) => return Self::of(vec![VerificationKey::from_jwk(text)?], 1),
            _ => return Err(KeyError::JwkSet.into()),
        };
        if listed == 0 {
            return Ok(Self::default());
        }
        match KeySet::from_jwks(text) {
            Ok(set) => Self::of(set.keys().to_vec(), listed),
            Err(KeyError::EmptySet) => Err(ClientKeysError::Algorithm),
            Err(error) => Err(error.into()),
        }
    }

    /// Those of a set that listed so many; what was passed over is of no use.
    fn of(keys: Vec<VerificationKey>, listed: usize) -> Result<Self, ClientKeysError> {
        let is_of_use = |key: &VerificationKey| ClientAssertion::ALGORITHMS.contains(&key.algorithm());
        if listed > MOST_KEYS {
            return Err(ClientKeysError::TooMany);
        }
        if keys.len() < listed || !keys.iter().all(is_of_use) {
            return Err(ClientKeysError::Algorithm);
        }
        Ok(Self(Some(KeySet::new(keys)?)))
    }

    /// What a store has kept of [`to_jwks`](Self::to_jwks).
    pub(crate) fn from_stored(text: Option<&str>) -> Result<Self, KeyError> {
        text.map(KeySet::from_jwks).transpose().map(Self)
    }

    /// What a store keeps; `None` without keys.
    pub(crate) fn to_stored(&self) -> Option<String> {
        self.0.as_ref().map(|set| set.to_jwks().to_string())
    }

    /// The set, to check a signature; `None` without keys.
    pub fn set(&self) -> Option<&KeySet> {
        self.0.as_ref()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The JWK set, with its public members alone.
    pub fn to_jwks(&self) -> Value {
        self.0.as_ref().map_or_else(|| json!({ "keys": [] }), KeySet::to_jwks)
    }

    /// The identifier and the algorithm of each.
    pub fn names(&self) -> impl Iterator<Item = (&str, Algorithm)> {
        self.0.iter().flat_map(KeySet::keys).map(|key| (key.kid(), key.algorithm()))
    }
}

impl PartialEq for ClientKeys {
    fn eq(&self, other: &Self) -> bool {
        self.to_jwks() == other.to_jwks()
    }
}

impl Eq for ClientKeys {}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use countersign_token::SigningKey;

    use super::*;

    fn jwk(algorithm: Algorithm) -> Value {
        SigningKey::generate(algorithm).unwrap().verification_key().to_jwk().unwrap()
    }

    fn read(keys: &[Value]) -> Result<ClientKeys, ClientKeysError> {
        ClientKeys::from_jwks(&json!({ "keys": keys }).to_string())
    }

    #[test]
    fn keys_are_kept_as_they_were_registered() {
        let keys = ClientAssertion::ALGORITHMS.map(jwk);
        let kept = read(&keys).unwrap();
        assert_eq!(kept.to_jwks(), json!({ "keys": keys }));
        assert_eq!(ClientKeys::from_stored(kept.to_stored().as_deref()), Ok(kept.clone()));
        assert_eq!(kept.names().map(|(_, algorithm)| algorithm).collect::<Vec<_>>(), ClientAssertion::ALGORITHMS);
        assert_ne!(kept, read(&keys[..1]).unwrap());
        assert_eq!(ClientKeys::from_jwks(&keys[0].to_string()), read(&keys[..1]), "a key alone is a set of one");
        assert_eq!(read(&[]), Ok(ClientKeys::default()));
        assert_eq!(
            (ClientKeys::default().to_stored(), ClientKeys::from_stored(None)),
            (None, Ok(ClientKeys::default()))
        );
    }

    #[test]
    fn a_key_that_would_be_of_no_use_is_refused_by_name() {
        let good = jwk(Algorithm::Es256);
        let with = |name: &str, value: Value| {
            let mut jwk = good.clone();
            jwk[name] = value;
            jwk
        };
        let mut nameless = jwk(Algorithm::Rs256);
        nameless.as_object_mut().unwrap().remove("alg");
        let secret = json!({ "kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "alg": "HS256" });
        for (keys, error) in [
            (vec![jwk(Algorithm::Es384)], ClientKeysError::Algorithm),
            (vec![good.clone(), jwk(Algorithm::Rs512)], ClientKeysError::Algorithm),
            (vec![nameless], ClientKeysError::Algorithm),
            (vec![good.clone(), with("use", "enc".into())], ClientKeysError::Algorithm),
            (vec![secret.clone()], ClientKeysError::Algorithm),
            (vec![good.clone(), secret], ClientKeysError::Key(KeyError::MixedKinds)),
            (vec![with("d", "AA".into())], ClientKeysError::Key(KeyError::PrivateKey)),
            (vec![good.clone(), good.clone()], ClientKeysError::Key(KeyError::DuplicateKid)),
            (vec![json!("x")], ClientKeysError::Key(KeyError::JwkSet)),
            ((0..9).map(|_| jwk(Algorithm::EdDsa)).collect(), ClientKeysError::TooMany),
        ] {
            assert_eq!(read(&keys), Err(error), "{keys:?}");
        }
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}x"#] {
            assert_eq!(ClientKeys::from_jwks(text), Err(KeyError::JwkSet.into()), "{text}");
        }
        assert_eq!(ClientKeys::from_jwks(&" ".repeat(LONGEST_TEXT + 1)), Err(ClientKeysError::TooMany));
    }
}
