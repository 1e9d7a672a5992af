//! The engine for more than one machine: any number of processes on one PostgreSQL.
//!
//! A write is acknowledged after the server has it on disk (`synchronous_commit`), but for counters of guesses. Every step is one statement, or a transaction
//! (READ COMMITTED) that locks what it is about before it reads. No step takes longer than six seconds.

mod address;
mod sql;
mod tls;
mod pool;
mod connection;
mod schema;
mod indexes;
mod ending;
mod entities;
mod user_rows;
mod search;
mod imports;
mod users;
mod sessions;
mod statuses;
mod clients;
mod throttles;
mod keys;
mod audit;
mod rehearsal;
mod port;
mod examine;

use std::fmt;

use async_trait::async_trait;
use deadpool::managed::Pool;

use crate::store::postgres::connection::{StepError, Turn, get};
use crate::store::postgres::pool::Manager;
use crate::store::{HealthCheck, StoreError};
use crate::times::Times;

pub use crate::store::postgres::address::{Address, AddressError};
pub use crate::store::postgres::examine::examine;
pub use crate::store::postgres::port::PostgresPort;

/// Keeps everything in a PostgreSQL database.
///
/// It needs a tokio runtime. Connections are made when they are needed, and made anew when they are lost.
pub struct PostgresStore {
    pool: Pool<Manager>,
    /// Without password.
    database: String,
    /// Whether it takes each byte for a character.
    is_bytewise: bool,
}

/// Why a database could not be opened, and what to do; one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There are tables in it, and no mark of ours.
    #[error(
        "{database} holds tables of another program: name an empty database, or an empty schema by \
         ?options=-c%20search_path%3DNAME"
    )]
    Foreign {
        /// The database.
        database: String,
    },
    /// Not every name can be kept in it.
    #[error(
        "{database} is encoded in {encoding}, which does not do for every name: make a database by \
         CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding {
        /// The database.
        database: String,
        /// As PostgreSQL calls it.
        encoding: String,
    },
    /// A newer version of this program has used the database.
    #[error(
        "{database} has schema version {found}, and this program knows up to {known}: start the newer program, or restore a backup"
    )]
    Newer {
        /// The database.
        database: String,
        /// The version that it has.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// It is an older version's, and shall be read as it is.
    #[error(
        "{database} has schema version {found}, and this program moves version {known}: start this program's server on it once, which \
         brings it up to date"
    )]
    Older {
        /// The database.
        database: String,
        /// The version that it has.
        found: i64,
        /// The version that this program moves.
        known: i64,
    },
    /// There is nothing in it, and it shall be read.
    #[error("there is nothing in {database}")]
    Missing {
        /// The database.
        database: String,
    },
    /// A backup of an older version is to be restored into it.
    #[error(
        "{database} has schema version {found}, and the backup has version {wanted}: restore it into an empty database"
    )]
    Beyond {
        /// The database.
        database: String,
        /// The version that it has.
        found: i64,
        /// The version of the backup.
        wanted: i64,
    },
    /// It is not whole.
    #[error("{database} holds a half-done move of {source_name}: run `countersign migrate` again, which finishes it")]
    Unfinished {
        /// The database.
        database: String,
        /// What is being moved in.
        source_name: String,
    },
    /// Everything in it goes on elsewhere.
    #[error(
        "everything in {database} was moved to {target_name}: start on that one; `countersign migrate --reopen {database}` has this one \
         used again as it was then"
    )]
    Moved {
        /// The database.
        database: String,
        /// Where everything went.
        target_name: String,
    },
    /// The server could not be reached, or it refused.
    #[error("cannot open the database {database}: {reason}")]
    Failed {
        /// The database.
        database: String,
        /// What was refused.
        reason: String,
    },
}

impl PostgresStore {
    /// Opens the database at this address, which has to be there; brings its schema up to date. It may wait for another process that
    /// does the same.
    pub async fn open(address: &Address) -> Result<Self, OpenError> {
        let mut store = Self::connect(address)?;
        let database = store.database.clone();
        let failed = |error| schema::open_error(&database, error);
        store.check_usable().await?;
        store.pool.manager().refuse_moved();
        schema::bring_up_to_date(&store.pool, &database).await?;
        indexes::complete(&store.pool).await.map_err(failed)?;
        store.warn_of_losses().await.map_err(failed)?;
        store.is_bytewise = store.is_bytewise().await.map_err(failed)?;
        Ok(store)
    }

    async fn check_usable(&self) -> Result<(), OpenError> {
        let turn = self.turn().await.map_err(|error| schema::open_error(&self.database, error))?;
        schema::check_usable(turn.lane(), &self.database).await
    }

