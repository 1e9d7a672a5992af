//! Connections to the server: a pool of them, how long anything may take, and what failures mean.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Object, Pool, PoolError, RecycleError, RecycleResult, TimeoutType};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{Client, Config, Error as PostgresError, NoTls, Row, Statement};
use tracing::Instrument;

use crate::store::StoreError;
use crate::store::postgres::address::{Address, Encryption};
use crate::store::postgres::sql;
use crate::store::postgres::tls::Encrypting;
use crate::times::{SharedTimes, Times};

/// How long a request waits for a connection that others use.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long a new connection may take, with its handshakes.
const LONGEST_CONNECT: Duration = Duration::from_secs(3);
/// How long the whole of a step may take. The server gives up on a statement after five seconds; this is for a server that is not heard.
const LONGEST_STEP: Duration = Duration::from_millis(5500);
/// How long an import or a change of the schema may take.
const LONGEST_WORK: Duration = Duration::from_mins(2);
/// How often a step is tried that others got in the way of.
const ATTEMPTS: usize = 5;

/// Why a step failed.
#[derive(Debug)]
pub(super) enum StepError {
    /// For a reason that the caller shall know.
    Store(StoreError),
    /// Another step came between: the same again may succeed.
    Again(String),
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<StepError> for StoreError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(error) => error,
            StepError::Again(reason) => Self::Unavailable(reason),
        }
    }
}

/// Makes the connections of a pool.
pub(super) struct Manager {
    config: Config,
    encrypting: Option<Encrypting>,
    times: Arc<SharedTimes>,
}

/// A connection, and what belongs to it.
pub(super) struct Connection {
    client: Client,
    rest: Rest,
}

struct Rest {
    /// Each statement is prepared once.
    statements: Mutex<HashMap<&'static str, Statement>>,
    /// Whether nobody knows what it does: it is used no more.
    is_broken: AtomicBool,
    driver: AbortHandle,
}

impl Drop for Rest {
    fn drop(&mut self) {
        // One that works says goodbye by itself.
        if self.is_broken.load(Ordering::Relaxed) {
            self.driver.abort();
        }
    }
}

impl Manager {
    /// Of connections to this address.
    pub(super) fn new(address: &Address) -> Result<Self, String> {
        let encrypting = match &address.encryption {
            Encryption::Off => None,
            on @ Encryption::On(_) => Some(Encrypting::trusting(on.authority())?),
        };
        let mut config = address.config.clone();
        config.connect_timeout(LONGEST_CONNECT).keepalives_idle(LONGEST_STEP).tcp_user_timeout(2 * LONGEST_STEP);
        config.application_name("countersign");
        Ok(Self { config, encrypting, times: Arc::default() })
    }

    /// How long steps took, with the wait for a connection.
    pub(super) fn times(&self) -> Times {
        self.times.read()
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = StoreError;

    async fn create(&self) -> Result<Connection, StoreError> {
        let connected = match self.encrypting.clone() {
            Some(encrypting) => self.config.connect(encrypting).await.map(|(client, driver)| (client, drive(driver))),
            None => self.config.connect(NoTls).await.map(|(client, driver)| (client, drive(driver))),
        };
        let (client, driver) = connected.map_err(|error| unavailable(&error))?;
        client.batch_execute(sql::SETTINGS).await.map_err(|error| not_let_in(&error))?;
        let rest = Rest { statements: Mutex::default(), is_broken: AtomicBool::new(false), driver };
        Ok(Connection { client, rest })
    }

    async fn recycle(&self, connection: &mut Connection, _: &managed::Metrics) -> RecycleResult<StoreError> {
        if connection.client.is_closed() || connection.rest.is_broken.load(Ordering::Relaxed) {
            return Err(RecycleError::message("the connection is closed"));
        }
        Ok(())
    }
}

/// Reads and writes what the client sends and gets, on a task of its own.
fn drive<S, T>(driver: tokio_postgres::Connection<S, T>) -> AbortHandle
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Whoever waits for an answer hears of its end.
    tokio::spawn(async { drop(driver.await) }).abort_handle()
}

