//! What an engine says of itself, for whoever looks after it.

use std::collections::BTreeMap;

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
    /// What is being moved in, if that was not finished.
    pub half_done: Option<String>,
    /// What matters of its settings, as they hold for whoever connects as we do.
    pub settings: BTreeMap<String, String>,
    /// What is damaged; `None` if nothing was found, or nobody can look.
    pub damage: Option<String>,
    /// The clock of its machine, if that may be another.
    pub clock: Option<i64>,
    /// When the last thing was done that has a time; `None` if nothing was, or the schema is another one.
    pub latest: Option<i64>,
}
