//! User names in their canonical form: PRECIS `UsernameCaseMapped` (RFC 8265, section 3.3) with further refusals.
//!
//! The canonical form is the name: it is stored, shown, compared and unique. Names that merely look like another are
//! found by their skeleton (UTS 39, section 4), which is unique as well.

use std::borrow::Cow;
use std::fmt;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use precis_profiles::precis_core::{Error as PrecisError, UnexpectedError};
use unicode_normalization::char::is_combining_mark;
use unicode_security::MixedScript;
use unicode_security::confusable_detection::skeleton;

use crate::user::visible::{is_invisible, show};

/// The most code points of a user name.
pub(crate) const MAX_CODE_POINTS: usize = 64;

/// A user name in its canonical form: 1 to 64 code points, lower case, one script, no `@`, no `:`, nothing blank or
/// invisible. Canonical means that `Username::new(name.as_str())` gives the same name again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// A name that a store kept: it was checked when it was made, and rules that became stricter since must not lock its
    /// owner out.
    pub(crate) fn from_stored(canonical: String) -> Self {
        Self(canonical)
    }

    /// What the name looks like: two names with the same skeleton cannot be told apart at a glance. It is only for
    /// comparing, never for display.
    ///
    /// It is the skeleton of UTS 39 after folding by case, so that `ß` stands for `ss`, and without the marks that cannot
    /// be seen (UTS 39, section 5.4): a dot above an `i` or `j`, and a mark that repeats the one before it.
    pub fn skeleton(&self) -> String {
        const DOT_ABOVE: char = '\u{307}';
        let mut seen = String::new();
        for c in skeleton(&self.0.to_uppercase().to_lowercase()) {
            let hidden = match seen.chars().last() {
                Some('i' | 'j') => c == DOT_ABOVE,
                before => before == Some(c) && is_combining_mark(c),
            };
            if !hidden {
                seen.push(c);
            }
        }
        seen
    }
}

