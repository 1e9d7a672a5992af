//! Whose database it is, and the numbered steps that bring its schema up to date. The numbers are those of the SQLite schema.

use deadpool::managed::Pool;

use crate::store::postgres::OpenError;
use crate::store::postgres::connection::{Lane, StepError, Turn, get};
use crate::store::postgres::pool::Manager;
use crate::store::postgres::sql;
use crate::store::transfer::MARK_TABLE;
use crate::store::{KNOWN_VERSION, Mark, StoreError};

/// The version that each step leads to, from the one before it. A step that was released is never changed; it only adds what programs of
/// the version before it do without, since they go on while it is taken.
const MIGRATIONS: [(i64, &str); 7] = [
    (5, include_str!("migrations/0005_baseline.sql")),
    (6, include_str!("migrations/0006_status_lists.sql")),
    (7, include_str!("migrations/0007_entities.sql")),
    (8, include_str!("migrations/0008_client_keys.sql")),
    (9, include_str!("migrations/0009_counters.sql")),
    (10, include_str!("migrations/0010_audit_log.sql")),
    (11, include_str!("migrations/0011_search.sql")),
];

/// Applies the steps that the database lacks, all or none; refuses a database of another program or a newer version without having
/// written anything. Of several processes that do so at once, one does it and the others wait.
pub(super) async fn bring_up_to_date(pool: &Pool<Manager>, database: &str) -> Result<(), OpenError> {
    bring_up_to(pool, database, KNOWN_VERSION).await
}

/// The same as far as this version, beyond which a database must not be.
pub(super) async fn bring_up_to(pool: &Pool<Manager>, database: &str, wanted: i64) -> Result<(), OpenError> {
    let failed = |error: StepError| open_error(database, error);
    let mut turn = Turn::take_for_long(pool).await.map_err(failed)?;
    if check_ours(turn.lane(), database).await? == wanted {
        return Ok(());
    }
    let transaction = turn.begin().await.map_err(failed)?;
    let lane = transaction.lane();
    lane.batch(sql::LOCK_SCHEMA).await.map_err(failed)?;
    // Again, now that nobody else can write: another process may have been faster.
    let version = check_ours(lane, database).await?;
    if version > wanted {
        return Err(OpenError::Beyond { database: database.to_owned(), found: version, wanted });
    }
    lane.batch(sql::MAKE_VERSION).await.map_err(failed)?;
    for (leads_to, step) in MIGRATIONS {
        if leads_to > version && leads_to <= wanted {
            lane.batch(step).await.map_err(failed)?;
            lane.execute(sql::SET_VERSION, &[&leads_to]).await.map_err(failed)?;
        }
    }
    transaction.commit().await.map_err(failed)
}

/// In which every text comes back as it was given.
const ENCODINGS: [&str; 2] = ["UTF8", "SQL_ASCII"];

/// The version of the schema, 0 for an empty database; refuses a database of another program or a newer version, and one that cannot keep all
/// texts.
pub(super) async fn check_ours(lane: Lane<'_>, database: &str) -> Result<i64, OpenError> {
    let failed = |error: StepError| open_error(database, error);
    let counts = lane.read_first(sql::COUNT_TABLES, &[], |row| Ok((get(row, 0)?, get(row, 1)?, get(row, 2)?)));
    match counts.await.map_err(failed)?.unwrap_or_default() {
        (_, _, encoding) if !ENCODINGS.contains(&String::as_str(&encoding)) => {
            return Err(OpenError::Encoding { database: database.to_owned(), encoding });
        }
        (0_i64, ..) => return Ok(0),
        (_, 0_i64, _) => return Err(OpenError::Foreign { database: database.to_owned() }),
        _ => {}
    }
    let version: Option<i64> = lane.read_first(sql::VERSION, &[], |row| get(row, 0)).await.map_err(failed)?;
    match version.unwrap_or_default() {
        found if found > KNOWN_VERSION => {
            Err(OpenError::Newer { database: database.to_owned(), found, known: KNOWN_VERSION })
        }
        version => Ok(version),
    }
}

/// Refuses a database into which something is being moved.
pub(super) async fn check_finished(lane: Lane<'_>, database: &str) -> Result<(), OpenError> {
    match mark(lane).await.map_err(|error| open_error(database, error))? {
        Some(Mark::HalfDone(source_name)) => Err(OpenError::Unfinished { database: database.to_owned(), source_name }),
        _ => Ok(()),
    }
}

/// Refuses as well one out of which everything was moved.
pub(super) async fn check_usable(lane: Lane<'_>, database: &str) -> Result<(), OpenError> {
    match mark(lane).await.map_err(|error| open_error(database, error))? {
        Some(Mark::MovedTo(target_name)) => Err(OpenError::Moved { database: database.to_owned(), target_name }),
        _ => check_finished(lane, database).await,
    }
}

/// Why nobody is to work on it, if that is so.
pub(super) async fn mark(lane: Lane<'_>) -> Result<Option<Mark>, StepError> {
    if !lane.exists(sql::HAS_TABLE, &[&MARK_TABLE]).await? {
        return Ok(None);
    }
    let found = lane.query_once(&format!("SELECT kind, place FROM {MARK_TABLE}"), &[]).await?;
    found.first().map(|row| Ok(Mark::of(get(row, 0)?, get(row, 1)?))).transpose()
}

pub(super) fn open_error(database: &str, error: StepError) -> OpenError {
    let reason = match StoreError::from(error) {
        StoreError::Unavailable(reason) => reason,
        other => other.to_string(),
    };
    OpenError::Failed { database: database.to_owned(), reason }
}