/// A pool of at most so many connections.
pub(super) fn pool(manager: Manager, connections: usize) -> Result<Pool<Manager>, String> {
    let pool = Pool::builder(manager)
        .max_size(connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(LONGEST_WAIT))
        .create_timeout(Some(LONGEST_CONNECT));
    pool.build().map_err(|error| error.to_string())
}

/// A connection for one step, and until when that has to be done.
pub(super) struct Turn {
    connection: Object<Manager>,
    until: Instant,
    began: Instant,
    times: Arc<SharedTimes>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.times.add(self.began.elapsed());
    }
}

/// A step of several statements: all of them happen, or none.
pub(super) struct Transaction<'c> {
    inner: tokio_postgres::Transaction<'c>,
    rest: &'c Rest,
    until: Instant,
}

/// Where statements go.
#[derive(Clone, Copy)]
pub(super) struct Lane<'c> {
    client: &'c Client,
    rest: &'c Rest,
    until: Instant,
}

pub(super) type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

impl Turn {
    /// A connection out of the pool.
    pub(super) async fn take(pool: &Pool<Manager>) -> Result<Self, StepError> {
        Self::take_for(pool, LONGEST_STEP).await
    }

    /// The same, for much work.
    pub(super) async fn take_for_long(pool: &Pool<Manager>) -> Result<Self, StepError> {
        Self::take_for(pool, LONGEST_WORK).await
    }

    async fn take_for(pool: &Pool<Manager>, time: Duration) -> Result<Self, StepError> {
        let began = Instant::now();
        let connection = pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(TimeoutType::Wait) => {
                StoreError::Unavailable("all connections to the database are busy".to_owned())
            }
            PoolError::Timeout(_) => {
                StoreError::Unavailable("the database does not let us in within three seconds".to_owned())
            }
            other => StoreError::Unavailable(other.to_string()),
        })?;
        let times = Arc::clone(&pool.manager().times);
        Ok(Self { connection, until: began + time, began, times })
    }

    /// For much work, from now on.
    pub(super) fn renew(&mut self) {
        self.until = Instant::now() + LONGEST_WORK;
    }

    /// For statements that are steps by themselves.
    pub(super) fn lane(&self) -> Lane<'_> {
        Lane { client: &self.connection.client, rest: &self.connection.rest, until: self.until }
    }

    /// For a step of several statements. Dropped without a commit, it undoes them.
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_>, StepError> {
        let Connection { client, rest } = &mut *self.connection;
        let inner = in_time(rest, self.until, client.transaction()).await?;
        Ok(Transaction { inner, rest, until: self.until })
    }
}

impl Transaction<'_> {
    pub(super) fn lane(&self) -> Lane<'_> {
        Lane { client: self.inner.client(), rest: self.rest, until: self.until }
    }

    pub(super) async fn commit(self) -> Result<(), StepError> {
        in_time(self.rest, self.until, self.inner.commit()).await
    }
}

