//! The embedded engine: SQLite in one file, one thread that writes, two that read.
//!
//! A write is acknowledged after it has reached the disk (WAL, `synchronous=FULL`). Several processes may use one file
//! at once, on one machine.

mod files;
mod connection;
mod schema;
mod threads;
mod sql;
mod users;
mod keys;

use std::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::store::sqlite::connection::{Access, JobError};
use crate::store::sqlite::files::DatabaseFiles;
use crate::store::sqlite::threads::Threads;
use crate::store::{HealthCheck, StoreError};

/// Threads that read. SQLite's readers never wait for the writer; two keep a listing from holding up the look-ups.
const READERS: usize = 2;
/// Reads that may wait; at some 20 µs each they wait for less than half a second.
const READ_QUEUE_LIMIT: usize = 4096;
/// Writes that may wait; each costs a flush of the disk, so that more would wait for seconds.
const WRITE_QUEUE_LIMIT: usize = 512;

/// Keeps everything in an SQLite database.
///
/// Its threads end when it is dropped. It needs no particular async runtime.
pub struct SqliteStore {
    path: PathBuf,
    // The readers go first when the store is dropped: the last connection to close tidies the file up, and only the
    // writer may.
    readers: Threads,
    writer: Threads,
}

/// Why a database could not be opened, and what to do; one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Others could read or write the file or its directory.
    #[error("the file {path} has mode {mode:03o}, which lets other users in: run `chmod 600 {path}`", path = path.display())]
    LooseFile {
        /// The file.
        path: PathBuf,
        /// The permission bits that it has.
        mode: u32,
    },
    /// Others could read the directory or put files into it.
    #[error(
        "the directory {path} has mode {mode:03o}, which lets other users in: run `chmod 700 {path}`, or give the database \
         a directory of its own",
        path = path.display()
    )]
    LooseDirectory {
        /// The directory.
        path: PathBuf,
        /// The permission bits that it has.
        mode: u32,
    },
    /// The file is no SQLite database, or that of another program.
    #[error("{} is not a Countersign database: name another file, or one that does not exist yet", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program has used the database.
    #[error(
        "{} has schema version {found}, and this program knows up to {known}: start the newer program, or restore a backup",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The operating system or SQLite refused.
    #[error("cannot open the database {}: {reason}", path.display())]
    Failed {
        /// The file or directory.
        path: PathBuf,
        /// What was refused.
        reason: String,
    },
}

impl SqliteStore {
    /// Opens the database at `path`; makes it, and its directory, if they are not there. Brings an older schema up to
    /// date. It may wait for another process that does the same, and up to three seconds for one that writes.
    ///
    /// The directory must be the database's own: it has to have mode 0700, and the files in it 0600.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |reason: String| OpenError::Failed { path: path.to_owned(), reason };
        let files = DatabaseFiles::prepare(path)?;
        let mut writer = connection::open(path, Access::Write).map_err(|error| schema::open_error(path, &error))?;
        schema::bring_up_to_date(&mut writer, path)?;
        connection::use_write_ahead_log(&writer).map_err(|error| schema::open_error(path, &error))?;
        let readers = (0..READERS)
            .map(|_| connection::open(path, Access::Read))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| schema::open_error(path, &error))?;
        files.check_modes()?;
        Ok(Self {
            path: path.to_owned(),
            readers: Threads::start("sqlite-read", readers, READ_QUEUE_LIMIT).map_err(|e| failed(e.to_string()))?,
            writer: Threads::start("sqlite-write", vec![writer], WRITE_QUEUE_LIMIT)
                .map_err(|e| failed(e.to_string()))?,
        })
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` on a thread that reads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(move |connection| work(connection)).await
    }

    /// Runs `work` in one transaction on the thread that writes. It is committed if `work` succeeds and has no effect
    /// otherwise, whatever becomes of the future.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer
            .run(move |connection| {
                // The lock is taken before anything is read: another process cannot come between.
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let done = work(&transaction)?;
                transaction.commit()?;
                Ok(done)
            })
            .await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl HealthCheck for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|connection| Ok(connection.prepare_cached(sql::PING)?.query_row([], |_| Ok(()))?)).await
    }
}
