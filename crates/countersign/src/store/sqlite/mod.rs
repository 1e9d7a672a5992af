//! The embedded engine: SQLite in one file, one thread that writes, two that read.
//!
//! A write is acknowledged after it has reached the disk (WAL, `synchronous=FULL`), but for counters of guesses. Several processes may use one file
//! at once, on one machine.

mod files;
mod connection;
mod schema;
mod worker;
mod ending;
mod entities;
mod search;
mod users;
mod sessions;
mod statuses;
mod clients;
mod throttles;
mod rehearsal;
mod keys;
mod examine;
mod port;
mod audit;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::store::sqlite::connection::{Access, JobError};
use crate::store::sqlite::files::DatabaseFiles;
use crate::store::sqlite::worker::Worker;
use crate::store::{HealthCheck, StoreError, sql};
use crate::times::Times;

pub use crate::store::sqlite::examine::{Look, examine};
pub use crate::store::sqlite::files::{check_file, prepare_directory};
pub use crate::store::sqlite::port::SqlitePort;
pub use crate::store::sqlite::rehearsal::Rehearsal;

/// Look-ups of one thing that may wait; at some 5 µs each they wait for a fiftieth of a second.
const LOOK_UP_QUEUE_LIMIT: usize = 4096;
/// Listings that may wait; each may go through a whole table.
const LISTING_QUEUE_LIMIT: usize = 64;
/// Writes that may wait; each costs a flush of the disk, so that more would wait for seconds.
const WRITE_QUEUE_LIMIT: usize = 512;

/// Keeps everything in an SQLite database.
///
/// Its threads end when it is dropped. It needs no particular async runtime.
pub struct SqliteStore {
    path: PathBuf,
    // The readers go first when the store is dropped: the last connection to close tidies the file up, and only the
    // writer may.
    //
    // One thread looks up, and those that wait together read from one moment. On the threads that ask, with a connection for each, a
    // request costs a fifth more CPU: each takes and gives back the locks of the file by itself. Listings have a thread of their own, so
    // that they hold nobody up.
    look_ups: Worker,
    listings: Worker,
    writer: Worker,
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
    /// It is an older version's, and shall be read as it is.
    #[error(
        "{} has schema version {found}, and this program moves version {known}: start this program's server on it once, which \
         brings it up to date",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: i64,
        /// The version that this program moves.
        known: i64,
    },
    /// There is no such file, and it shall be read.
    #[error("there is no database {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A backup of an older version is to be restored into it.
    #[error("{} has schema version {found}, and the backup has version {wanted}: restore it into a database that is not there yet", path.display())]
    Beyond {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: i64,
        /// The version of the backup.
        wanted: i64,
    },
    /// It is not whole.
    #[error(
        "{} holds a half-done move of {source_name}: run `countersign migrate` again, which finishes it",
        path.display()
    )]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// What is being moved in.
        source_name: String,
    },
    /// Everything in it goes on elsewhere.
    #[error(
        "everything in {} was moved to {target_name}: start on that one; `countersign migrate --reopen sqlite:{}` has this one used \
         again as it was then",
        path.display(),
        path.display()
    )]
    Moved {
        /// The file.
        path: PathBuf,
        /// Where everything went.
        target_name: String,
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
        let files = DatabaseFiles::prepare(path)?;
        let mut writer = connection::open(path, Access::Write).map_err(|error| schema::open_error(path, &error))?;
        schema::check_usable(&writer, path)?;
        schema::bring_up_to_date(&mut writer, path)?;
        connection::use_write_ahead_log(&writer).map_err(|error| schema::open_error(path, &error))?;
        let reader = || connection::open(path, Access::Read).map_err(|error| schema::open_error(path, &error));
        let (look_ups, listings) = (reader()?, reader()?);
        files.check_modes()?;
        let failed = |error: std::io::Error| OpenError::Failed { path: path.to_owned(), reason: error.to_string() };
        Ok(Self {
            path: path.to_owned(),
            look_ups: Worker::start_reading("sqlite-look-up", look_ups, LOOK_UP_QUEUE_LIMIT).map_err(failed)?,
            listings: Worker::start("sqlite-list", listings, LISTING_QUEUE_LIMIT).map_err(failed)?,
            writer: Worker::start("sqlite-write", writer, WRITE_QUEUE_LIMIT).map_err(failed)?,
        })
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a short read.
    async fn look_up<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.look_ups.run(move |connection| work(connection)).await
    }

    /// Runs a read that may go through a whole table.
    async fn listing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.listings.run(move |connection| work(connection)).await
    }

    /// Runs `work` in one transaction on the thread that writes. It is committed if `work` succeeds and has no effect
    /// otherwise, whatever becomes of the future.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(move |connection| commit(connection, Flush::Wait, work)).await
    }

    /// The same for what may be lost when the power fails.
    async fn write_unflushed<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(move |connection| commit(connection, Flush::Later, work)).await
    }
}

