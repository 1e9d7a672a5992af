//! What SQLite says of a database.

use std::path::Path;

use rusqlite::{Connection, Error as SqliteError, ErrorCode};

use crate::store::sqlite::connection::{self, Access};
use crate::store::sqlite::{OpenError, schema};
use crate::store::{Examination, KNOWN_VERSION, sql};

/// How much is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Every page by itself, as fast as the disk reads.
    Quick,
    /// Every row with its place in each index as well, which takes several times as long.
    Thorough,
}

/// Looks at the database at this path, which has to be there, and reads all of it for damage; nothing is changed, and the schema may be an
/// older one.
pub fn examine(path: &Path, look: Look) -> Result<Examination, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let failed = |error: SqliteError| schema::open_error(path, &error);
    let connection = connection::open(path, Access::Read).map_err(failed)?;
    let found = schema::check_ours(&connection, path)?;
    let text = |statement: &str| connection.query_row(statement, [], |row| row.get::<_, String>(0));
    let damage = damage(&connection, look).map_err(failed)?;
    // What is damaged may be the very rows that would be read.
    let latest = if found == KNOWN_VERSION && damage.is_none() {
        connection.query_row(sql::LATEST, [], |row| row.get(0)).map_err(failed)?
    } else {
        None
    };
    Ok(Examination {
        engine: format!("SQLite {}", rusqlite::version()),
        schema: found,
        known_schema: KNOWN_VERSION,
        mark: schema::mark(&connection).map_err(failed)?,
        settings: [("journal_mode".to_owned(), text("PRAGMA journal_mode").map_err(failed)?)].into(),
        damage,
        clock: None,
        latest,
    })
}

/// What a read of everything finds, on one line.
pub(super) fn damage(connection: &Connection, look: Look) -> Result<Option<String>, SqliteError> {
    match check(connection, look) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => Ok(Some(error.to_string())),
        found => Ok(Some(found?.join("; ")).filter(|found| found != "ok")),
    }
}

fn check(connection: &Connection, look: Look) -> Result<Vec<String>, SqliteError> {
    let mut check = connection.prepare(match look {
        Look::Quick => "PRAGMA quick_check(3)",
        Look::Thorough => "PRAGMA integrity_check(3)",
    })?;
    check.query_map([], |row| row.get(0))?.collect()
}
