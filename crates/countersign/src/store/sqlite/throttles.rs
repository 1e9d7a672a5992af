//! Counters in SQLite.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use crate::store::sqlite::connection::JobError;
use crate::store::sqlite::{SqliteStore, sql};
use crate::store::{StoreError, ThrottleStore};
use crate::throttle::{Counter, CounterKey, Step, Verdict};

#[async_trait]
impl ThrottleStore for SqliteStore {
    async fn find_counters(&self, keys: &[CounterKey]) -> Result<BTreeMap<CounterKey, Counter>, StoreError> {
        let keys = keys.to_vec();
        self.look_up(move |connection| find(connection, &keys)).await
    }

    async fn take_step(&self, step: &Step) -> Result<Verdict, StoreError> {
        let step = step.clone();
        self.write_unflushed(move |transaction| {
            let (verdict, kept) = step.apply(&find(transaction, &step.keys())?);
            let mut keep = transaction.prepare_cached(sql::KEEP_COUNTER)?;
            for (key, Counter { count, until_ms, mark, expires_at }) in kept {
                keep.execute(params![key.0, count, until_ms, mark, expires_at])?;
            }
            Ok(verdict)
        })
        .await
    }

    async fn purge_counters(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write_unflushed(move |transaction| {
            Ok(transaction.prepare_cached(sql::PURGE_COUNTERS)?.execute(params![now, limit])?)
        })
        .await
    }
}

fn find(connection: &Connection, keys: &[CounterKey]) -> Result<BTreeMap<CounterKey, Counter>, JobError> {
    let mut statement = connection.prepare_cached(sql::FIND_COUNTER)?;
    let mut found = BTreeMap::new();
    for key in keys {
        if let Some(counter) = statement.query_map([key.0], read)?.next().transpose()? {
            found.insert(*key, counter);
        }
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Counter, rusqlite::Error> {
    Ok(Counter { count: row.get(0)?, until_ms: row.get(1)?, mark: row.get(2)?, expires_at: row.get(3)? })
}
