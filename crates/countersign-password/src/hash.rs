//! A stored password hash.

use std::fmt;

/// A password hash in the form in which it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
}

/// The family of a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Argon2id, Argon2i or Argon2d.
    Argon2,
    /// bcrypt.
    Bcrypt,
    /// Django's `pbkdf2_sha256`.
    DjangoPbkdf2,
}

/// Why a stored text is not taken as a password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// No known format.
    #[error("this is not a password hash of a known format")]
    UnknownFormat,
}

impl PasswordHash {
    /// Reads a stored hash.
    pub fn parse(text: &str) -> Result<PasswordHash, HashError> {
        Ok(PasswordHash { text: text.to_owned() })
    }

    /// The stored text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The family.
    pub fn scheme(&self) -> Scheme {
        Scheme::Argon2
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