    /// Without a look at it.
    fn connect(address: &Address) -> Result<Self, OpenError> {
        let database = address.to_string();
        let failed = |reason| OpenError::Failed { database: database.clone(), reason };
        let pool = pool::pool(address).map_err(failed)?;
        Ok(Self { pool, database, is_bytewise: false })
    }

    /// Says what the database server would lose of what it has acknowledged (F-03).
    async fn warn_of_losses(&self) -> Result<(), StepError> {
        let off: Vec<String> = self.turn().await?.lane().read_all(sql::TURNED_OFF, &[], |row| get(row, 0)).await?;
        for setting in off {
            let database = &self.database;
            match setting.as_str() {
                "fsync" => tracing::warn!(
                    database,
                    "the database server runs with fsync off: a crash of its machine loses what was acknowledged, and may damage the rest"
                ),
                "full_page_writes" => tracing::warn!(
                    database,
                    "the database server runs with full_page_writes off: a crash of its machine may damage what is kept"
                ),
                _ => tracing::warn!(
                    database,
                    "synchronous_commit is off for this role: it is turned on for our connections, since answers would tell of what \
                     is lost in a crash; whoever else writes here would lose it"
                ),
            }
        }
        Ok(())
    }

    /// Whether the database takes each byte for a character.
    async fn is_bytewise(&self) -> Result<bool, StepError> {
        let is_bytewise = self.turn().await?.lane().read_first(sql::IS_BYTEWISE, &[], |row| get(row, 0)).await?;
        if is_bytewise == Some(true) {
            let database = &self.database;
            tracing::warn!(
                database,
                "the database is encoded in SQL_ASCII: a search for other letters goes through all names"
            );
        }
        Ok(is_bytewise == Some(true))
    }

    /// A connection for one step.
    async fn turn(&self) -> Result<Turn, StepError> {
        Turn::take(&self.pool).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("database", &self.database).finish_non_exhaustive()
    }
}

#[async_trait]
impl HealthCheck for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.turn().await?.lane().read_first(crate::store::sql::PING, &[], |_| Ok(())).await?;
        Ok(())
    }

    fn times(&self) -> Vec<(&'static str, Times)> {
        vec![("step", self.pool.manager().times())]
    }
}