impl Lane<'_> {
    /// How many rows a statement has touched.
    pub(super) async fn execute(self, statement: &'static str, values: Values<'_>) -> Result<u64, StepError> {
        let work = async { self.client.execute(&self.prepared(statement).await?, values).await };
        self.in_time(work.instrument(tracing::debug_span!("store", statement))).await
    }

    /// Whether a statement has touched one row.
    pub(super) async fn changes_one(self, statement: &'static str, values: Values<'_>) -> Result<bool, StepError> {
        Ok(self.execute(statement, values).await? == 1)
    }

    /// The rows that a statement gives, each read by `read`.
    pub(super) async fn read_all<T>(
        self,
        statement: &'static str,
        values: Values<'_>,
        read: fn(&Row) -> Result<T, StepError>,
    ) -> Result<Vec<T>, StepError> {
        let rows = self.query(statement, values).await?;
        rows.iter().map(read).collect()
    }

    /// The first of them.
    pub(super) async fn read_first<T>(
        self,
        statement: &'static str,
        values: Values<'_>,
        read: fn(&Row) -> Result<T, StepError>,
    ) -> Result<Option<T>, StepError> {
        let rows = self.query(statement, values).await?;
        rows.first().map(read).transpose()
    }

    async fn query(self, statement: &'static str, values: Values<'_>) -> Result<Vec<Row>, StepError> {
        let work = async { self.client.query(&self.prepared(statement).await?, values).await };
        self.in_time(work.instrument(tracing::debug_span!("store", statement))).await
    }

    /// The rows that a statement gives that is asked once.
    pub(super) async fn query_once(self, statement: &str, values: Values<'_>) -> Result<Vec<Row>, StepError> {
        self.in_time(self.client.query(statement, values)).await
    }

    /// How many rows such a statement has touched.
    pub(super) async fn execute_once(self, statement: &str, values: Values<'_>) -> Result<u64, StepError> {
        self.in_time(self.client.execute(statement, values)).await
    }

    /// Whether a statement gives any row.
    pub(super) async fn exists(self, statement: &'static str, values: Values<'_>) -> Result<bool, StepError> {
        Ok(self.read_first(statement, values, |_| Ok(())).await?.is_some())
    }

    /// Several statements without values, for as long as they take.
    pub(super) async fn batch(self, statements: &str) -> Result<(), StepError> {
        self.client.batch_execute(statements).await.map_err(|error| failed(self.rest, &error))
    }

    async fn prepared(self, statement: &'static str) -> Result<Statement, PostgresError> {
        let known =
            |rest: &Rest| rest.statements.lock().unwrap_or_else(PoisonError::into_inner).get(statement).cloned();
        if let Some(prepared) = known(self.rest) {
            return Ok(prepared);
        }
        let prepared = self.client.prepare(statement).await?;
        let mut statements = self.rest.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.insert(statement, prepared.clone());
        Ok(prepared)
    }

    async fn in_time<T>(self, work: impl Future<Output = Result<T, PostgresError>>) -> Result<T, StepError> {
        in_time(self.rest, self.until, work).await
    }
}

async fn in_time<T>(
    rest: &Rest,
    until: Instant,
    work: impl Future<Output = Result<T, PostgresError>>,
) -> Result<T, StepError> {
    let Ok(done) = timeout_at(until, work).await else {
        rest.is_broken.store(true, Ordering::Relaxed);
        return Err(StoreError::Unavailable("the database does not answer in time".to_owned()).into());
    };
    done.map_err(|error| failed(rest, &error))
}

/// What a failure means, for the step and for the connection.
fn failed(rest: &Rest, error: &PostgresError) -> StepError {
    let again = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED, &SqlState::UNIQUE_VIOLATION];
    let too_slow = [&SqlState::QUERY_CANCELED, &SqlState::LOCK_NOT_AVAILABLE];
    let damage = [&SqlState::DATA_CORRUPTED, &SqlState::INDEX_CORRUPTED];
    match error.code() {
        Some(code) if again.contains(&code) => StepError::Again(reason(error)),
        Some(code) if too_slow.contains(&code) => unavailable(error).into(),
        Some(code) if damage.contains(&code) => StoreError::Damaged(reason(error)).into(),
        // A server that shuts down or has become a copy, a plan that a new schema has overtaken: a new connection is free of it.
        _ => {
            rest.is_broken.store(true, Ordering::Relaxed);
            unavailable(error).into()
        }
    }
}

fn unavailable(error: &PostgresError) -> StoreError {
    StoreError::Unavailable(reason(error))
}

/// Why a connection could not be set up.
fn not_let_in(error: &PostgresError) -> StoreError {
    if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
        return StoreError::Unavailable("it is being moved or restored: wait until that is done".to_owned());
    }
    unavailable(error)
}

/// The server's own words and its code, without the detail, which may repeat a value.
fn reason(error: &PostgresError) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .fold(error.to_string(), |told, cause| if told.contains(&cause) { told } else { format!("{told}: {cause}") })
}

/// The value of a column; one of another type than ours is damage.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, StepError> {
    row.try_get(column).map_err(|error| StoreError::Damaged(reason(&error)).into())
}

/// The bytes of a column, of which there have to be so many.
pub(super) fn get_bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], StepError> {
    let bytes: &[u8] = get(row, column)?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("column {column} has {} bytes, not {N}", bytes.len())).into())
}

/// Takes a step, a few times if others come between: it is undone then, and begins anew.
pub(super) async fn in_turn<T, F>(step: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StepError>>,
{
    let mut attempts = 1;
    loop {
        match step().await {
            Err(StepError::Again(_)) if attempts < ATTEMPTS => attempts += 1,
            outcome => return Ok(outcome?),
        }
    }
}
