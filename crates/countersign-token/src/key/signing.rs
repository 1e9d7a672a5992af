//! Keys that make signatures.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, KeySize};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents};
use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::error::{KeyError, SigningFailed};
use crate::key::jwk::{Jwk, Purpose};
use crate::key::pem;
use crate::key::primitive::{self, Primitive};
use crate::key::public::PublicKey;
use crate::key::verification::VerificationKey;

/// A private key, or the secret of an HMAC, with the one algorithm it signs by.
///
/// `Debug` shows the algorithm and the identifier only; what is private is wiped when the key is dropped.
///
/// ```
/// use countersign_token::{Algorithm, SigningKey};
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let stored = key.to_private_bytes();
/// let again = SigningKey::from_private_bytes(Algorithm::EdDsa, &stored)?;
/// assert_eq!(again.kid(), key.kid());
/// # Ok::<(), countersign_token::KeyError>(())
/// ```
pub struct SigningKey {
    signer: Signer,
    /// PKCS#8 DER, or the secret of an HMAC.
    private: Zeroizing<Vec<u8>>,
    public: VerificationKey,
}

/// What signs.
enum Signer {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa { pair: RsaKeyPair, encoding: &'static dyn RsaEncoding },
    Hmac(Box<hmac::Key>),
}

impl SigningKey {
    /// Makes a new key: RSA keys have 2048 bits, secrets as many bytes as the hash.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let signer = match primitive::of(algorithm) {
            Primitive::Ecdsa { sign, .. } => Signer::Ecdsa(EcdsaKeyPair::generate(sign).map_err(|_| KeyError::System)?),
            Primitive::Ed25519 => Signer::Ed25519(Ed25519KeyPair::generate().map_err(|_| KeyError::System)?),
            Primitive::Rsa { sign, .. } => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::System)?;
                Signer::Rsa { pair, encoding: sign }
            }
            Primitive::Hmac(hash) => {
                let mut secret = Zeroizing::new(vec![0; hash.tag_len()]);
                rand::fill(&mut secret).map_err(|_| KeyError::System)?;
                return Self::from_secret(algorithm, &secret);
            }
        };
        Self::from_signer(algorithm, signer)
    }

    /// Reads a private key from PKCS#8 DER (RFC 5208, RFC 5958), not encrypted.
    pub fn from_pkcs8_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let refused = KeyError::NotForAlgorithm(algorithm);
        let signer = match primitive::of(algorithm) {
            Primitive::Ecdsa { sign, .. } => Signer::Ecdsa(EcdsaKeyPair::from_pkcs8(sign, der).map_err(|_| refused)?),
            Primitive::Ed25519 => Signer::Ed25519(Ed25519KeyPair::from_pkcs8(der).map_err(|_| refused)?),
            Primitive::Rsa { sign, .. } => {
                Signer::Rsa { pair: RsaKeyPair::from_pkcs8(der).map_err(|_| refused)?, encoding: sign }
            }
            Primitive::Hmac(_) => return Err(refused),
        };
        Self::from_signer(algorithm, signer)
    }

    /// Reads a private key from PEM, not encrypted: `PRIVATE KEY` (PKCS#8), for RSA also `RSA PRIVATE KEY`
    /// (RFC 8017), for ECDSA also `EC PRIVATE KEY` (RFC 5915).
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let refused = KeyError::NotForAlgorithm(algorithm);
        let block = pem::read(pem)?;
        let signer = match (block.label, primitive::of(algorithm)) {
            ("PRIVATE KEY", _) => return Self::from_pkcs8_der(algorithm, &block.der),
            ("RSA PRIVATE KEY", Primitive::Rsa { sign, .. }) => {
                Signer::Rsa { pair: RsaKeyPair::from_der(&block.der).map_err(|_| refused)?, encoding: sign }
            }
            ("EC PRIVATE KEY", Primitive::Ecdsa { sign, .. }) => {
                Signer::Ecdsa(EcdsaKeyPair::from_private_key_der(sign, &block.der).map_err(|_| refused)?)
            }
            ("RSA PRIVATE KEY" | "EC PRIVATE KEY", _) => return Err(refused),
            ("ENCRYPTED PRIVATE KEY", _) => return Err(KeyError::Encrypted),
            ("PUBLIC KEY" | "RSA PUBLIC KEY", _) => return Err(KeyError::PublicKey),
            _ => return Err(KeyError::Pem),
        };
        Self::from_signer(algorithm, signer)
    }

    /// Reads a private key, or the secret of an HMAC, from a JWK (RFC 7517).
    ///
    /// The rules are those of [`VerificationKey::from_jwk`], but that `key_ops` must contain `sign` where it stands.
    /// The public members must be there and fit the private ones; an RSA key needs all of `p`, `q`, `dp`, `dq`, `qi`.
    pub fn from_jwk(jwk: &str) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(jwk, Purpose::Sign)?;
        let key = match primitive::of(jwk.algorithm) {
            Primitive::Hmac(_) => Self::from_secret(jwk.algorithm, &jwk.bytes("k")?)?,
            _ => Self::from_signer(jwk.algorithm, Signer::from_jwk(&jwk)?)?,
        };
        Ok(match &jwk.kid {
            Some(kid) => Self { public: key.public.with_kid(kid.as_str()), ..key },
            None => key,
        })
    }

    /// Takes the secret of an HMAC, which has at least as many bytes as the hash (32, 48 or 64; R-078).
    pub fn from_secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        Self::from_hmac(secret, VerificationKey::from_secret(algorithm, secret)?)
    }

    /// Takes a secret of any length but zero for HS256, however weak: for programs that share such a secret already.
    ///
    /// Whoever holds one token of a weak secret can guess the secret, and then make any token.
    ///
    /// ```
    /// use countersign_token::{Algorithm, SigningKey};
    ///
    /// assert!(SigningKey::from_secret(Algorithm::Hs256, b"your_secret_key").is_err());
    /// assert!(SigningKey::from_weak_secret(b"your_secret_key").is_ok());
    /// ```
    pub fn from_weak_secret(secret: &[u8]) -> Result<Self, KeyError> {
        Self::from_hmac(secret, VerificationKey::from_weak_secret(secret)?)
    }

    /// Takes back what [`to_private_bytes`](Self::to_private_bytes) gave, except of a weak secret.
    pub fn from_private_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        if algorithm.is_symmetric() {
            Self::from_secret(algorithm, bytes)
        } else {
            Self::from_pkcs8_der(algorithm, bytes)
        }
    }

    /// The private key as PKCS#8 DER, or the secret of an HMAC as it is. Keep it as you would a password.
    pub fn to_private_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.private.clone()
    }

    /// The algorithm that this key signs by.
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// The identifier that tokens name the key by: the RFC 7638 thumbprint, or the `kid` of the JWK it came from.
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The key that checks what this one signs.
    pub fn verification_key(&self) -> VerificationKey {
        self.public.clone()
    }

    fn from_hmac(secret: &[u8], public: VerificationKey) -> Result<Self, KeyError> {
        let Primitive::Hmac(hash) = primitive::of(public.algorithm()) else {
            return Err(KeyError::NotForAlgorithm(public.algorithm()));
        };
        let signer = Signer::Hmac(Box::new(hmac::Key::new(hash, secret)));
        Ok(Self { signer, private: Zeroizing::new(secret.to_vec()), public })
    }

    fn from_signer(algorithm: Algorithm, signer: Signer) -> Result<Self, KeyError> {
        let public = match (&signer, primitive::of(algorithm)) {
            (Signer::Ecdsa(pair), Primitive::Ecdsa { curve, .. }) => {
                PublicKey::from_ec_point(curve, pair.public_key().as_ref())?
            }
            (Signer::Ed25519(pair), Primitive::Ed25519) => {
                let x = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Point)?;
                PublicKey::Ed25519 { x }
            }
            (Signer::Rsa { pair, .. }, Primitive::Rsa { .. }) => PublicKey::from_rsa(pair.public_key()),
            _ => return Err(KeyError::NotForAlgorithm(algorithm)),
        };
        let public = VerificationKey::from_public_key(algorithm, public)?;
        Ok(Self { private: signer.to_pkcs8()?, signer, public })
    }

    /// Appends a dot and, as base64url, the signature over the text so far; ECDSA as RFC 7518 section 3.4 writes it.
    pub(crate) fn append_signature(&self, text: &mut String) -> Result<(), SigningFailed> {
        let message = text.as_bytes();
        let failed = |_| SigningFailed;
        match &self.signer {
            Signer::Ecdsa(pair) => {
                append(text, pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref());
            }
            Signer::Ed25519(pair) => append(text, pair.try_sign(message).map_err(failed)?.as_ref()),
            Signer::Rsa { pair, encoding } => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
                append(text, &signature);
            }
            Signer::Hmac(key) => append(text, hmac::sign(key, message).as_ref()),
        }
        Ok(())
    }
}

