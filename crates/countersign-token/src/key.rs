//! Keys (under construction).

use zeroize::Zeroizing;

use crate::algorithm::Algorithm;

/// Why a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Under construction.
    #[error("not yet")]
    Unfinished,
}

/// A private key or secret.
#[derive(Debug)]
pub struct SigningKey {
    algorithm: Algorithm,
}

#[allow(missing_docs, unused_variables)]
impl SigningKey {
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn from_pkcs8_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn from_jwk(jwk: &str) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn from_secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn from_weak_secret(secret: &[u8]) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn from_private_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn to_private_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::default()
    }
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
    pub fn kid(&self) -> &str {
        ""
    }
    pub fn verification_key(&self) -> VerificationKey {
        VerificationKey { algorithm: self.algorithm }
    }
}

/// A key that checks signatures.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    algorithm: Algorithm,
}

#[allow(missing_docs, unused_variables)]
impl VerificationKey {
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn from_jwk(jwk: &str) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn from_secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn from_weak_secret(secret: &[u8]) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
    pub fn kid(&self) -> &str {
        ""
    }
    #[must_use]
    pub fn with_kid(self, kid: impl Into<String>) -> Self {
        self
    }
    pub fn to_jwk(&self) -> Option<serde_json::Value> {
        None
    }
}

/// The keys that a verifier accepts.
#[derive(Clone, Debug)]
pub struct KeySet(Vec<VerificationKey>);

#[allow(missing_docs, unused_variables)]
impl KeySet {
    pub fn new(keys: Vec<VerificationKey>) -> Result<Self, KeyError> {
        Ok(Self(keys))
    }
    pub fn from_jwks(jwks: &str) -> Result<Self, KeyError> {
        Err(KeyError::Unfinished)
    }
    pub fn to_jwks(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
    pub fn keys(&self) -> &[VerificationKey] {
        &self.0
    }
}
