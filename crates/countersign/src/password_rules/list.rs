//! The operator's own list of passwords that nobody may choose.

use std::collections::HashSet;
use std::fmt;

use countersign_password::Password;

/// A list of passwords, compared without case.
#[derive(Clone, Default)]
pub struct PasswordList(HashSet<String>);

/// Why a list is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the list of passwords is none: {reason}")]
pub struct PasswordListError {
    /// Which, counted from 1. What it says is not repeated.
    pub line: usize,
    reason: countersign_password::PasswordError,
}

impl PasswordList {
    /// Reads a list: one password a line. Empty lines are passed over; nothing is trimmed, and there are no comments.
    pub fn read(text: &str) -> Result<Self, PasswordListError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
        let folded = |(index, line): (usize, &str)| match Password::new(line.to_owned()) {
            Ok(password) => Ok(password.folded().to_string()),
            Err(reason) => Err(PasswordListError { line: index + 1, reason }),
        };
        lines.map(folded).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a password in lower case is in the list.
    pub(super) fn contains(&self, folded: &str) -> bool {
        self.0.contains(folded)
    }
}

impl fmt::Debug for PasswordList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordList({} passwords)", self.0.len())
    }
}
