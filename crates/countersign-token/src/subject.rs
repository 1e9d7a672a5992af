//! Subjects: who or what a token speaks for, as `kind:id`, so that a user, a client and a car never collide.

use std::fmt;
use std::str::FromStr;

/// The most bytes of a subject.
pub(crate) const MAX_SUBJECT_BYTES: usize = 255;

/// A subject such as `user:01890a5d`, `client:web` or `car:foo` (R-040).
///
/// ```
/// use countersign_token::Subject;
///
/// let car = Subject::new("car", "foo")?;
/// assert_eq!(car.to_string(), "car:foo");
/// assert_ne!(car, Subject::user("foo")?);
/// assert_eq!("user:ada".parse::<Subject>()?.id(), "ada");
/// # Ok::<(), countersign_token::SubjectSyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    text: String,
    colon: usize,
}

/// A text is not a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a subject is `kind:id`: the kind is a to z, 0 to 9, `_` and `-` and begins with a letter; \
         the id has no white space and no control characters; the whole has at most {MAX_SUBJECT_BYTES} bytes"
)]
#[non_exhaustive]
pub struct SubjectSyntaxError;

impl Subject {
    /// The kind of subject that a user is.
    pub const USER: &str = "user";
    /// The kind of subject that a client with a token of its own is.
    pub const CLIENT: &str = "client";

    /// Joins a kind (`[a-z][a-z0-9_-]*`) and an id (not empty, no white space, no control characters); with the colon they have at
    /// most 255 bytes.
    pub fn new(kind: &str, id: &str) -> Result<Self, SubjectSyntaxError> {
        check(kind, id)?;
        Ok(Self { text: format!("{kind}:{id}"), colon: kind.len() })
    }

    /// The subject `user:<id>`.
    pub fn user(id: &str) -> Result<Self, SubjectSyntaxError> {
        Self::new(Self::USER, id)
    }

    /// The subject `client:<id>`.
    pub fn client(id: &str) -> Result<Self, SubjectSyntaxError> {
        Self::new(Self::CLIENT, id)
    }

    /// Whether a text can be the kind of a subject: `[a-z][a-z0-9_-]*`, and short enough for an id behind it.
    ///
    /// For kinds that are written in a program: `const { assert!(Subject::is_kind("car")) }`.
    pub const fn is_kind(text: &str) -> bool {
        let [b'a'..=b'z', rest @ ..] = text.as_bytes() else { return false };
        let mut rest = rest;
        while let [byte, tail @ ..] = rest {
            if !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-') {
                return false;
            }
            rest = tail;
        }
        text.len() + ":".len() < MAX_SUBJECT_BYTES
    }

    /// What stands before the first colon.
    pub fn kind(&self) -> &str {
        self.text.get(..self.colon).unwrap_or_default()
    }

    /// What stands behind the first colon.
    pub fn id(&self) -> &str {
        self.text.get(self.colon + 1..).unwrap_or_default()
    }

    /// The whole, as the claim `sub` carries it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Subject {
    type Err = SubjectSyntaxError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = text.split_once(':').ok_or(SubjectSyntaxError)?;
        check(kind, id)?;
        Ok(Self { text: text.to_owned(), colon: kind.len() })
    }
}

fn check(kind: &str, id: &str) -> Result<(), SubjectSyntaxError> {
    let id_is_good = !id.is_empty() && !id.chars().any(|c| c.is_control() || c.is_whitespace());
    let is_short = kind.len() + ":".len() + id.len() <= MAX_SUBJECT_BYTES;
    if Subject::is_kind(kind) && id_is_good && is_short { Ok(()) } else { Err(SubjectSyntaxError) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_never_collide() {
        // R-040
        assert_ne!(Subject::user("web").unwrap(), Subject::client("web").unwrap());
        let subject = Subject::new("car", "a:b").unwrap();
        assert_eq!((subject.kind(), subject.id(), subject.as_str()), ("car", "a:b", "car:a:b"));
        assert_eq!("car:a:b".parse(), Ok(subject));
    }

    #[test]
    fn kinds_and_ids_keep_to_their_syntax() {
        for kind in ["", "User", "1a", "_a", "a b", "a:b", "é", "-a"] {
            assert_eq!(Subject::new(kind, "x"), Err(SubjectSyntaxError), "{kind:?}");
        }
        for length in [253, 254] {
            let kind = "k".repeat(length);
            assert_eq!((Subject::is_kind(&kind), Subject::new(&kind, "x").is_ok()), (length == 253, length == 253));
        }
        for id in ["", "a b", "a\n", "\0", "a\u{a0}b", "\u{85}"] {
            assert_eq!(Subject::user(id), Err(SubjectSyntaxError), "{id:?}");
        }
        assert_eq!(Subject::user(&"x".repeat(250)).unwrap().as_str().len(), 255);
        assert!(Subject::user(&"x".repeat(251)).is_err());
        for text in ["", "user", ":", "user:", ":x", "user: x"] {
            assert!(text.parse::<Subject>().is_err(), "{text:?}");
        }
    }
}