#[cfg(test)]
#[path = "../../../tests/support/postgres.rs"]
mod test_server;

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;
    use crate::session::{NewSession, Origin, Session, SessionId};
    use crate::store::{AuditStore, KeyStore, SearchText, SessionStore, UserQuery, UserStore, conformance};
    use crate::user::{NewUser, UserChange, Username};

    /// Crowds wait their turn, also on a machine that stands still for a while.
    const PATIENCE: Duration = Duration::from_mins(1);

    /// Opens a store in an empty schema each time.
    #[derive(Default)]
    struct FreshStores {
        opened: Mutex<Vec<Arc<PostgresStore>>>,
    }

    impl FreshStores {
        async fn open(&self) -> Arc<PostgresStore> {
            let address: Address = test_server::fresh().parse().unwrap();
            let store = Arc::new(PostgresStore::open(&address.connections(4).patience(PATIENCE)).await.unwrap());
            self.opened.lock().unwrap().push(Arc::clone(&store));
            store
        }

        // R-180, S-035
        async fn assert_schema_untouched(&self) {
            let untouched = schema_of(&*self.open().await).await;
            assert!(untouched.contains("users.username_skeleton"), "{untouched}");
            let opened = self.opened.lock().unwrap().clone();
            for store in opened {
                assert_eq!(schema_of(&store).await, untouched, "{store:?}");
            }
        }
    }

    /// Every column.
    async fn schema_of(store: &PostgresStore) -> String {
        let columns = "SELECT string_agg(table_name || '.' || column_name, ' ' ORDER BY table_name, ordinal_position)
            FROM information_schema.columns WHERE table_schema = current_schema()";
        let turn = store.turn().await.unwrap();
        turn.lane().read_first(columns, &[], |row| get(row, 0)).await.unwrap().unwrap()
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_postgres_store_keeps_users_as_the_suite_demands() {
        let stores = FreshStores::default();
        conformance::check_user_store(async || stores.open().await as Arc<dyn UserStore>).await;
        stores.assert_schema_untouched().await;
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_postgres_store_keeps_sessions_as_the_suite_demands() {
        let stores = FreshStores::default();
        conformance::check_session_store(async || stores.open().await).await;
        stores.assert_schema_untouched().await;
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_postgres_store_keeps_statuses_as_the_suite_demands() {
        let stores = FreshStores::default();
        conformance::check_status_store(async || stores.open().await).await;
        stores.assert_schema_untouched().await;
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_postgres_store_keeps_clients_as_the_suite_demands() {
        let stores = FreshStores::default();
        conformance::check_client_store(async || stores.open().await).await;
        stores.assert_schema_untouched().await;
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_postgres_store_keeps_things_as_the_suite_demands() {
        let stores = FreshStores::default();
        conformance::check_entity_store(async || stores.open().await).await;
        stores.assert_schema_untouched().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_postgres_store_keeps_counters_as_the_suite_demands() {
        let stores = FreshStores::default();
        conformance::check_throttle_store(async || stores.open().await).await;
        stores.assert_schema_untouched().await;
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_postgres_store_keeps_the_audit_log_as_the_suite_demands() {
        let stores = FreshStores::default();
        conformance::check_audit_store(async || stores.open().await as Arc<dyn AuditStore>).await;
        stores.assert_schema_untouched().await;
    }

    // F-22
    #[tokio::test(flavor = "multi_thread")]
    async fn the_postgres_store_keeps_keys_as_the_suite_demands() {
        let stores = FreshStores::default();
        conformance::check_key_store(async || stores.open().await as Arc<dyn KeyStore>).await;
        stores.assert_schema_untouched().await;
    }

    // F-03
    #[tokio::test]
    async fn every_connection_waits_for_the_disk_and_for_nothing_else_for_long() {
        let url = format!("{}%20-c%20synchronous_commit%3Doff", test_server::fresh());
        let store = PostgresStore::open(&url.parse().unwrap()).await.unwrap();
        let settings =
            "SELECT concat_ws(' ', current_setting('synchronous_commit'), current_setting('statement_timeout'),
            current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'),
            current_setting('transaction_isolation'))";
        let turn = store.turn().await.unwrap();
        let set: Option<String> = turn.lane().read_first(settings, &[], |row| get(row, 0)).await.unwrap();
        assert_eq!(set.as_deref(), Some("on 5s 3s 10s read committed"));
    }

    #[tokio::test]
    async fn a_row_that_makes_no_sense_is_reported_as_damage() {
        let store = FreshStores::default().open().await;
        let user = store.insert(&NewUser::new(Username::new("alice").unwrap(), 0)).await.unwrap();
        store.turn().await.unwrap().lane().batch("UPDATE users SET scopes = 'a  b'").await.unwrap();
        let outcome = store.find_by_id(user.id).await;
        assert!(matches!(outcome, Err(StoreError::Damaged(_))), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_name_that_stays_keeps_the_skeleton_that_older_tables_gave_it() {
        let store = FreshStores::default().open().await;
        let user = store.insert(&NewUser::new(Username::new("alice").unwrap(), 0)).await.unwrap();
        store.insert(&NewUser::new(Username::new("bob").unwrap(), 0)).await.unwrap();
        // As if alice and bob had come to look alike.
        let swap = "UPDATE users SET username_skeleton = 'old' WHERE username = 'alice';
            UPDATE users SET username_skeleton = 'alice' WHERE username = 'bob'";
        store.turn().await.unwrap().lane().batch(swap).await.unwrap();
        let change = UserChange { disabled: Some(true), ..UserChange::default() };
        assert!(store.update(user.id, &change, 1).await.unwrap().is_some_and(|user| user.disabled));
    }

    #[tokio::test]
    async fn who_was_cut_off_while_the_database_was_moved_does_not_go_on_in_it() {
        let address: Address = test_server::fresh().parse().unwrap();
        let store = PostgresStore::open(&address.connections(1)).await.unwrap();
        let cut_off = "CREATE TABLE countersign_move (kind TEXT NOT NULL, place TEXT NOT NULL);
            COMMIT;
            SELECT pg_terminate_backend(pg_backend_pid())";
        assert!(store.turn().await.unwrap().lane().batch(cut_off).await.is_err());
        let outcome = store.ping().await;
        assert!(matches!(&outcome, Err(StoreError::Unavailable(why)) if why.contains("was moved")), "{outcome:?}");
    }

    #[tokio::test]
    async fn logins_that_do_not_see_one_another_leave_no_more_sessions_than_a_user_may_have() {
        let store = FreshStores::default().open().await;
        let user = store.insert(&NewUser::new(Username::new("alice").unwrap(), 0)).await.unwrap();
        let login = |last_used_at: i64| {
            let session = Session {
                id: SessionId::random(),
                user: user.id,
                client: "first-party".to_owned(),
                scope: user.scopes.clone(),
                origin: Origin { address: None, user_agent: None },
                created_at: 1,
                last_used_at,
                expires_at: 9,
                access_until: 9,
                status: None,
                refresh: None,
            };
            let (store, new) = (Arc::clone(&store), NewSession { session, generation: user.generation, most: 4 });
            async move { store.begin_session(&new).await }
        };
        for last_used_at in 1..=2 {
            assert_eq!(login(last_used_at).await, Ok(Some(0)));
        }
        // All have counted when the first goes on.
        let turn = store.turn().await.unwrap();
        turn.lane().batch("BEGIN; SELECT 1 FROM users FOR UPDATE").await.unwrap();
        let logins = [login(3), login(3), login(3)].map(tokio::spawn);
        let waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted
            AND pid IN (SELECT pid FROM pg_locks WHERE relation = 'sessions'::regclass)";
        while turn.lane().query_once(waiting, &[]).await.unwrap()[0].get::<_, i64>(0) < 3 {}
        turn.lane().batch("COMMIT").await.unwrap();
        for login in logins {
            assert!(login.await.unwrap().unwrap().is_some());
        }
        assert_eq!(store.list_sessions(Some(user.id), 1, 10).await.unwrap().len(), 4);
    }

    /// Whether the plan knows what is looked for, or is made for anything.
    #[tokio::test]
    async fn a_search_by_grams_goes_by_their_index_and_by_nothing_else() {
        let store = FreshStores::default().open().await;
        let turn = store.turn().await.unwrap();
        let fill =
            "INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
                SELECT decode(lpad(to_hex(number), 32, '0'), 'hex'), 'user-' || number, number, FALSE, '', 0, 0, 0
                FROM generate_series(1, 5000) AS number";
        turn.lane().batch(&format!("{fill}; ANALYZE users")).await.unwrap();
        let kinds = "text[], text[], text, text, bytea, bigint";
        turn.lane().batch(&format!("PREPARE search ({kinds}) AS {}", sql::SEARCH_BY_GRAMS)).await.unwrap();
        let values = r"'{user-4,r-4321}', '{user-4,r-4321}', '%user-4321%', '%user-4321%', '\x', 51";
        for mode in ["force_custom_plan", "force_generic_plan"] {
            turn.lane().batch(&format!("SET plan_cache_mode = {mode}")).await.unwrap();
            let plan = turn.lane().query_once(&format!("EXPLAIN EXECUTE search ({values})"), &[]).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
            let plan = plan.join("\n");
            assert!(plan.contains("users_by_grams") && !plan.contains("Seq Scan"), "{plan}");
            assert!(!plan.contains("users_pkey"), "{plan}");
        }
    }

    #[tokio::test]
    async fn users_of_an_older_schema_are_found() {
        let address: Address = test_server::fresh().parse().unwrap();
        let older = PostgresStore::connect(&address.clone().connections(1)).unwrap();
        schema::bring_up_to(&older.pool, &older.database, 10).await.unwrap();
        let fill =
            "INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
                SELECT decode(lpad(to_hex(number), 32, '0'), 'hex'), 'older-' || number, number, FALSE, '', 0, 0, 0
                FROM generate_series(1001, 3500) AS number";
        older.turn().await.unwrap().lane().batch(fill).await.unwrap();
        let store = PostgresStore::open(&address).await.unwrap();
        for (text, count) in [("older-3456", 1), ("3456", 1), ("older-333", 10)] {
            let query = UserQuery::default().search(SearchText::new(text).unwrap()).limit(200);
            assert_eq!(store.list(&query).await.unwrap().users.len(), count, "{text}");
        }
    }

    #[tokio::test]
    async fn a_purge_goes_by_the_index_on_expiry_and_by_the_places_of_rows() {
        let store = FreshStores::default().open().await;
        let turn = store.turn().await.unwrap();
        for (name, kind, value, purge) in [
            ("sessions", "bigint", "0", sql::PURGE_SESSIONS),
            ("client_assertions", "bigint", "0", sql::PURGE_ASSERTIONS),
            ("entity_tokens", "bigint", "0", sql::PURGE_ENTITY_TOKENS),
            ("revoked_statuses", "bigint", "0", sql::PURGE_REVOKED),
            ("counters", "bigint", "0", sql::PURGE_COUNTERS),
            ("audit_log", "bytea", r"'\x'", sql::PURGE_RECORDS),
        ] {
            // A table without rows is read as a whole if it may be.
            let settings = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
            let prepare = format!("{settings}; PREPARE purge_{name} ({kind}, bigint) AS {purge}");
            turn.lane().batch(&prepare).await.unwrap();
            let explain = format!("EXPLAIN EXECUTE purge_{name} ({value}, 500)");
            let plan: Vec<String> =
                turn.lane().query_once(&explain, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
            let plan = plan.join("\n");
            assert!(plan.contains(&format!("Tid Scan on {name}")), "{plan}");
            assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{plan}");
        }
    }
}