/// Whether a commit waits for the disk. One that does not is flushed with the next that does, and never damages the file.
#[derive(Clone, Copy)]
enum Flush {
    Wait,
    Later,
}

fn commit<T>(
    connection: &mut Connection,
    flush: Flush,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, JobError>,
) -> Result<T, JobError> {
    // Said for each anew: none depends on what the one before has left.
    connection.execute_batch(match flush {
        Flush::Wait => "PRAGMA synchronous = FULL",
        Flush::Later => "PRAGMA synchronous = NORMAL",
    })?;
    // The lock is taken before anything is read: another process cannot come between.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl HealthCheck for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.look_up(|connection| Ok(connection.prepare_cached(sql::PING)?.query_row([], |_| Ok(()))?)).await
    }

    fn times(&self) -> Vec<(&'static str, Times)> {
        vec![("look up", self.look_ups.times()), ("list", self.listings.times()), ("write", self.writer.times())]
    }

    fn log_bytes(&self) -> Option<u64> {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        fs::metadata(log).ok().map(|metadata| metadata.len())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Waker};

    use super::*;
    use crate::store::{AuditStore, KeyStore, SearchText, UserQuery, UserStore, conformance};
    use crate::user::{NewUser, UserChange, UserId, Username};

    /// Opens a fresh store each time, all in one directory.
    struct FreshStores {
        directory: tempfile::TempDir,
        opened: Mutex<Vec<Arc<SqliteStore>>>,
    }

    impl FreshStores {
        fn new() -> Self {
            let directory = tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir().unwrap();
            Self { directory, opened: Mutex::default() }
        }

        fn open(&self) -> Arc<SqliteStore> {
            let mut opened = self.opened.lock().unwrap();
            let path = self.directory.path().join(format!("{}.db", opened.len()));
            let store = Arc::new(SqliteStore::open(&path).unwrap());
            opened.push(Arc::clone(&store));
            store
        }

        // R-180, S-035
        async fn assert_schema_untouched(&self) {
            let untouched = schema_of(&self.open()).await;
            assert!(untouched.contains("CREATE TABLE users"));
            let opened = self.opened.lock().unwrap().clone();
            for store in opened {
                assert_eq!(schema_of(&store).await, untouched, "{store:?}");
            }
        }
    }

    /// Every table and index, after a check of the file's health.
    async fn schema_of(store: &SqliteStore) -> String {
        store
            .look_up(|connection| {
                let health: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
                assert_eq!(health, "ok");
                let query = "SELECT group_concat(name || coalesce(sql, ''), ';' ORDER BY name) FROM sqlite_schema";
                Ok(connection.query_row(query, [], |row| row.get(0))?)
            })
            .await
            .unwrap()
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_sqlite_store_keeps_users_as_the_suite_demands() {
        let stores = FreshStores::new();
        conformance::check_user_store(async || stores.open() as Arc<dyn UserStore>).await;
        stores.assert_schema_untouched().await;
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_sqlite_store_keeps_sessions_as_the_suite_demands() {
        let stores = FreshStores::new();
        conformance::check_session_store(async || stores.open()).await;
        stores.assert_schema_untouched().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_sqlite_store_keeps_statuses_as_the_suite_demands() {
        let stores = FreshStores::new();
        conformance::check_status_store(async || stores.open()).await;
        stores.assert_schema_untouched().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_sqlite_store_keeps_clients_as_the_suite_demands() {
        let stores = FreshStores::new();
        conformance::check_client_store(async || stores.open()).await;
        stores.assert_schema_untouched().await;
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_sqlite_store_keeps_things_as_the_suite_demands() {
        let stores = FreshStores::new();
        conformance::check_entity_store(async || stores.open()).await;
        stores.assert_schema_untouched().await;
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_sqlite_store_keeps_the_audit_log_as_the_suite_demands() {
        let stores = FreshStores::new();
        conformance::check_audit_store(async || stores.open() as Arc<dyn AuditStore>).await;
        stores.assert_schema_untouched().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_sqlite_store_keeps_counters_as_the_suite_demands() {
        let stores = FreshStores::new();
        conformance::check_throttle_store(async || stores.open()).await;
        stores.assert_schema_untouched().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_sqlite_store_keeps_keys_as_the_suite_demands() {
        let stores = FreshStores::new();
        conformance::check_key_store(async || stores.open() as Arc<dyn KeyStore>).await;
        stores.assert_schema_untouched().await;
    }

    #[tokio::test]
    async fn every_connection_writes_to_the_disk_and_hides_what_it_deletes() {
        let stores = FreshStores::new();
        let store = stores.open();
        let settings = |connection: &Connection| -> Result<Vec<String>, JobError> {
            let names = ["journal_mode", "synchronous", "foreign_keys", "secure_delete", "query_only"];
            let query = |name: &str| format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
            let value = |name: &str| connection.query_row(&query(name), [], |row| row.get(0));
            Ok(names.into_iter().map(value).collect::<Result<_, _>>()?)
        };
        let strict = ["wal", "2", "1", "1", "0"];
        assert_eq!(store.writer.run(move |c| settings(c)).await.unwrap(), strict);
        assert_eq!(store.look_up(settings).await.unwrap(), ["wal", "2", "1", "1", "1"]);
        // Counters do not wait for the disk, and whoever writes after them does.
        assert_eq!(store.write_unflushed(move |c| settings(c)).await.unwrap(), ["wal", "1", "1", "1", "0"]);
        assert_eq!(store.write(move |c| settings(c)).await.unwrap(), strict);
    }

    #[tokio::test]
    async fn a_job_that_panics_is_rolled_back_and_the_store_goes_on() {
        let stores = FreshStores::new();
        let store = stores.open();
        let user = store.insert(&NewUser::new(Username::new("alice").unwrap(), 0)).await.unwrap();
        let id = user.id;
        let outcome = store
            .write(move |transaction| -> Result<(), JobError> {
                assert_eq!(transaction.execute(sql::DELETE, [id.as_bytes()])?, 1);
                panic!("as the test wants it");
            })
            .await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
        assert_eq!(store.find_by_id(id).await, Ok(Some(user)));
        assert_eq!(store.delete(id).await, Ok(true));
    }

    #[tokio::test]
    async fn a_row_that_makes_no_sense_is_reported_as_damage() {
        let stores = FreshStores::new();
        let store = stores.open();
        let user = store.insert(&NewUser::new(Username::new("alice").unwrap(), 0)).await.unwrap();
        store.write(|transaction| Ok(transaction.execute("UPDATE users SET scopes = 'a  b'", [])?)).await.unwrap();
        let outcome = store.find_by_id(user.id).await;
        assert!(matches!(outcome, Err(StoreError::Damaged(_))), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_name_that_stays_keeps_the_skeleton_that_older_tables_gave_it() {
        let stores = FreshStores::new();
        let store = stores.open();
        let user = store.insert(&NewUser::new(Username::new("alice").unwrap(), 0)).await.unwrap();
        store.insert(&NewUser::new(Username::new("bob").unwrap(), 0)).await.unwrap();
        // As if alice and bob had come to look alike.
        let swap = "UPDATE users SET username_skeleton = 'old' WHERE username = 'alice';
            UPDATE users SET username_skeleton = 'alice' WHERE username = 'bob'";
        store.write(move |transaction| Ok(transaction.execute_batch(swap)?)).await.unwrap();
        let change = UserChange { disabled: Some(true), ..UserChange::default() };
        assert!(store.update(user.id, &change, 1).await.unwrap().is_some_and(|user| user.disabled));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_recovers() {
        let stores = FreshStores::new();
        let store = stores.open();
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let mut first = Box::pin(store.write(move |_| {
            begun.send(()).unwrap();
            gate.recv().unwrap();
            Ok(())
        }));
        tokio::select! {
            outcome = &mut first => panic!("the gate is shut: {outcome:?}"),
            begun = has_begun => begun.unwrap(),
        }
        let nobody = UserId::new(0);
        let mut waiting: Vec<_> = (0..WRITE_QUEUE_LIMIT).map(|_| store.delete(nobody)).collect();
        for job in &mut waiting {
            assert!(job.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let refused = store.delete(nobody).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        // Reading goes on.
        assert_eq!(store.find_by_id(nobody).await, Ok(None));
        release.send(()).unwrap();
        assert_eq!(first.await, Ok(()));
        for job in waiting {
            assert_eq!(job.await, Ok(false));
        }
        assert_eq!(store.delete(nobody).await, Ok(false));
    }

    /// Whom a search finds when its index has forgotten everybody.
    #[tokio::test]
    async fn a_search_for_three_characters_and_more_goes_by_the_index() {
        let stores = FreshStores::new();
        let store = stores.open();
        // As many as are looked at without it.
        let others = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1000)
            INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
            SELECT unhex(printf('%016x%016x', n, 0)), 'user-' || n, 'user-' || n, 0, '', 0, 0, 0 FROM number";
        store.write(move |transaction| Ok(transaction.execute(others, [])?)).await.unwrap();
        store.insert(&NewUser::new(Username::new("alice").unwrap(), 0)).await.unwrap();
        let found = async |text: &str| {
            let query = UserQuery::default().search(SearchText::new(text).unwrap());
            store.list(&query).await.unwrap().users.len()
        };
        assert_eq!((found("al").await, found("ali").await, found("alice").await), (1, 1, 1));
        let forget = "INSERT INTO user_search (user_search) VALUES ('delete-all')";
        store.write(move |transaction| Ok(transaction.execute(forget, [])?)).await.unwrap();
        assert_eq!((found("al").await, found("ali").await, found("alice").await), (1, 0, 0));
    }

    /// Whom such a search finds when the index does not know the one who fits.
    #[tokio::test]
    async fn a_search_for_parts_that_many_have_and_nobody_together_goes_through_the_names() {
        let stores = FreshStores::new();
        let store = stores.open();
        let others = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 3001)
            INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
            SELECT unhex(printf('%016x%016x', n, 0)), 'second-first-' || n, n, 0, '', 0, 0, 0 FROM number";
        store.write(move |transaction| Ok(transaction.execute(others, [])?)).await.unwrap();
        let user = store.insert(&NewUser::new(Username::new("first-second").unwrap(), 0)).await.unwrap();
        let unknown = "INSERT INTO user_search (user_search, rowid, grams)
            SELECT 'delete', number, grams FROM user_grams JOIN users USING (id) WHERE username = 'first-second'";
        let query = UserQuery::default().search(SearchText::new("first-second").unwrap());
        assert_eq!(store.list(&query).await.unwrap().users, std::slice::from_ref(&user));
        store.write(move |transaction| Ok(transaction.execute(unknown, [])?)).await.unwrap();
        assert_eq!(store.list(&query).await.unwrap().users, [user]);
    }

    /// Each word of the index of searches, and how many users' numbers have it.
    fn words_of_searches(connection: &Connection) -> Result<Vec<(String, i64)>, JobError> {
        connection.execute_batch(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab('main', 'user_search', 'row')",
        )?;
        let mut words = connection.prepare("SELECT unhex(term), doc FROM temp.words ORDER BY term")?;
        let words = words.query_map([], |row| Ok((String::from_utf8(row.get(0)?).unwrap_or_default(), row.get(1)?)))?;
        Ok(words.collect::<Result<_, _>>()?)
    }

    /// Names are in the index by their parts, which is as good as having them (`secure_delete`, above).
    #[tokio::test]
    async fn nothing_of_a_name_that_is_gone_stays_in_the_index_of_searches() {
        let stores = FreshStores::new();
        let store = stores.open();
        // All share their first eight bytes, and some of their parts.
        let user = |number: u8, name: &str| {
            let id = UserId::from_bytes(std::array::from_fn(|place| if place < 15 { 7 } else { number }));
            NewUser { id, ..NewUser::new(Username::new(name).unwrap(), 0) }
        };
        let [first, second, third] = [user(1, "abcd"), user(2, "abcx"), user(3, "zabc")];
        for user in [&first, &second, &third] {
            store.insert(user).await.unwrap();
        }
        let words = async || store.write(move |transaction| words_of_searches(transaction)).await.unwrap();
        let expected = |words: &[&str]| words.iter().map(|word| ((*word).to_owned(), 1)).collect::<Vec<_>>();
        assert_eq!(words().await, expected(&["abc", "bcd", "bcx", "zab"]));
        store.delete(second.id).await.unwrap();
        assert_eq!(words().await, expected(&["abc", "bcd", "zab"]));
        let renamed = UserChange { username: Some(Username::new("xyz").unwrap()), ..UserChange::default() };
        store.update(first.id, &renamed, 1).await.unwrap();
        assert_eq!(words().await, expected(&["abc", "xyz", "zab"]));
        store.delete(third.id).await.unwrap();
        assert_eq!(words().await, expected(&["xyz"]));
        store.delete(first.id).await.unwrap();
        assert_eq!(words().await, []);
    }

    /// The same for users of an older program, whose entries were made all at once.
    #[tokio::test]
    async fn nothing_stays_either_of_users_who_were_there_before_the_index() {
        let stores = FreshStores::new();
        let path = stores.directory.path().join("older.db");
        drop(DatabaseFiles::prepare(&path).unwrap());
        let mut older = connection::open(&path, Access::Write).unwrap();
        schema::bring_up_to(&mut older, &path, 10).unwrap();
        let insert = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 9)
            INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
            SELECT unhex(printf('%016x%016x', n / 4, n)), 'older-' || n, 'older-' || n, 0, '', 0, 0, 0 FROM number";
        older.execute(insert, []).unwrap();
        drop(older);
        let store = SqliteStore::open(&path).unwrap();
        let words = async || store.write(move |transaction| words_of_searches(transaction)).await.unwrap();
        assert!(words().await.contains(&("older-".to_owned(), 3)));
        for user in store.list(&UserQuery::default()).await.unwrap().users {
            let last = user.username.as_str().get(4..).unwrap().to_owned();
            assert!(words().await.iter().any(|(word, _)| *word == last));
            store.delete(user.id).await.unwrap();
            assert!(!words().await.iter().any(|(word, _)| *word == last));
        }
        assert_eq!(words().await, []);
    }

    #[tokio::test]
    async fn users_of_an_older_schema_are_found_and_what_older_programs_write_is_too() {
        let stores = FreshStores::new();
        let path = stores.directory.path().join("older.db");
        drop(DatabaseFiles::prepare(&path).unwrap());
        let mut older = connection::open(&path, Access::Write).unwrap();
        schema::bring_up_to(&mut older, &path, 10).unwrap();
        let insert = |older: &Connection, name: &str| {
            let statement = "INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
                VALUES (randomblob(16), $1, $1, 0, '', 0, 0, 0)";
            older.execute(statement, [name]).unwrap();
        };
        for number in 0..100 {
            insert(&older, &format!("older-{number:02}"));
        }
        let store = SqliteStore::open(&path).unwrap();
        let found = async |text: &str| {
            let query = UserQuery::default().search(SearchText::new(text).unwrap()).limit(200);
            store.list(&query).await.unwrap().users.len()
        };
        assert_eq!((found("older-").await, found("er-7").await, found("older-42").await), (100, 10, 1));
        insert(&older, "older-101");
        older.execute("UPDATE users SET username = 'renamed' WHERE username = 'older-42'", []).unwrap();
        older.execute("DELETE FROM users WHERE username = 'older-43'", []).unwrap();
        assert_eq!((found("older-").await, found("renamed").await, found("older-101").await), (99, 1, 1));
    }

    #[tokio::test]
    async fn the_sessions_of_a_client_and_the_number_of_those_of_a_user_are_found_by_indexes_alone() {
        let store = FreshStores::new().open();
        let plan_of = async |statement: &'static str| -> String {
            let explain = move |connection: &Connection| -> Result<String, JobError> {
                let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}"))?;
                let given = vec!["x"; plan.parameter_count()];
                let plan = plan.query_map(rusqlite::params_from_iter(given), |row| row.get::<_, String>(3))?;
                Ok(plan.collect::<Result<Vec<_>, _>>()?.join("; "))
            };
            store.look_up(explain).await.unwrap()
        };
        for statement in sql::END_SESSIONS_OF_CLIENT {
            let plan = plan_of(statement).await;
            assert!(plan.contains("INDEX sessions_of_client (client=?)") && !plan.contains("SCAN"), "{plan}");
        }
        let plan = plan_of(sql::COUNT_SESSIONS).await;
        assert!(plan.contains("COVERING INDEX sessions_of_user"), "{plan}");
        let plan = plan_of(sql::FIND_USER_OF_SESSION_BY).await;
        assert!(plan.contains("sessions USING PRIMARY KEY"), "{plan}");
    }
}
