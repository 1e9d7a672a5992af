//! The names of the stored forms, and why a text is none of them.

use std::fmt;

/// What a stored hash was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Argon2id (RFC 9106), as a PHC string.
    Argon2id,
    /// Argon2i, as a PHC string.
    Argon2i,
    /// Argon2d, as a PHC string.
    Argon2d,
    /// bcrypt: `$2$`, `$2a$`, `$2b$` or `$2y$`.
    Bcrypt,
    /// bcrypt of a SHA-256 digest, as Django and passlib have it.
    BcryptSha256,
    /// bcrypt of an HMAC, as `WordPress` has it since 6.8.
    WordPress,
    /// PBKDF2 with HMAC-SHA-1, of whatever program.
    Pbkdf2Sha1,
    /// PBKDF2 with HMAC-SHA-224.
    Pbkdf2Sha224,
    /// PBKDF2 with HMAC-SHA-256.
    Pbkdf2Sha256,
    /// PBKDF2 with HMAC-SHA-384.
    Pbkdf2Sha384,
    /// PBKDF2 with HMAC-SHA-512.
    Pbkdf2Sha512,
    /// scrypt (RFC 7914).
    Scrypt,
    /// Firebase's use of scrypt, as a project exports it and as Supabase keeps it.
    FirebaseScrypt,
    /// SHA-crypt with SHA-256: `$5$`.
    Sha256Crypt,
    /// SHA-crypt with SHA-512: `$6$`.
    Sha512Crypt,
    /// md5-crypt: `$1$`.
    Md5Crypt,
    /// The portable hashes of phpass: `$P$`, `$H$`, and Drupal's `U$P$`.
    Phpass,
    /// Drupal 7: `$S$`, `U$S$`.
    Drupal7,
    /// A salted digest of an LDAP server: `{SSHA}` and its kin.
    SaltedSha,
}

impl Scheme {
    /// The name for listings and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Argon2id => "argon2id",
            Scheme::Argon2i => "argon2i",
            Scheme::Argon2d => "argon2d",
            Scheme::Bcrypt => "bcrypt",
            Scheme::BcryptSha256 => "bcrypt-sha256",
            Scheme::WordPress => "wordpress-bcrypt",
            Scheme::Pbkdf2Sha1 => "pbkdf2-sha1",
            Scheme::Pbkdf2Sha224 => "pbkdf2-sha224",
            Scheme::Pbkdf2Sha256 => "pbkdf2-sha256",
            Scheme::Pbkdf2Sha384 => "pbkdf2-sha384",
            Scheme::Pbkdf2Sha512 => "pbkdf2-sha512",
            Scheme::Scrypt => "scrypt",
            Scheme::FirebaseScrypt => "firebase-scrypt",
            Scheme::Sha256Crypt => "sha256-crypt",
            Scheme::Sha512Crypt => "sha512-crypt",
            Scheme::Md5Crypt => "md5-crypt",
            Scheme::Phpass => "phpass",
            Scheme::Drupal7 => "drupal7",
            Scheme::SaltedSha => "salted-sha",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a stored text is not taken as a password hash. The texts never repeat a salt or a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// It begins like no known format.
    #[error("this is not a password hash of a known format")]
    UnknownFormat,
    /// It is longer than any hash of a known format.
    #[error("this is too long for a password hash: at most 1024 bytes")]
    TooLong,
    /// It begins like a known format and does not keep to it.
    #[error("this {scheme} hash is malformed: {reason}")]
    Malformed {
        /// What it begins like.
        scheme: Scheme,
        /// What is wrong.
        reason: &'static str,
    },
    /// A variant that is known and refused.
    #[error("this {scheme} hash is of a kind that is not supported: {reason}")]
    Unsupported {
        /// What it begins like.
        scheme: Scheme,
        /// Why it is refused.
        reason: &'static str,
    },
    /// Verifying it would cost more than the ceilings allow.
    #[error("this {scheme} hash costs too much: {quantity} is {found}, the ceiling is {ceiling}")]
    TooExpensive {
        /// What it was made with.
        scheme: Scheme,
        /// What there is too much of, with its unit.
        quantity: &'static str,
        /// What the hash asks for.
        found: u64,
        /// The most that is allowed.
        ceiling: u64,
    },
}
