//! Counters in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::store::memory::MemoryStore;
use crate::store::{StoreError, ThrottleStore};
use crate::throttle::{Counter, CounterKey, Step, Verdict};

#[async_trait]
impl ThrottleStore for MemoryStore {
    async fn find_counters(&self, keys: &[CounterKey]) -> Result<BTreeMap<CounterKey, Counter>, StoreError> {
        let counters = self.counters();
        Ok(keys.iter().filter_map(|key| Some((*key, *counters.get(key)?))).collect())
    }

    async fn take_step(&self, step: &Step) -> Result<Verdict, StoreError> {
        let mut counters = self.counters();
        let (verdict, kept) = step.apply(&counters);
        counters.extend(kept);
        Ok(verdict)
    }

    async fn purge_counters(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let mut counters = self.counters();
        let over = counters.iter().filter(|(_, counter)| counter.expires_at <= now).map(|(key, _)| *key);
        let over: Vec<CounterKey> = over.take(limit).collect();
        for key in &over {
            counters.remove(key);
        }
        Ok(over.len())
    }
}
