//! A connection as this engine sets it up, and what its failures mean.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Error as SqliteError, ErrorCode, OpenFlags};

use crate::store::StoreError;

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);
/// More than the number of different statements: none is prepared twice.
const STATEMENT_CACHE: usize = 96;

/// Set up once for each connection. A page cache of at most 2 MiB keeps the idle process small; deleted users are
/// overwritten; nothing temporary is written beside the data directory. The write-ahead log is brought into the database at 4 MiB; one
/// that a reader held up while it grew is cut down when it begins anew (F-19).
const SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -2048;
    PRAGMA journal_size_limit = 8388608;
";

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Reading and writing.
    Write,
    /// Reading; SQLite refuses everything else.
    Read,
}

/// Opens a database file that exists.
pub(super) fn open(path: &Path, access: Access) -> Result<Connection, SqliteError> {
    // Neither CREATE (the file would get its mode from the umask) nor URI (a path is a path).
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.execute_batch(SETTINGS)?;
    if access == Access::Read {
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(connection)
}

/// Opens a database file that exists and that nobody else has open, and keeps everybody else out until the connection is closed; fails
/// as busy if somebody is in. How it locks has to be said before the file is looked at for the first time.
pub(super) fn open_alone(path: &Path) -> Result<Connection, SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update_and_check(None, "locking_mode", "exclusive", |_| Ok(()))?;
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.execute_batch(SETTINGS)?;
    Ok(connection)
}

/// Readers do not wait for the writer any more; the file remembers it.
pub(super) fn use_write_ahead_log(connection: &Connection) -> Result<(), SqliteError> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))
}

/// Why a job failed; `?` makes it of SQLite's errors, which stay out of the public interface.
#[derive(Debug)]
pub(super) struct JobError(pub(super) StoreError);

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<SqliteError> for JobError {
    fn from(error: SqliteError) -> Self {
        let damaged = match &error {
            SqliteError::SqliteFailure(failure, _) => {
                matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            }
            SqliteError::FromSqlConversionFailure(..)
            | SqliteError::InvalidColumnType(..)
            | SqliteError::IntegralValueOutOfRange(..)
            | SqliteError::Utf8Error(..) => true,
            _ => false,
        };
        Self(if damaged { StoreError::Damaged(error.to_string()) } else { StoreError::Unavailable(error.to_string()) })
    }
}
