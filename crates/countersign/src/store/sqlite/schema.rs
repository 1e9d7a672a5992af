//! Whose database it is, and the numbered steps that bring its schema up to date.

use std::path::Path;

use rusqlite::{Connection, Error as SqliteError, ErrorCode, OptionalExtension as _, Row, TransactionBehavior};

use crate::store::sqlite::OpenError;
use crate::store::transfer::MARK_TABLE;
use crate::store::{KNOWN_VERSION, Mark};

/// "CTSN" in the file's header: SQLite's own place to say whose file it is.
const APPLICATION_ID: i64 = 0x4354_534E;

/// The version that each step leads to, from the one before it. A step that was released is never changed.
const MIGRATIONS: [(i64, &str); 11] = [
    (1, include_str!("migrations/0001_users_and_signing_keys.sql")),
    (2, include_str!("migrations/0002_upgraded_hashes.sql")),
    (3, include_str!("migrations/0003_sessions.sql")),
    (4, include_str!("migrations/0004_key_rotation.sql")),
    (5, include_str!("migrations/0005_clients.sql")),
    (6, include_str!("migrations/0006_status_lists.sql")),
    (7, include_str!("migrations/0007_entities.sql")),
    (8, include_str!("migrations/0008_client_keys.sql")),
    (9, include_str!("migrations/0009_counters.sql")),
    (10, include_str!("migrations/0010_audit_log.sql")),
    (11, include_str!("migrations/0011_search.sql")),
];

/// Applies the steps that the database lacks, all or none; refuses a database of another program or a newer version
/// without having written anything.
pub(super) fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    bring_up_to(connection, path, KNOWN_VERSION)
}

/// The same as far as this version, beyond which a database must not be.
pub(super) fn bring_up_to(connection: &mut Connection, path: &Path, wanted: i64) -> Result<(), OpenError> {
    let to_open_error = |error: SqliteError| open_error(path, &error);
    check_ours(connection, path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(to_open_error)?;
    // Again, now that nobody else can write: another process may have been faster.
    let version = check_ours(&transaction, path)?;
    if version > wanted {
        return Err(OpenError::Beyond { path: path.to_owned(), found: version, wanted });
    }
    for (leads_to, step) in MIGRATIONS {
        if leads_to > version && leads_to <= wanted {
            transaction.execute_batch(step).map_err(to_open_error)?;
            transaction.pragma_update(None, "user_version", leads_to).map_err(to_open_error)?;
        }
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(to_open_error)?;
    transaction.commit().map_err(to_open_error)
}

/// What a failure of SQLite while opening means.
pub(super) fn open_error(path: &Path, error: &SqliteError) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path: path.to_owned() },
        _ => OpenError::Failed { path: path.to_owned(), reason: error.to_string() },
    }
}

/// The version of the schema, 0 for an empty database; refuses a database of another program or a newer version.
pub(super) fn check_ours(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let number =
        |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| open_error(path, &error));
    let application_id = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let empty = application_id == 0 && version == 0 && tables == 0;
    if empty {
        Ok(0)
    } else if application_id != APPLICATION_ID {
        Err(OpenError::Foreign { path: path.to_owned() })
    } else if version > KNOWN_VERSION {
        Err(OpenError::Newer { path: path.to_owned(), found: version, known: KNOWN_VERSION })
    } else {
        Ok(version)
    }
}

/// Refuses a database into which something is being moved.
pub(super) fn check_finished(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    match mark(connection).map_err(|error| open_error(path, &error))? {
        Some(Mark::HalfDone(source_name)) => Err(OpenError::Unfinished { path: path.to_owned(), source_name }),
        _ => Ok(()),
    }
}

/// Refuses as well one out of which everything was moved.
pub(super) fn check_usable(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    match mark(connection).map_err(|error| open_error(path, &error))? {
        Some(Mark::MovedTo(target_name)) => Err(OpenError::Moved { path: path.to_owned(), target_name }),
        _ => check_finished(connection, path),
    }
}

/// Why nobody is to work on it, if that is so.
pub(super) fn mark(connection: &Connection) -> Result<Option<Mark>, SqliteError> {
    let is_there = "SELECT 1 FROM sqlite_schema WHERE name = $1";
    if connection.query_row(is_there, [MARK_TABLE], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    let mark = |row: &Row<'_>| Ok(Mark::of(&row.get::<_, String>(0)?, row.get(1)?));
    connection.query_row(&format!("SELECT kind, place FROM {MARK_TABLE}"), [], mark).optional()
}
