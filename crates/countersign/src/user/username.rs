//! User names in their canonical form: PRECIS `UsernameCaseMapped` (RFC 8265, section 3.3) with further refusals.
//!
//! The canonical form is the name: it is stored, shown, compared and unique. Names that merely look like another are
//! found by their skeleton (UTS 39, section 4), which is unique as well.

use std::fmt;
use std::str::FromStr;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::Error as PrecisError;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;
use unicode_security::MixedScript;
use unicode_security::confusable_detection::skeleton;

use crate::user::visible::{is_invisible, show};

/// The most code points of a user name.
const MAX_CODE_POINTS: usize = 64;

/// A user name in its canonical form: 1 to 64 code points, lower case, one script, no `@`, no `:`, nothing blank or
/// invisible. Canonical means that `Username::new(name.as_str())` gives the same name again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

/// Why a text cannot be a user name, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UsernameError {
    /// Nothing was given.
    #[error("the user name is empty: choose 1 to {MAX_CODE_POINTS} characters")]
    Empty,
    /// More than 64 code points.
    #[error("the user name is too long: choose at most {MAX_CODE_POINTS} characters")]
    TooLong,
    /// White space, anywhere.
    #[error("a user name has no spaces: use a dot, a hyphen or an underscore instead")]
    WhiteSpace,
    /// `@`, which would make it an e-mail address, or `:`, which separates it from the password in HTTP Basic.
    #[error("a user name cannot contain {}: leave it out", show(*.0))]
    Reserved(char),
    /// A control, bidirectional, zero-width or other invisible character.
    #[error("the user name contains the invisible character {}: type it without", show(*.0))]
    Invisible(char),
    /// A character that RFC 8264's identifier class leaves out: symbols, ligatures, styled letters.
    #[error("a user name cannot contain {}: use plain letters, digits and . - _", show(*.0))]
    Forbidden(char),
    /// It begins with an accent or another mark that needs a letter before it.
    #[error("a user name begins with a letter or a digit, not with a combining mark")]
    LeadingMark,
    /// Left-to-right and right-to-left characters in an order that is shown ambiguously (RFC 5893, section 2).
    #[error("the user name mixes writing directions so that it cannot be read unambiguously: use one direction")]
    Direction,
    /// Letters of several scripts, such as Latin and Cyrillic.
    #[error("the user name mixes scripts, such as Latin and Cyrillic letters: use the letters of one script")]
    MixedScripts,
    /// Its canonical form would change again if canonicalised once more.
    #[error("the user name has no stable form: use plain letters, digits and . - _")]
    Unstable,
}

impl Username {
    /// Checks what was typed and brings it into the canonical form.
    pub fn new(typed: &str) -> Result<Self, UsernameError> {
        check_characters(typed)?;
        let canonical = canonicalise(typed)?;
        if canonical.chars().count() > MAX_CODE_POINTS {
            return Err(UsernameError::TooLong);
        }
        // The mappings may bring in what was not typed: full-width forms become ASCII.
        check_characters(&canonical)?;
        if canonicalise(&canonical).as_deref() != Ok(&canonical) {
            return Err(UsernameError::Unstable);
        }
        if !canonical.as_str().is_single_script() {
            return Err(UsernameError::MixedScripts);
        }
        Ok(Self(canonical))
    }

    /// The canonical name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the name looks like: two names with the same skeleton cannot be told apart at a glance. It is only for
    /// comparing, never for display. Folded by case before, so that `ß` stands for `ss`.
    pub fn skeleton(&self) -> String {
        skeleton(&self.0.to_uppercase().to_lowercase()).collect()
    }
}

fn canonicalise(text: &str) -> Result<String, UsernameError> {
    UsernameCaseMapped::enforce(text).map(std::borrow::Cow::into_owned).map_err(|error| match error {
        PrecisError::BadCodepoint(info) => {
            UsernameError::Forbidden(char::from_u32(info.cp).unwrap_or(char::REPLACEMENT_CHARACTER))
        }
        _ => UsernameError::Direction,
    })
}

fn check_characters(text: &str) -> Result<(), UsernameError> {
    let Some(first) = text.chars().next() else {
        return Err(UsernameError::Empty);
    };
    // A letter takes at most four code points in decomposed form; the exact limit holds for the canonical name.
    if text.chars().nth(4 * MAX_CODE_POINTS).is_some() {
        return Err(UsernameError::TooLong);
    }
    for c in text.chars() {
        match c {
            _ if c.is_whitespace() => return Err(UsernameError::WhiteSpace),
            '@' | ':' => return Err(UsernameError::Reserved(c)),
            _ if is_invisible(c) => return Err(UsernameError::Invisible(c)),
            _ => {}
        }
    }
    if is_combining_mark(first) { Err(UsernameError::LeadingMark) } else { Ok(()) }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(typed: &str) -> Result<Self, UsernameError> {
        Self::new(typed)
    }
}

impl TryFrom<String> for Username {
    type Error = UsernameError;

    fn try_from(typed: String) -> Result<Self, UsernameError> {
        Self::new(&typed)
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}
