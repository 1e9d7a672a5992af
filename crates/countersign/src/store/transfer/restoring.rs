//! Out of a backup into a database, in one transaction: everything is as it was, or nothing has changed.

use std::io::BufRead;

use crate::store::transfer::backup::Written;
use crate::store::transfer::line::Summing;
use crate::store::transfer::port::{Port, Purpose, digest, first_in_use};
use crate::store::transfer::reading::{Backup, Part, ReadError};
use crate::store::transfer::table::{Range, Table};
use crate::store::{Mark, StoreError};

/// What shall be done besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restoring {
    /// Whatever is in the database makes room.
    pub replaces: bool,
    /// What does not stay good.
    pub ends: Ends,
}

/// What ends with a restore.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    /// Nobody stays logged in.
    pub sessions: bool,
    /// No token for a thing stays good.
    pub entity_tokens: bool,
    /// What is of use with the sealing key only goes away: signing keys and counters. The server that starts then makes a new one. Tokens are
    /// good for nothing without the keys that signed them, so this goes with the other two.
    pub sealed: bool,
}

impl Ends {
    /// The database is to do without the sealing key that it had.
    pub const ALL: Self = Self { sessions: true, entity_tokens: true, sealed: true };
}

/// The tables that are of use with the sealing key only.
const SEALED: [&str; 2] = ["signing_keys", "counters"];

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What stood in the backup.
    pub written: Written,
    /// How many sessions were ended.
    pub ended_sessions: usize,
    /// How many tokens for things were ended.
    pub ended_entity_tokens: usize,
}

/// Why nothing was restored; one line each.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Somebody might read or write meanwhile.
    #[error("the database is in use: stop the servers and commands that work on it, and run this again")]
    InUse,
    /// There is something that would be lost.
    #[error(
        "the database is not empty, there are rows in {0}: name an empty one, or say --replace to lose what is there"
    )]
    NotEmpty(String),
    /// There is a half-done move in it.
    #[error("the database holds a half-done move of {0}: finish that, or name an empty database")]
    HalfDone(String),
    /// It is not in use any more, and would stay so.
    #[error(
        "everything in the database was moved to {0}: name that one, or have this one used again by `countersign migrate --reopen`"
    )]
    Moved(String),
    /// The backup has other tables.
    #[error("the backup does not fit this database: the table {0} differs")]
    Shape(String),
    /// What has arrived is not what was read.
    #[error("the table {0} has arrived otherwise than it stands in the backup: nothing was changed")]
    Differs(String),
    /// The backup was refused.
    #[error(transparent)]
    Backup(#[from] ReadError),
    /// The database failed.
    #[error("writing the database failed, and nothing was changed: {0}")]
    Store(#[from] StoreError),
}

/// Restores a backup, and verifies what has arrived. `progress` hears how many rows are in. It waits for the backup on the thread
/// that calls.
pub async fn restore<R: BufRead + Send>(
    port: &mut dyn Port,
    mut backup: Backup<R>,
    how: Restoring,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Restored, RestoreError> {
    make_room(port, how.replaces).await?;
    let tables = port.tables();
    let mut written = Written { header: backup.header().clone(), tables: Vec::new() };
    while let Some(table) = backup.next_table()? {
        // In the order in which they refer to one another, and each once.
        if tables.get(written.tables.len()) != Some(&table) {
            return Err(RestoreError::Shape(table.name));
        }
        let before: u64 = written.tables.iter().map(|(_, digest)| digest.rows).sum();
        read_table(port, &table, &mut backup, &mut written, &mut |rows| progress(before + rows)).await?;
    }
    if let Some(missing) = tables.get(written.tables.len()) {
        return Err(RestoreError::Shape(missing.name.clone()));
    }
    for (table, (_, sent)) in tables.iter().zip(&written.tables) {
        if digest(port, table).await? != *sent {
            return Err(RestoreError::Differs(table.name.clone()));
        }
    }
    let ended_sessions = if how.ends.sessions { port.end_all_sessions().await? } else { 0 };
    let ended_entity_tokens = if how.ends.entity_tokens { port.end_all_entity_tokens().await? } else { 0 };
    for table in tables.iter().filter(|table| how.ends.sealed && SEALED.contains(&table.name.as_str())) {
        port.delete(table, &Range::default()).await?;
    }
    port.settle().await?;
    port.commit().await?;
    Ok(Restored { written, ended_sessions, ended_entity_tokens })
}

/// Begins the transaction, in which every table is empty.
async fn make_room(port: &mut dyn Port, replaces: bool) -> Result<(), RestoreError> {
    if !port.claim().await? {
        return Err(RestoreError::InUse);
    }
    port.begin(Purpose::Writing).await?;
    match port.mark().await? {
        Some(Mark::HalfDone(source)) => return Err(RestoreError::HalfDone(source)),
        Some(Mark::MovedTo(target)) => return Err(RestoreError::Moved(target)),
        None => {}
    }
    if let Some(table) = first_in_use(port).await? {
        if !replaces {
            return Err(RestoreError::NotEmpty(table));
        }
        for table in port.tables().iter().rev() {
            port.delete(table, &Range::default()).await?;
        }
    }
    Ok(())
}

async fn read_table<R: BufRead + Send>(
    port: &mut dyn Port,
    table: &Table,
    backup: &mut Backup<R>,
    written: &mut Written,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), RestoreError> {
    let mut summing = Summing::of(table);
    loop {
        match backup.next_part(table, &mut summing)? {
            Part::Rows(rows) => port.insert(table, rows).await?,
            Part::End(digest) => {
                written.tables.push((table.name.clone(), digest));
                return Ok(());
            }
        }
        progress(summing.rows());
    }
}
