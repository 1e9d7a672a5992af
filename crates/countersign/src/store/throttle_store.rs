//! What a store of counters promises.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::store::StoreError;
use crate::throttle::{Counter, CounterKey, Step, Verdict};

/// Keeps the counters of guesses, for all processes together.
///
/// What was counted last may be lost when the power fails, and nothing else: nobody waits for the disk here.
#[async_trait]
pub trait ThrottleStore: Send + Sync + 'static {
    /// The counters with these keys that are there.
    async fn find_counters(&self, keys: &[CounterKey]) -> Result<BTreeMap<CounterKey, Counter>, StoreError>;

    /// Takes a step: what it finds, what it decides and what is kept are of one moment, so that of many steps at once each sees what those
    /// before it have kept (S-025).
    async fn take_step(&self, step: &Step) -> Result<Verdict, StoreError>;

    /// Deletes at most `limit` counters that have expired at `now`; how many there were.
    async fn purge_counters(&self, now: i64, limit: usize) -> Result<usize, StoreError>;
}
