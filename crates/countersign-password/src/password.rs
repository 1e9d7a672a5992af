//! A password as it was typed, and the bytes that are hashed for it.

use std::borrow::Cow;
use std::fmt;

use unicode_normalization::{UnicodeNormalization, is_nfc};
use zeroize::Zeroizing;

/// A password: never printed, wiped when dropped.
#[derive(Clone)]
pub struct Password {
    raw: Zeroizing<String>,
    /// Only where it differs from `raw`.
    prepared: Option<Zeroizing<String>>,
}

/// Why a text cannot be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// There is nothing in it.
    #[error("the password is empty")]
    Empty,
    /// More than 1024 code points or 4096 bytes.
    #[error("the password is too long: at most 1024 characters and 4096 bytes")]
    TooLong,
    /// A control character, for instance NUL, tab or newline.
    #[error("the password contains a control character")]
    ControlCharacter,
}

impl Password {
    /// The most code points.
    pub const MAX_CODE_POINTS: usize = 1024;
    /// The most bytes of UTF-8.
    pub const MAX_BYTES: usize = 4096;

    /// Takes a password as it was typed, within the ceilings that protect the hasher.
    pub fn new(text: String) -> Result<Password, PasswordError> {
        let raw = Zeroizing::new(text);
        if raw.is_empty() {
            return Err(PasswordError::Empty);
        }
        if raw.len() > Self::MAX_BYTES || raw.chars().count() > Self::MAX_CODE_POINTS {
            return Err(PasswordError::TooLong);
        }
        if raw.chars().any(char::is_control) {
            return Err(PasswordError::ControlCharacter);
        }
        let prepared = match prepare(&raw) {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(Zeroizing::new(text)),
        };
        Ok(Password { raw, prepared })
    }

    /// The length in code points.
    pub fn code_points(&self) -> usize {
        self.prepared.as_ref().unwrap_or(&self.raw).chars().count()
    }

    pub(crate) fn raw(&self) -> &[u8] {
        self.raw.as_bytes()
    }

    pub(crate) fn prepared(&self) -> &[u8] {
        self.prepared.as_ref().unwrap_or(&self.raw).as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn prepare(raw: &str) -> Cow<'_, str> {
    if raw.is_ascii() || (is_nfc(raw) && !raw.chars().any(is_non_ascii_space)) {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.chars().map(|c| if is_non_ascii_space(c) { ' ' } else { c }).nfc().collect())
}

fn is_non_ascii_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}
