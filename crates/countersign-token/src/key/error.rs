//! Why a key was refused, or did not sign.

use crate::algorithm::Algorithm;

/// Why a key or a set of keys was refused. The texts never hold a part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not one PEM block.
    #[error("this is not one PEM block with a key in it")]
    Pem,
    /// The PEM block holds an encrypted private key.
    #[error("the private key is encrypted: decrypt it first, for example with `openssl pkcs8`")]
    Encrypted,
    /// A private key stands where a public one belongs.
    #[error("this is a private key: only its public part belongs here")]
    PrivateKey,
    /// A public key stands where a private one belongs.
    #[error("this is a public key: signing needs the private one")]
    PublicKey,
    /// The bytes are not a key of the kind that the algorithm needs.
    #[error("this is not a key for {0}: it is of another kind, too small, or damaged")]
    NotForAlgorithm(Algorithm),
    /// The text is not one JSON object, or a member stands in it twice.
    #[error("this is not a JWK: one JSON object in which no member stands twice")]
    NotJwk,
    /// A member of the JWK is missing or malformed.
    #[error("the JWK's member `{0}` is missing or malformed")]
    Jwk(&'static str),
    /// The JWK set is not a JSON object with an array `keys`.
    #[error("this is not a JWK set: a JSON object with an array `keys`")]
    JwkSet,
    /// `kty` or `crv` names a kind of key that signs nothing here.
    #[error("the JWK is of a kind that is not for signatures here: EC, RSA, OKP with Ed25519, and oct are")]
    UnknownKind,
    /// `alg` is missing where the kind of key leaves a choice, or is not a signature algorithm of this crate.
    #[error("the JWK must name a signature algorithm in `alg`, such as ES256")]
    UnknownAlgorithm,
    /// `use` or `key_ops` keep the key for something else.
    #[error("the JWK's `use` or `key_ops` keep it from this use")]
    OtherUse,
    /// An RSA modulus is shorter than 2048 or longer than 8192 bits (RFC 7518 section 3.3).
    #[error("an RSA key has 2048 to 8192 bits here")]
    RsaSize,
    /// An RSA public exponent other than 65537.
    #[error("an RSA key has the public exponent 65537 here")]
    RsaExponent,
    /// The RSA modulus bears the mark of CVE-2017-15361: its factors can be computed.
    #[error("this RSA key was made by a faulty generator (ROCA, CVE-2017-15361): make a new one")]
    Roca,
    /// The public point is not on its curve, or is one of those that make forged signatures good.
    #[error("the public point is not on the curve or has a small order")]
    Point,
    /// A secret shorter than the hash of its algorithm (RFC 7518 section 3.2).
    #[error("a secret for {algorithm} has at least {at_least} bytes")]
    ShortSecret {
        /// The algorithm.
        algorithm: Algorithm,
        /// The smallest number of bytes.
        at_least: usize,
    },
    /// A key identifier is empty or longer than 128 bytes.
    #[error("a key identifier has 1 to 128 bytes")]
    Kid,
    /// Two keys of one set have the same identifier.
    #[error("two keys of the set have the same identifier")]
    DuplicateKid,
    /// Secrets and public keys in one set, which invites to take the one for the other.
    #[error("secrets and public keys never go into one set")]
    MixedKinds,
    /// A set without a key for signatures.
    #[error("the set holds no key for signatures")]
    EmptySet,
    /// The operating system gave no randomness, or memory ran out.
    #[error("the key could not be made: the system gave no randomness or memory")]
    System,
}

/// A signature could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature could not be made: the system gave no randomness or memory")]
#[non_exhaustive]
pub struct SigningFailed;
