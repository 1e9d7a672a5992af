//! Keys that check signatures.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::error::KeyError;
use crate::key::jwk::{Jwk, Purpose};
use crate::key::pem;
use crate::key::primitive::{self, Primitive};
use crate::key::public::{self, PublicKey};

/// A key that checks the signatures of one algorithm: a public key, or the secret of an HMAC.
///
/// It is ready for use (nothing is parsed again when a token is verified) and cheap to clone. `Debug` shows the
/// algorithm and the identifier, never a secret.
///
/// ```
/// use countersign_token::{Algorithm, VerificationKey};
///
/// let key = VerificationKey::from_jwk(
///     r#"{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )?;
/// assert_eq!(key.algorithm(), Algorithm::EdDsa);
/// assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
/// # Ok::<(), countersign_token::KeyError>(())
/// ```
#[derive(Clone)]
pub struct VerificationKey {
    algorithm: Algorithm,
    kid: Arc<str>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Public(Arc<Prepared>),
    Secret(Arc<hmac::Key>),
}

/// A public key as it is written, and as it is used.
struct Prepared {
    written: PublicKey,
    used: ParsedPublicKey,
}

/// The identifier of a secret that was given as weak. A digest of it, in a log, would let a reader guess the secret.
const WEAK_KID: &str = "weak";

impl VerificationKey {
    /// Reads a public key from PEM: `PUBLIC KEY` (RFC 5280), for RSA also `RSA PUBLIC KEY` (RFC 8017).
    ///
    /// The identifier is the RFC 7638 thumbprint.
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let block = pem::read(pem)?;
        match block.label {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => {
                Self::from_public_key(algorithm, PublicKey::from_der(algorithm, &block.der)?)
            }
            label if label.ends_with("PRIVATE KEY") => Err(KeyError::PrivateKey),
            _ => Err(KeyError::Pem),
        }
    }

    /// Reads a public key, or the secret of an HMAC, from a JWK (RFC 7517).
    ///
    /// The algorithm is that of `alg`; it may be missing for EC and OKP keys, whose curve tells (Ed25519 is then
    /// `EdDSA`). The identifier is `kid`, or the RFC 7638 thumbprint when there is none. `use` must be `sig` and
    /// `key_ops` contain `verify` where they stand. A JWK with a private part is refused.
    pub fn from_jwk(jwk: &str) -> Result<Self, KeyError> {
        Self::from_parsed_jwk(&Jwk::parse(jwk, Purpose::Verify)?)
    }

    pub(super) fn from_parsed_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let key = if jwk.algorithm.is_symmetric() {
            Self::from_secret(jwk.algorithm, &jwk.bytes("k")?)?
        } else if jwk.has_private_part() {
            return Err(KeyError::PrivateKey);
        } else {
            Self::from_public_key(jwk.algorithm, jwk.public_key()?)?
        };
        Ok(match &jwk.kid {
            Some(kid) => key.with_kid(kid.as_str()),
            None => key,
        })
    }

    /// Takes the secret of an HMAC, which has at least as many bytes as the hash (32, 48 or 64; R-078).
    ///
    /// The identifier is the RFC 7638 thumbprint. It tells no more about the secret than any token signed with it.
    pub fn from_secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        let Primitive::Hmac(hash) = primitive::of(algorithm) else { return Err(KeyError::NotForAlgorithm(algorithm)) };
        if secret.len() < hash.tag_len() {
            return Err(KeyError::ShortSecret { algorithm, at_least: hash.tag_len() });
        }
        let k = Zeroizing::new(base64url::encode(secret));
        let kid = public::thumbprint(&[("k", k.as_str()), ("kty", "oct")]);
        Ok(Self { algorithm, kid: kid.into(), material: Material::Secret(Arc::new(hmac::Key::new(hash, secret))) })
    }

    /// Takes a secret of any length but zero for HS256, however weak: for programs that share such a secret already.
    ///
    /// Whoever holds one token of a weak secret can guess the secret, and then make any token. The identifier is the
    /// word `weak`.
    pub fn from_weak_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.is_empty() {
            return Err(KeyError::ShortSecret { algorithm: Algorithm::Hs256, at_least: 1 });
        }
        let material = Material::Secret(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret)));
        Ok(Self { algorithm: Algorithm::Hs256, kid: WEAK_KID.into(), material })
    }

    pub(super) fn from_public_key(algorithm: Algorithm, key: PublicKey) -> Result<Self, KeyError> {
        let used = key.prepare(algorithm)?;
        let kid = public::thumbprint(&key.members());
        let material = Material::Public(Arc::new(Prepared { written: key, used }));
        Ok(Self { algorithm, kid: kid.into(), material })
    }

    /// The one algorithm whose signatures this key checks.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The identifier that a token's header names the key by.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The same key under another identifier. A [`KeySet`](crate::KeySet) takes 1 to 128 bytes.
    #[must_use]
    pub fn with_kid(self, kid: impl Into<String>) -> Self {
        Self { kid: Arc::from(kid.into()), ..self }
    }

    /// The public JWK: the key's numbers, `use`, `alg` and `kid` (R-082). `None` for a secret.
    pub fn to_jwk(&self) -> Option<Value> {
        let Material::Public(key) = &self.material else { return None };
        let about =
            [("use", "sig".to_owned()), ("alg", self.algorithm.name().to_owned()), ("kid", self.kid.to_string())];
        let members = key.written.members().into_iter().chain(about);
        Some(Value::Object(members.map(|(name, value)| (name.to_owned(), Value::String(value))).collect::<Map<_, _>>()))
    }

    /// Whether the signature is this key's over the message. The signature must have exactly its algorithm's form.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Public(key) => key.used.verify_sig(message, signature).is_ok(),
            // Compares in constant time.
            Material::Secret(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}
