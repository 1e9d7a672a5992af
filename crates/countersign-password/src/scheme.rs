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
    /// bcrypt: `$2a$`, `$2b$` or `$2y$`.
    Bcrypt,
    /// Django's `pbkdf2_sha256`.
    DjangoPbkdf2Sha256,
}

impl Scheme {
    /// The name for listings and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Argon2id => "argon2id",
            Scheme::Argon2i => "argon2i",
            Scheme::Argon2d => "argon2d",
            Scheme::Bcrypt => "bcrypt",
            Scheme::DjangoPbkdf2Sha256 => "django-pbkdf2-sha256",
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
    #[error("this is not a password hash of a known format: argon2, bcrypt, django pbkdf2_sha256")]
    UnknownFormat,
    /// It is longer than any hash of a known format.
    #[error("this is too long for a password hash: at most 512 bytes")]
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
