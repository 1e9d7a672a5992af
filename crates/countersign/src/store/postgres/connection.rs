//! A connection for each step: how long anything may take, and what failures mean.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use deadpool::managed::{Object, Pool, PoolError, TimeoutType};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{Client, Error as PostgresError, Row, Statement};
use tracing::Instrument;

use crate::store::postgres::pool::{Connection, LONGEST_STEP, Manager, Rest, reason, unavailable};
use crate::store::{StoreError, patience};
use crate::times::SharedTimes;

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

/// A connection for one step, and until when that has to be done.
pub(super) struct Turn {
    connection: Object<Manager>,
    until: Instant,
    began: Instant,
    times: Arc<SharedTimes>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.times.add(took);
        patience::spend(took);
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
        let until = began + patience::left_of(time);
        if until == began {
            return Err(too_late().into());
        }
        let connection = timeout_at(until, pool.get()).await.map_err(|_| too_late());
        let connection =
            connection.and_then(|got| got.map_err(not_got)).inspect_err(|_| patience::spend(began.elapsed()))?;
        let times = Arc::clone(&pool.manager().times);
        Ok(Self { connection, until, began, times })
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
        return Err(too_late().into());
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

fn too_late() -> StoreError {
    StoreError::Unavailable("the database does not answer in time".to_owned())
}

/// Why there is no connection.
fn not_got(error: PoolError<StoreError>) -> StoreError {
    match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(TimeoutType::Wait) => {
            StoreError::Unavailable("all connections to the database are busy".to_owned())
        }
        PoolError::Timeout(_) => {
            StoreError::Unavailable("the database does not let us in within three seconds".to_owned())
        }
        other => StoreError::Unavailable(other.to_string()),
    }
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
