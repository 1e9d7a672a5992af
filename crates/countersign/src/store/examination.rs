//! What an engine says of itself, for whoever looks after it.

use std::collections::BTreeMap;

/// How [`Mark`]s are kept.
const HALF_DONE: &str = "from";
const MOVED_TO: &str = "to";

/// What a database bears that nobody is to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A move from there into it was not finished.
    HalfDone(String),
    /// Everything in it was moved there, and goes on there.
    MovedTo(String),
}

impl Mark {
    /// As it is kept: which of the two, and where.
    pub(in crate::store) fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::HalfDone(source) => (HALF_DONE, source),
            Self::MovedTo(target) => (MOVED_TO, target),
        }
    }

    /// Anything else was written by a newer program.
    pub(in crate::store) fn of(kind: &str, place: String) -> Self {
        if kind == MOVED_TO { Self::MovedTo(place) } else { Self::HalfDone(place) }
    }
}

/// A database, looked at and left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Examination {
    /// The engine and its version, as in `PostgreSQL 15.4`.
    pub engine: String,
    /// The version of the schema; 0 if there is nothing yet.
    pub schema: i64,
    /// The version that this program works on.
    pub known_schema: i64,
    /// Why it is not to be used, if it is not.
    pub mark: Option<Mark>,
    /// What matters of its settings, as they hold for whoever connects as we do.
    pub settings: BTreeMap<String, String>,
    /// What is damaged; `None` if nothing was found, or nobody can look.
    pub damage: Option<String>,
    /// The clock of its machine, if that may be another.
    pub clock: Option<i64>,
    /// When the last thing was done that has a time; `None` if nothing was, or the schema is another one.
    pub latest: Option<i64>,
}
