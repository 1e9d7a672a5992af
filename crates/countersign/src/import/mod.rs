//! Users of other programs, read from what those programs write: one at a time, and none larger than a limit, so that a
//! million fit into little memory.
//!
//! [`read`] takes a file apart; [`Record::to_newcomer`] checks one user. What a store then makes of it is said by
//! [`Imported`](crate::store::Imported).

mod record;
mod beginning;
mod elements;
mod titles;
mod json_lines;
mod csv;
mod django;
mod keycloak;

use std::io::Read;

pub use crate::import::record::{CreatedAt, Newcomer, Record, RecordError};

/// The most bytes of a line or a row. The longest hash that is taken has 1024.
const LONGEST_LINE: usize = 64 * 1024;

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
}

/// What a file holds at one place.
pub struct Item {
    /// The line, where the format has lines, and otherwise the entry of the list; both are counted from 1.
    pub place: usize,
    /// What stands there.
    pub found: Found,
}

/// What was found in a file.
pub enum Found {
    /// A user, unchecked.
    User(Record),
    /// Something that is no user's account: an object of another model in a dump of Django, a service account of Keycloak.
    PassedOver,
    /// Nothing that can be read as a user, and why.
    Unreadable(&'static str),
}

/// Why a file as a whole cannot be read, or no further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is nothing in it.
    #[error("the file is empty: it takes at least one user")]
    Empty,
    /// Spreadsheets and shells of Windows write it.
    #[error("the file is in UTF-16: convert it first, by `iconv -f UTF-16 -t UTF-8 FILE`, or save it as UTF-8")]
    Utf16,
    /// The table does not say which column holds what.
    #[error("the first line has no title `username` or `email`: write a line of titles, parted by commas")]
    NoTitles,
    /// It is no list of the format, or it breaks off.
    #[error("the file cannot be read after line or entry {place}: {reason}")]
    BreaksOff {
        /// How far it was read.
        place: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl ReadError {
    fn after(place: usize, reason: &impl std::fmt::Display) -> Self {
        Self::BreaksOff { place, reason: reason.to_string() }
    }
}

/// Reads users, and hands each on until `each` says that it is enough. Without a format, it is the one that the file looks
/// like.
pub fn read(format: Option<Format>, file: impl Read, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    let (guessed, file) = beginning::of(file)?;
    match format.unwrap_or(guessed) {
        Format::JsonLines => json_lines::read(file, each),
        Format::Csv => csv::read(file, each),
        Format::Django => django::read(file, each),
        Format::Keycloak => keycloak::read(file, each),
    }
}
