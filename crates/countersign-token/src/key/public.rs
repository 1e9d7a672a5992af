//! Public keys: their numbers, in the form that a JWK writes down, and ready for use by aws-lc-rs.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ED25519, ParsedPublicKey, RsaPublicKeyComponents, RsaSubjectPublicKey, VerificationAlgorithm,
};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::error::KeyError;
use crate::key::primitive::{self, Curve, Primitive};
use crate::key::{edwards, rsa};

/// The first byte of a point that is written as both its coordinates (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// The numbers of a public key, big-endian, as a JWK has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// Coordinates of full length.
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    /// The encoded point.
    Ed25519 { x: [u8; 32] },
    /// Modulus and exponent without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    /// From a point as SEC 1 writes it, both coordinates.
    pub(super) fn from_ec_point(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        match point.split_first() {
            Some((&UNCOMPRESSED, coordinates)) if coordinates.len() == 2 * curve.bytes => {
                let (x, y) = coordinates.split_at(curve.bytes);
                Ok(Self::Ec { curve, x: x.to_vec(), y: y.to_vec() })
            }
            _ => Err(KeyError::Point),
        }
    }

    /// From a `SubjectPublicKeyInfo` (RFC 5280) in its one DER form; for RSA also from an `RSAPublicKey` (RFC 8017).
    pub(super) fn from_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let refused = KeyError::NotForAlgorithm(algorithm);
        let last = |length: usize| der.len().checked_sub(length).and_then(|start| der.get(start..)).ok_or(refused);
        match primitive::of(algorithm) {
            Primitive::Ecdsa { curve, verify, .. } => {
                let key = Self::from_ec_point(curve, last(1 + 2 * curve.bytes)?).map_err(|_| refused)?;
                if key.info(verify)?.as_ref() == der { Ok(key) } else { Err(refused) }
            }
            Primitive::Ed25519 => {
                let key = Self::Ed25519 { x: last(32)?.try_into().map_err(|_| refused)? };
                if key.info(&ED25519)?.as_ref() == der { Ok(key) } else { Err(refused) }
            }
            Primitive::Rsa { .. } => {
                let key = RsaSubjectPublicKey::from_der(der).map_err(|_| refused)?;
                let info: PublicKeyX509Der<'_> = key.as_der().map_err(|_| KeyError::System)?;
                if info.as_ref() == der || key.as_ref() == der { Ok(Self::from_rsa(&key)) } else { Err(refused) }
            }
            Primitive::Hmac(_) => Err(refused),
        }
    }

    pub(super) fn from_rsa(key: &RsaSubjectPublicKey) -> Self {
        let n = key.modulus().big_endian_without_leading_zero().to_vec();
        let e = key.exponent().big_endian_without_leading_zero().to_vec();
        Self::Rsa { n, e }
    }

    /// Checks every rule for keys of this kind and makes the key ready for verifying.
    pub(super) fn prepare(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, KeyError> {
        let refused = KeyError::NotForAlgorithm(algorithm);
        match (self, primitive::of(algorithm)) {
            (Self::Ec { .. }, Primitive::Ecdsa { verify, .. }) => self.parse(verify),
            (Self::Ed25519 { x }, Primitive::Ed25519) => {
                if edwards::is_sound(*x) {
                    self.parse(&ED25519)
                } else {
                    Err(KeyError::Point)
                }
            }
            (Self::Rsa { n, e }, Primitive::Rsa { verify, .. }) => {
                rsa::check(n, e)?;
                self.parse(verify).map_err(|_| refused)
            }
            _ => Err(refused),
        }
    }

    fn parse(&self, verify: &'static dyn VerificationAlgorithm) -> Result<ParsedPublicKey, KeyError> {
        ParsedPublicKey::new(verify, self.encoded()?).map_err(|_| KeyError::Point)
    }

    /// The `SubjectPublicKeyInfo` of the key in its one DER form.
    fn info(&self, verify: &'static dyn VerificationAlgorithm) -> Result<PublicKeyX509Der<'static>, KeyError> {
        self.parse(verify)?.as_der().map_err(|_| KeyError::System)
    }

    /// The bytes that aws-lc-rs reads for this kind of key.
    pub(super) fn encoded(&self) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::Ec { x, y, .. } => Ok([&[UNCOMPRESSED], &x[..], &y[..]].concat()),
            Self::Ed25519 { x } => Ok(x.to_vec()),
            Self::Rsa { n, e } => {
                let info: PublicKeyX509Der<'_> =
                    RsaPublicKeyComponents { n, e }.as_der().map_err(|_| KeyError::Jwk("n"))?;
                Ok(info.as_ref().to_vec())
            }
        }
    }

    /// The members that RFC 7638 section 3.2 takes into a thumbprint, in its order.
    pub(super) fn members(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Ec { curve, x, y } => vec![
                ("crv", curve.name.to_owned()),
                ("kty", "EC".to_owned()),
                ("x", base64url::encode(x)),
                ("y", base64url::encode(y)),
            ],
            Self::Ed25519 { x } => {
                vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", base64url::encode(x))]
            }
            Self::Rsa { n, e } => {
                vec![("e", base64url::encode(e)), ("kty", "RSA".to_owned()), ("n", base64url::encode(n))]
            }
        }
    }
}

/// The thumbprint of RFC 7638 with SHA-256 over members that are in order and need no escapes.
///
/// The text is hashed piece by piece and never put together, since a secret may be in it.
pub(super) fn thumbprint<T: AsRef<str>>(members: &[(&str, T)]) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    for (position, (name, value)) in members.iter().enumerate() {
        let before = if position == 0 { "{\"" } else { ",\"" };
        for piece in [before, name, "\":\"", value.as_ref(), "\""] {
            hash.update(piece.as_bytes());
        }
    }
    hash.update(b"}");
    base64url::encode(hash.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        // RFC 7638 section 3.1
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM\
                 stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n9\
                 1CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = PublicKey::Rsa { n: base64url::decode(n).unwrap(), e: rsa::EXPONENT.to_vec() };
        assert_eq!(thumbprint(&key.members()), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_thumbprint_of_an_ed25519_key_is_that_of_rfc_8037() {
        // RFC 8037 appendix A.3
        let x = base64url::decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PublicKey::Ed25519 { x: x.try_into().unwrap() };
        assert_eq!(thumbprint(&key.members()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
