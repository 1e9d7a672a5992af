//! A password as it was typed, and the bytes that are hashed for it.
//!
//! Version 1 of the preparation (R-130; a change needs a version in the stored hash): spaces other than U+0020 become
//! U+0020, then NFC. That is the `OpaqueString` profile of RFC 8265 without its list of refused characters. The list
//! depends on the version of the Unicode tables and refuses what people type: emoji joined by U+200D, U+FE0F, letters
//! newer than the tables. Refusing those would be against R-128, and a password could stop working with an update.
//! Control characters, NUL among them, are refused.

use std::fmt::{self, Write as _};

use sha1::{Digest as _, Sha1};
use unicode_normalization::{UnicodeNormalization, is_nfc};
use zeroize::Zeroizing;

/// A password. Never printed, wiped when dropped.
///
/// It is only checked for what protects the hasher; whether it is good enough for a new account is for
/// the caller to say.
#[derive(Clone)]
pub struct Password {
    raw: Zeroizing<String>,
    /// Only where it differs from `raw`.
    prepared: Option<Zeroizing<String>>,
}

/// Why a text is not taken as a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// There is nothing in it.
    #[error("the password is empty")]
    Empty,
    /// More code points or bytes than are hashed.
    #[error(
        "the password is too long: at most {} characters and {} bytes",
        Password::MAX_CODE_POINTS,
        Password::MAX_BYTES
    )]
    TooLong,
    /// A character of the Unicode category Cc: NUL, tab, line feed and their like.
    #[error("the password contains a control character")]
    ControlCharacter,
}

impl Password {
    /// The most code points.
    pub const MAX_CODE_POINTS: usize = 1024;
    /// The most bytes of UTF-8.
    pub const MAX_BYTES: usize = 4096;

    /// Takes a password as it was typed: 1 to 1024 code points, at most 4096 bytes, no control character. Nothing is
    /// trimmed, folded or cut.
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
        let prepared = prepare(&raw);
        Ok(Password { raw, prepared })
    }

    /// What is verified where only the time counts.
    #[cfg(feature = "pool")]
    pub(crate) fn of_nobody() -> Password {
        Password { raw: Zeroizing::new("nobody's password".to_owned()), prepared: None }
    }

    /// The length in code points, counted after the preparation: an é is one, however it was typed.
    pub fn code_points(&self) -> usize {
        self.prepared.as_ref().unwrap_or(&self.raw).chars().count()
    }

    /// The text in lower case, for rules about what a password may be; never to be hashed or kept.
    pub fn folded(&self) -> Zeroizing<String> {
        let text = self.prepared.as_ref().unwrap_or(&self.raw);
        Zeroizing::new(text.to_lowercase())
    }

    /// The SHA-1 of the password in hexadecimal digits, by which lists of breached passwords know it; never to be kept.
    pub fn sha1(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new(String::with_capacity(40));
        for byte in Sha1::digest(self.prepared()) {
            let _ = write!(digits, "{byte:02X}");
        }
        digits
    }

    /// How many of its spellings are hashed when it matches none: that which was typed, and the prepared one if it is another.
    #[cfg(feature = "pool")]
    pub(crate) fn spellings(&self) -> u32 {
        1 + u32::from(self.prepared.is_some())
    }

    /// The bytes as they were typed, for hashes that other programs made.
    pub(crate) fn raw(&self) -> &[u8] {
        self.raw.as_bytes()
    }

    /// The bytes of which hashes are made here.
    pub(crate) fn prepared(&self) -> &[u8] {
        self.prepared.as_ref().unwrap_or(&self.raw).as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The prepared form, where it is another one.
fn prepare(raw: &str) -> Option<Zeroizing<String>> {
    if raw.is_ascii() || (is_nfc(raw) && !raw.contains(is_non_ascii_space)) {
        return None;
    }
    // UTF-8 grows at most threefold under NFC (Unicode Standard Annex 15): reserved at once, no copy is left behind.
    let mut prepared = Zeroizing::new(String::with_capacity(raw.len() * 3));
    prepared.extend(raw.chars().map(|c| if is_non_ascii_space(c) { ' ' } else { c }).nfc());
    Some(prepared)
}

/// The category Zs but for U+0020.
fn is_non_ascii_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    fn refusal(text: &str) -> PasswordError {
        Password::new(text.to_owned()).unwrap_err()
    }

    //
    #[test]
    fn the_ceilings_are_1024_code_points_and_4096_bytes() {
        assert_eq!(password(&"é".repeat(1024)).code_points(), 1024);
        assert_eq!(refusal(&"e".repeat(1025)), PasswordError::TooLong);
        assert_eq!(password(&"😀".repeat(1024)).raw().len(), 4096);
        assert_eq!(refusal(&"😀".repeat(1025)), PasswordError::TooLong);
        assert_eq!(refusal(""), PasswordError::Empty);
        assert_eq!(password(" ").code_points(), 1);
    }

    //
    #[test]
    fn control_characters_are_refused_wherever_they_stand() {
        for text in ["\0", "secret\0tail", "\tsecret", "secret\n", "a\u{7f}", "a\u{85}b"] {
            assert_eq!(refusal(text), PasswordError::ControlCharacter, "{text:?}");
        }
    }

    // R-130; the first five are those of RFC 8265 section 4.3.
    #[test]
    fn preparation_maps_spaces_and_composes_and_does_nothing_else() {
        for (typed, hashed) in [
            ("correct horse battery staple", "correct horse battery staple"),
            ("Correct Horse Battery Staple", "Correct Horse Battery Staple"),
            ("πßå", "πßå"),
            ("Jack of \u{2666}s", "Jack of \u{2666}s"),
            ("foo\u{1680}bar", "foo bar"),
            ("a\u{2000}b\u{a0}c\u{3000}", "a b c "),
            ("ju\u{308}rgen", "j\u{fc}rgen"),
            ("\u{212b}", "\u{c5}"),
            ("\u{2126}\u{2003}", "\u{3a9} "),
            // Not compatibility: ligatures, full width and circled digits stay.
            ("\u{fb01}\u{ff41}\u{2460}", "\u{fb01}\u{ff41}\u{2460}"),
            // What OpaqueString would refuse.
            ("👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}", "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}"),
        ] {
            let password = password(typed);
            assert_eq!(password.prepared(), hashed.as_bytes(), "{typed}");
            assert_eq!(password.raw(), typed.as_bytes(), "{typed}");
        }
    }

    //
    #[test]
    fn code_points_are_counted_after_the_preparation() {
        assert_eq!(password("e\u{301}e\u{301}").code_points(), 2);
    }

    #[test]
    fn debug_output_does_not_show_the_password() {
        assert_eq!(format!("{:?}", password("hunter2")), "Password(…)");
    }

    proptest! {
        #[test]
        fn preparation_is_idempotent_and_fits_its_reservation(text in "\\PC{1,40}") {
            let once = prepare(&text);
            if let Some(once) = &once {
                prop_assert!(once.len() <= text.len() * 3);
                prop_assert!(prepare(once).is_none());
                prop_assert_ne!(once.as_str(), text.as_str());
            }
        }
    }
}