fn append(text: &mut String, signature: &[u8]) {
    text.push('.');
    base64url::append(signature, text);
}

impl Signer {
    /// The private part must fit the public one: aws-lc-rs checks it.
    fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let refused = KeyError::NotForAlgorithm(jwk.algorithm);
        match primitive::of(jwk.algorithm) {
            Primitive::Ecdsa { curve, sign, .. } => {
                let point = jwk.public_key()?.encoded()?;
                let d = jwk.fixed_bytes("d", curve.bytes)?;
                EcdsaKeyPair::from_private_key_and_public_key(sign, &d, &point).map(Self::Ecdsa).map_err(|_| refused)
            }
            Primitive::Ed25519 => {
                let (seed, x) = (jwk.fixed_bytes("d", 32)?, jwk.fixed_bytes("x", 32)?);
                Ed25519KeyPair::from_seed_and_public_key(&seed, &x).map(Self::Ed25519).map_err(|_| refused)
            }
            Primitive::Rsa { sign, .. } => {
                let part = |name| jwk.bytes(name);
                let components = KeyPairComponents {
                    public_key: RsaPublicKeyComponents { n: part("n")?, e: part("e")? },
                    d: part("d")?,
                    p: part("p")?,
                    q: part("q")?,
                    dP: part("dp")?,
                    dQ: part("dq")?,
                    qInv: part("qi")?,
                };
                let pair = RsaKeyPair::from_components(&components).map_err(|_| refused)?;
                Ok(Self::Rsa { pair, encoding: sign })
            }
            Primitive::Hmac(_) => Err(refused),
        }
    }

    /// PKCS#8 DER; nothing for the secret of an HMAC, which has no such form.
    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let copy = |der: &[u8]| Zeroizing::new(der.to_vec());
        let der = match self {
            Self::Ecdsa(pair) => pair.to_pkcs8v1().map(|der| copy(der.as_ref())),
            Self::Ed25519(pair) => pair.to_pkcs8v1().map(|der| copy(der.as_ref())),
            Self::Rsa { pair, .. } => pair.as_der().map(|der: Pkcs8V1Der<'_>| copy(der.as_ref())),
            Self::Hmac(_) => Ok(Zeroizing::default()),
        };
        der.map_err(|_| KeyError::System)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}
