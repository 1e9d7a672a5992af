//! Users of other programs, read from what those programs write: one at a time, so that a million fit into little memory.
//!
//! [`read`] takes a file apart; [`Record::to_new_user`] checks one user. What a store then makes of it is said by
//! [`Imported`](crate::store::Imported).

mod record;
mod elements;
mod json_lines;
mod csv;
mod django;
mod keycloak;

use std::io::BufRead;

pub use crate::import::record::{Record, RecordError};

/// The format of a file of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An object on each line: `username`, `email`, `full_name`, `disabled`, `scope`, `password_hash`, `created_at`.
    JsonLines,
    /// A table with a line of titles, such as a dump of Django's `auth_user` or of the table of FastAPI-Users.
    Csv,
    /// What Django's `dumpdata auth.user` writes.
    Django,
    /// A realm that Keycloak exported with its users.
    Keycloak,
}

impl Format {
    /// All of them, by name.
    pub const ALL: [(&str, Format); 4] =
        [("json-lines", Self::JsonLines), ("csv", Self::Csv), ("django", Self::Django), ("keycloak", Self::Keycloak)];

    /// The format that a file with this beginning most likely has.
    pub fn guess(beginning: &[u8]) -> Self {
        let mut lines = beginning.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let first = lines.next().unwrap_or_default().trim_ascii();
        let is_whole = serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok();
        match first.first() {
            Some(b'[') => Self::Django,
            // A realm in one line is longer than a beginning.
            Some(b'{') if is_whole || first.starts_with(b"{\"username\"") => Self::JsonLines,
            Some(b'{') => Self::Keycloak,
            _ => Self::Csv,
        }
    }
}

/// A user of a file: where it stands, and what was read or is wrong. Places are lines where the format has lines, and
/// otherwise users, both counted from 1.
pub type Item = (usize, Result<Record, RecordError>);

/// The file as a whole cannot be read any further.
#[derive(Debug, thiserror::Error)]
#[error("the file cannot be read after user or line {place}: {reason}")]
pub struct ReadError {
    /// How far it was read.
    pub place: usize,
    reason: String,
}

impl ReadError {
    fn new(place: usize, reason: &impl std::fmt::Display) -> Self {
        Self { place, reason: reason.to_string() }
    }
}

/// Reads users, and hands each on until `each` says that it is enough.
pub fn read(format: Format, file: impl BufRead, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    match format {
        Format::JsonLines => json_lines::read(file, each),
        Format::Csv => csv::read(file, each),
        Format::Django => django::read(file, each),
        Format::Keycloak => keycloak::read(file, each),
    }
}
