//! Reading JSON Web Keys (RFC 7517) strictly: what a key is for, which algorithm it has, and its numbers.

use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::json;
use crate::key::error::KeyError;
use crate::key::primitive::{self, Primitive};
use crate::key::public::PublicKey;

/// The most bytes of a key identifier.
pub(crate) const MAX_KID_BYTES: usize = 128;

const RSA: [Algorithm; 6] =
    [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];
const HMAC: [Algorithm; 3] = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];

/// A JWK whose kind, algorithm and purpose are known to fit together; its numbers are not yet read.
pub(super) struct Jwk {
    members: Members,
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
}

/// The members of a JWK; the texts among them are wiped when dropped, since they may be private.
struct Members(Map<String, Value>);

/// What a key is loaded for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Sign,
    Verify,
}

impl Jwk {
    pub(super) fn parse(text: &str, purpose: Purpose) -> Result<Self, KeyError> {
        Self::from_members(json::object(text.as_bytes()).map_err(|_| KeyError::NotJwk)?, purpose)
    }

    pub(super) fn from_members(members: Map<String, Value>, purpose: Purpose) -> Result<Self, KeyError> {
        let members = Members(members);
        members.check_purpose(purpose)?;
        let algorithm = members.algorithm()?;
        let kid = members.optional_text("kid")?.map(str::to_owned);
        if kid.as_ref().is_some_and(|kid| !(1..=MAX_KID_BYTES).contains(&kid.len())) {
            return Err(KeyError::Kid);
        }
        Ok(Self { members, algorithm, kid })
    }

    /// Whether the JWK is a shared secret.
    pub(super) fn is_secret(members: &Map<String, Value>) -> bool {
        members.get("kty").and_then(Value::as_str) == Some("oct")
    }

    /// Whether the JWK says more than a public key may.
    pub(super) fn has_private_part(&self) -> bool {
        ["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| self.members.0.contains_key(*name))
    }

    /// A member of bytes in canonical base64url.
    pub(super) fn bytes(&self, name: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        base64url::decode(self.members.text(name)?).map(Zeroizing::new).map_err(|_| KeyError::Jwk(name))
    }

    /// A member of exactly `length` bytes.
    pub(super) fn fixed_bytes(&self, name: &'static str, length: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.bytes(name).and_then(|bytes| if bytes.len() == length { Ok(bytes) } else { Err(KeyError::Jwk(name)) })
    }

    /// The numbers of the public key; coordinates must have their full length (RFC 7518 section 6.2.1.2).
    pub(super) fn public_key(&self) -> Result<PublicKey, KeyError> {
        match primitive::of(self.algorithm) {
            Primitive::Ecdsa { curve, .. } => {
                let (x, y) = (self.fixed_bytes("x", curve.bytes)?, self.fixed_bytes("y", curve.bytes)?);
                Ok(PublicKey::Ec { curve, x: x.to_vec(), y: y.to_vec() })
            }
            Primitive::Ed25519 => {
                let x = self.bytes("x")?.as_slice().try_into().map_err(|_| KeyError::Jwk("x"))?;
                Ok(PublicKey::Ed25519 { x })
            }
            Primitive::Rsa { .. } => Ok(PublicKey::Rsa { n: self.bytes("n")?.to_vec(), e: self.bytes("e")?.to_vec() }),
            Primitive::Hmac(_) => Err(KeyError::UnknownKind),
        }
    }
}

impl Members {
    fn optional_text(&self, name: &'static str) -> Result<Option<&str>, KeyError> {
        self.0.get(name).map(|value| value.as_str().ok_or(KeyError::Jwk(name))).transpose()
    }

    fn text(&self, name: &'static str) -> Result<&str, KeyError> {
        self.optional_text(name)?.ok_or(KeyError::Jwk(name))
    }

    /// `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3) must allow what the key is loaded for, where they stand.
    fn check_purpose(&self, purpose: Purpose) -> Result<(), KeyError> {
        if self.optional_text("use")?.is_some_and(|used| used != "sig") {
            return Err(KeyError::OtherUse);
        }
        let Some(operations) = self.0.get("key_ops") else { return Ok(()) };
        let operations: Option<Vec<&str>> =
            operations.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
        let needed = match purpose {
            Purpose::Sign => "sign",
            Purpose::Verify => "verify",
        };
        match operations {
            None => Err(KeyError::Jwk("key_ops")),
            Some(operations) if operations.contains(&needed) => Ok(()),
            Some(_) => Err(KeyError::OtherUse),
        }
    }

    /// The algorithm by `alg`, which must fit `kty` and `crv`; without `alg`, by `crv` where that leaves no choice.
    fn algorithm(&self) -> Result<Algorithm, KeyError> {
        let named = match self.optional_text("alg")? {
            Some(name) => Some(Algorithm::from_name(name).ok_or(KeyError::UnknownAlgorithm)?),
            None => None,
        };
        let kind = self.text("kty")?;
        let possible: &[Algorithm] = match kind {
            "EC" => match self.text("crv")? {
                "P-256" => &[Algorithm::Es256],
                "P-384" => &[Algorithm::Es384],
                "P-521" => &[Algorithm::Es512],
                _ => return Err(KeyError::UnknownKind),
            },
            "OKP" if self.text("crv")? == "Ed25519" => &[Algorithm::EdDsa, Algorithm::Ed25519],
            "RSA" => &RSA,
            "oct" => &HMAC,
            _ => return Err(KeyError::UnknownKind),
        };
        match (named, possible) {
            (Some(named), _) if possible.contains(&named) => Ok(named),
            (Some(named), _) => Err(KeyError::NotForAlgorithm(named)),
            (None, [only]) => Ok(*only),
            // `Ed25519` is taken only by a key that says so.
            (None, [Algorithm::EdDsa, ..]) => Ok(Algorithm::EdDsa),
            (None, _) => Err(KeyError::UnknownAlgorithm),
        }
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}