fn canonicalise(text: &str) -> Result<String, UsernameError> {
    UsernameCaseMapped::enforce(text).map(Cow::into_owned).map_err(|error| match error {
        PrecisError::BadCodepoint(info)
        | PrecisError::Unexpected(
            UnexpectedError::ContextRuleNotApplicable(info) | UnexpectedError::MissingContextRule(info),
        ) => UsernameError::Forbidden(char::from_u32(info.cp).unwrap_or(char::REPLACEMENT_CHARACTER)),
        PrecisError::Invalid | PrecisError::Unexpected(_) => UsernameError::Direction,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(typed: &str) -> Result<String, UsernameError> {
        Username::new(typed).map(|name| name.0)
    }

    // S-029, R-131, R-133, R-134
    #[test]
    fn spellings_of_one_name_become_one_name_and_the_others_are_refused() {
        for (typed, expected) in [
            ("Alice", Ok("alice")),
            ("alice", Ok("alice")),
            ("ALICE", Ok("alice")),
            ("ａｌｉｃｅ", Ok("alice")),
            ("ＡＬＩＣＥ", Ok("alice")),
            ("\u{0430}lice", Err(UsernameError::MixedScripts)),
            ("alice\u{200B}", Err(UsernameError::Invisible('\u{200B}'))),
            ("alice ", Err(UsernameError::WhiteSpace)),
            (" alice", Err(UsernameError::WhiteSpace)),
            ("\u{FB01}", Err(UsernameError::Forbidden('\u{FB01}'))),
            ("fi", Ok("fi")),
            ("ß", Ok("ß")),
            ("ẞ", Ok("ß")),
            ("ss", Ok("ss")),
            ("\u{E9}", Ok("\u{E9}")),
            ("e\u{301}", Ok("\u{E9}")),
            ("\u{1D2C}lice", Err(UsernameError::Forbidden('\u{1D2C}'))),
            // Two more of the kind: letters that have no letter's business here.
            ("\u{1D400}lice", Err(UsernameError::Forbidden('\u{1D400}'))),
            ("\u{212A}ate", Err(UsernameError::Forbidden('\u{212A}'))),
        ] {
            assert_eq!(canonical(typed), expected.map(str::to_owned), "{typed:?}");
        }
    }

    // S-029, R-133
    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for (one, other) in [
            ("alice", "al\u{131}ce"),
            ("alice", "a1ice"),
            ("ß", "ss"),
            ("coco", "\u{441}\u{43E}\u{441}\u{43E}"),
            ("\u{3B1}\u{3C3}", "\u{3B1}\u{3C2}"),
            ("modern", "modem"),
            ("mike", "m\u{130}ke"),
            ("mike", "mi\u{307}\u{307}ke"),
            ("ren\u{E9}", "rene\u{301}\u{301}"),
        ] {
            let [one, other] = [one, other].map(|name| Username::new(name).unwrap());
            assert_ne!(one, other);
            assert_eq!(one.skeleton(), other.skeleton(), "{one} and {other}");
        }
        for (one, other) in [("alice", "alise"), ("user1", "user2"), ("\u{E9}", "e"), ("ana", "anna")] {
            let [one, other] = [one, other].map(|name| Username::new(name).unwrap());
            assert_ne!(one.skeleton(), other.skeleton(), "{one} and {other}");
        }
    }

    #[test]
    fn names_of_one_script_are_taken_whichever_it_is() {
        for name in [
            "a",
            "testuser",
            "j.doe-2_x",
            "мария",
            "山田花子",
            "ひらがな",
            "김민준",
            "سارة",
            "שרה2",
            "αθηνά",
            "o'neil",
            "a+b",
        ] {
            assert_eq!(canonical(name).as_deref(), Ok(name));
        }
    }

    //
    #[test]
    fn what_cannot_stand_in_a_name_is_named() {
        for (typed, expected) in [
            ("", UsernameError::Empty),
            ("a@b", UsernameError::Reserved('@')),
            ("a:b", UsernameError::Reserved(':')),
            ("a\u{FF20}b", UsernameError::Reserved('@')),
            ("a\u{FF1A}b", UsernameError::Reserved(':')),
            ("a b", UsernameError::WhiteSpace),
            ("a\tb", UsernameError::WhiteSpace),
            ("a\nb", UsernameError::WhiteSpace),
            ("a\u{A0}b", UsernameError::WhiteSpace),
            ("a\u{3000}b", UsernameError::WhiteSpace),
            ("a\u{2028}b", UsernameError::WhiteSpace),
            ("a\0b", UsernameError::Invisible('\0')),
            ("a\u{7F}", UsernameError::Invisible('\u{7F}')),
            ("\u{202E}ecila", UsernameError::Invisible('\u{202E}')),
            ("a\u{2066}b", UsernameError::Invisible('\u{2066}')),
            ("a\u{200D}b", UsernameError::Invisible('\u{200D}')),
            ("a\u{AD}b", UsernameError::Invisible('\u{AD}')),
            ("\u{FEFF}a", UsernameError::Invisible('\u{FEFF}')),
            ("\u{3164}", UsernameError::Invisible('\u{3164}')),
            ("\u{E0041}", UsernameError::Invisible('\u{E0041}')),
            ("\u{301}a", UsernameError::LeadingMark),
            ("a\u{2603}", UsernameError::Forbidden('\u{2603}')),
            ("\u{1F600}", UsernameError::Forbidden('\u{1F600}')),
            ("a\u{B7}b", UsernameError::Forbidden('\u{B7}')),
            ("\u{30FB}", UsernameError::Forbidden('\u{30FB}')),
            ("\u{5D0}\u{660}1", UsernameError::Direction),
            // Lower case since Unicode 8, which RFC 8264's tables do not know.
            ("\u{13A0}", UsernameError::Unstable),
            ("سارةx", UsernameError::Direction),
            ("1سارة", UsernameError::Direction),
        ] {
            assert_eq!(canonical(typed), Err(expected), "{typed:?}");
        }
        assert_eq!(UsernameError::Reserved('@').to_string(), "a user name cannot contain '@' (U+0040): leave it out");
        assert_eq!(
            UsernameError::Invisible('\u{200B}').to_string(),
            "the user name contains the invisible character U+200B: type it without"
        );
    }

    #[test]
    fn the_longest_name_has_64_code_points() {
        assert!(Username::new(&"ü".repeat(64)).is_ok());
        assert!(Username::new(&"u\u{308}".repeat(64)).is_ok());
        assert_eq!(canonical(&"ü".repeat(65)), Err(UsernameError::TooLong));
        assert_eq!(canonical(&"u\u{308}".repeat(65)), Err(UsernameError::TooLong));
        assert_eq!(canonical(&"a".repeat(1_000_000)), Err(UsernameError::TooLong));
    }

    fn check_stable(typed: &str) -> Result<(), TestCaseError> {
        let Ok(once) = Username::new(typed) else { return Ok(()) };
        prop_assert_eq!(Username::new(once.as_str()), Ok(once.clone()));
        prop_assert!((1..=MAX_CODE_POINTS).contains(&once.as_str().chars().count()));
        prop_assert!(!once.as_str().contains(|c: char| c == '@' || c == ':' || c.is_whitespace() || is_invisible(c)));
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        // f(f(x)) = f(x)
        #[test]
        fn a_canonical_name_is_its_own_canonical_form(typed in "\\PC{1,6}") {
            check_stable(&typed)?;
        }

        #[test]
        fn a_canonical_name_of_letters_and_marks_is_its_own_canonical_form(typed in "[\\p{L}\\p{M}\\p{Nd}]{1,4}") {
            check_stable(&typed)?;
        }
    }

    // f(f(x)) = f(x), for every character there is
    #[test]
    fn every_single_character_has_a_stable_form_or_is_refused() {
        let mut taken = 0;
        for c in '\0'..=char::MAX {
            let Ok(once) = Username::new(c.encode_utf8(&mut [0; 4])) else { continue };
            assert_eq!(Username::new(once.as_str()).as_ref(), Ok(&once));
            taken += 1;
        }
        assert!(taken > 80_000, "only {taken} characters are taken");
    }
}
