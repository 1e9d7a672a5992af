//! Counters in PostgreSQL.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio_postgres::Row;

use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{Lane, StepError, get, in_turn};
use crate::store::postgres::sql::{FIND_COUNTERS, KEEP_COUNTERS, LOCK_COUNTERS, PURGE_COUNTERS};
use crate::store::{StoreError, ThrottleStore};
use crate::throttle::{Counter, CounterKey, Step, Verdict};

#[async_trait]
impl ThrottleStore for PostgresStore {
    async fn find_counters(&self, keys: &[CounterKey]) -> Result<BTreeMap<CounterKey, Counter>, StoreError> {
        Ok(find(self.turn().await?.lane(), &numbers(keys)).await?)
    }

    async fn take_step(&self, step: &Step) -> Result<Verdict, StoreError> {
        in_turn(|| self.try_step(step)).await
    }

    async fn purge_counters(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let purged = self.turn().await?.lane().execute(PURGE_COUNTERS, &[&now, &limit]).await?;
        Ok(usize::try_from(purged).unwrap_or(usize::MAX))
    }
}

impl PostgresStore {
    /// The keys are locked, whether there are rows or not, and always in one order.
    async fn try_step(&self, step: &Step) -> Result<Verdict, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let keys = numbers(&step.keys());
        transaction.lane().execute(LOCK_COUNTERS, &[&keys]).await?;
        let (verdict, kept) = step.apply(&find(transaction.lane(), &keys).await?);
        if kept.is_empty() {
            return Ok(verdict);
        }
        let column = |of: fn(&Counter) -> i64| kept.iter().map(|(_, counter)| of(counter)).collect::<Vec<_>>();
        let keys: Vec<i64> = kept.iter().map(|(key, _)| key.0).collect();
        let counts = column(|counter| i64::from(counter.count));
        let (untils, marks) = (column(|counter| counter.until_ms), column(|counter| counter.mark));
        let ends = column(|counter| counter.expires_at);
        transaction.lane().execute(KEEP_COUNTERS, &[&keys, &counts, &untils, &marks, &ends]).await?;
        transaction.commit().await?;
        Ok(verdict)
    }
}

/// In the order in which they are locked.
fn numbers(keys: &[CounterKey]) -> Vec<i64> {
    let mut numbers: Vec<i64> = keys.iter().map(|key| key.0).collect();
    numbers.sort_unstable();
    numbers
}

async fn find(lane: Lane<'_>, keys: &[i64]) -> Result<BTreeMap<CounterKey, Counter>, StepError> {
    Ok(lane.read_all(FIND_COUNTERS, &[&keys], read).await?.into_iter().collect())
}

fn read(row: &Row) -> Result<(CounterKey, Counter), StepError> {
    let count: i64 = get(row, 1)?;
    let count = u32::try_from(count).map_err(|error| StoreError::Damaged(format!("a counter: {error}")))?;
    Ok((
        CounterKey(get(row, 0)?),
        Counter { count, until_ms: get(row, 2)?, mark: get(row, 3)?, expires_at: get(row, 4)? },
    ))
}
