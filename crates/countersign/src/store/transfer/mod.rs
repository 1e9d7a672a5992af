//! Everything that a store keeps, moved as it is: out of one engine and into the other, or into a file and back. Tables and columns are
//! those that the database itself names, so that none can be forgotten; a row has one text, whatever engine it stands in.

mod table;
mod line;
mod port;
mod statement;
mod moving;
mod backup;
mod reading;
mod restoring;

pub use crate::store::transfer::backup::{BackupError, FORMAT, Header, Written, back_up};
pub use crate::store::transfer::line::Digest;
pub use crate::store::transfer::moving::{MoveError, Moved, MovedTable, bring_over, reopen};
pub use crate::store::transfer::port::{Port, Purpose};
pub use crate::store::transfer::reading::{Backup, ReadError};
pub use crate::store::transfer::restoring::{Ends, RestoreError, Restored, Restoring, restore};
pub use crate::store::transfer::table::{Column, Kind, Range, Row, Table, Value};

pub(in crate::store) use crate::store::transfer::statement::{Dialect, delete, quoted, select};
pub(in crate::store) use crate::store::transfer::table::{Described, in_order};

/// Rows that are read or written in one step.
const BATCH: usize = 1000;
/// Marks a database that nobody is to work on: something is being moved into it, or was moved out of it.
pub(in crate::store) const MARK_TABLE: &str = "countersign_move";
