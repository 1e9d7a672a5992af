//! What aws-lc-rs calls each algorithm: the one table of them.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaSigningAlgorithm, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, VerificationAlgorithm,
};

use crate::algorithm::Algorithm;

/// An algorithm by its kind of key, and how aws-lc-rs signs and verifies with such a key.
#[derive(Clone, Copy)]
pub(super) enum Primitive {
    Ecdsa { curve: Curve, sign: &'static EcdsaSigningAlgorithm, verify: &'static dyn VerificationAlgorithm },
    Ed25519,
    Rsa { sign: &'static dyn RsaEncoding, verify: &'static dyn VerificationAlgorithm },
    Hmac(hmac::Algorithm),
}

/// A curve by its name in `crv` (RFC 7518 section 6.2.1.1), and the length of a coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Curve {
    pub(super) name: &'static str,
    pub(super) bytes: usize,
}

/// What an algorithm is made of.
pub(super) fn of(algorithm: Algorithm) -> Primitive {
    const P256: Curve = Curve { name: "P-256", bytes: 32 };
    const P384: Curve = Curve { name: "P-384", bytes: 48 };
    const P521: Curve = Curve { name: "P-521", bytes: 66 };
    match algorithm {
        Algorithm::Es256 => {
            Primitive::Ecdsa { curve: P256, sign: &ECDSA_P256_SHA256_FIXED_SIGNING, verify: &ECDSA_P256_SHA256_FIXED }
        }
        Algorithm::Es384 => {
            Primitive::Ecdsa { curve: P384, sign: &ECDSA_P384_SHA384_FIXED_SIGNING, verify: &ECDSA_P384_SHA384_FIXED }
        }
        Algorithm::Es512 => {
            Primitive::Ecdsa { curve: P521, sign: &ECDSA_P521_SHA512_FIXED_SIGNING, verify: &ECDSA_P521_SHA512_FIXED }
        }
        Algorithm::EdDsa | Algorithm::Ed25519 => Primitive::Ed25519,
        Algorithm::Rs256 => Primitive::Rsa { sign: &RSA_PKCS1_SHA256, verify: &RSA_PKCS1_2048_8192_SHA256 },
        Algorithm::Rs384 => Primitive::Rsa { sign: &RSA_PKCS1_SHA384, verify: &RSA_PKCS1_2048_8192_SHA384 },
        Algorithm::Rs512 => Primitive::Rsa { sign: &RSA_PKCS1_SHA512, verify: &RSA_PKCS1_2048_8192_SHA512 },
        Algorithm::Ps256 => Primitive::Rsa { sign: &RSA_PSS_SHA256, verify: &RSA_PSS_2048_8192_SHA256 },
        Algorithm::Ps384 => Primitive::Rsa { sign: &RSA_PSS_SHA384, verify: &RSA_PSS_2048_8192_SHA384 },
        Algorithm::Ps512 => Primitive::Rsa { sign: &RSA_PSS_SHA512, verify: &RSA_PSS_2048_8192_SHA512 },
        Algorithm::Hs256 => Primitive::Hmac(hmac::HMAC_SHA256),
        Algorithm::Hs384 => Primitive::Hmac(hmac::HMAC_SHA384),
        Algorithm::Hs512 => Primitive::Hmac(hmac::HMAC_SHA512),
    }
}
