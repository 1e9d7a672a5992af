//! The name that people are shown: free text in which everything can be seen.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::user::visible::{is_invisible, show};

/// The most code points of a full name.
const MAX_CODE_POINTS: usize = 128;

/// A display name of 1 to 128 code points, composed (NFC), without white space at its ends and without invisible
/// characters. It identifies nobody, and it may hold `<` and `&`: whoever puts it into HTML escapes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FullName(String);

/// Why a text cannot be a full name, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FullNameError {
    /// Nothing, or nothing but white space.
    #[error("the full name is empty: give 1 to {MAX_CODE_POINTS} characters, or leave it out")]
    Empty,
    /// More than 128 code points.
    #[error("the full name is too long: give at most {MAX_CODE_POINTS} characters")]
    TooLong,
    /// A control, bidirectional, zero-width or other invisible character.
    #[error("the full name contains the invisible character {}: type it without", show(*.0))]
    Invisible(char),
}

impl FullName {
    /// Checks what was typed; white space at the ends is dropped.
    pub fn new(typed: &str) -> Result<Self, FullNameError> {
        if typed.chars().nth(4 * MAX_CODE_POINTS).is_some() {
            return Err(FullNameError::TooLong);
        }
        // Before the trimming, which would drop a line feed in silence.
        if let Some(c) = typed.chars().find(|&c| is_invisible(c)) {
            return Err(FullNameError::Invisible(c));
        }
        let name: String = typed.trim().nfc().collect();
        if name.is_empty() {
            return Err(FullNameError::Empty);
        }
        if name.chars().count() > MAX_CODE_POINTS {
            return Err(FullNameError::TooLong);
        }
        Ok(Self(name))
    }

    /// A name that a store kept; see `Username::from_stored`.
    pub(crate) fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_is_kept_as_typed_but_for_composition_and_outer_spaces() {
        for (typed, kept) in [
            ("John Doe", "John Doe"),
            ("  John  Doe ", "John  Doe"),
            ("José", "José"),
            ("Jose\u{301}", "Jos\u{E9}"),
            ("山田 花子", "山田 花子"),
            ("<b>O'Neil</b> & Söhne", "<b>O'Neil</b> & Söhne"),
            ("Ada \u{1F469}", "Ada \u{1F469}"),
        ] {
            assert_eq!(FullName::new(typed).unwrap().as_str(), kept, "{typed:?}");
        }
    }

    //
    #[test]
    fn a_full_name_hides_nothing() {
        for c in [
            '\0',
            '\n',
            '\t',
            '\u{1B}',
            '\u{7F}',
            '\u{200B}',
            '\u{200D}',
            '\u{200E}',
            '\u{202E}',
            '\u{2066}',
            '\u{2028}',
            '\u{FEFF}',
            '\u{AD}',
            '\u{3164}',
            '\u{E0041}',
            '\u{FFFF}',
        ] {
            assert_eq!(FullName::new(&format!("a{c}b")), Err(FullNameError::Invisible(c)));
            assert_eq!(FullName::new(&format!("ab{c}")), Err(FullNameError::Invisible(c)));
        }
    }

    #[test]
    fn a_full_name_has_1_to_128_code_points() {
        assert_eq!(FullName::new(""), Err(FullNameError::Empty));
        assert_eq!(FullName::new(" \u{A0}\u{3000}"), Err(FullNameError::Empty));
        assert!(FullName::new(&"ü".repeat(128)).is_ok());
        assert_eq!(FullName::new(&"ü".repeat(129)), Err(FullNameError::TooLong));
        assert_eq!(FullName::new(&"a".repeat(1_000_000)), Err(FullNameError::TooLong));
    }
}
