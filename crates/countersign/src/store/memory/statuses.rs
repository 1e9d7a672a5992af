//! Token statuses in memory.

use async_trait::async_trait;

use crate::status::{StatusListId, StatusPlace};
use crate::store::memory::MemoryStore;
use crate::store::{StatusStore, StoreError};

#[async_trait]
impl StatusStore for MemoryStore {
    async fn keep_status_list(&self, list: StatusListId, until: i64) -> Result<(), StoreError> {
        let mut statuses = self.statuses();
        let known = statuses.lists.entry(list).or_insert(until);
        *known = until.max(*known);
        Ok(())
    }

    async fn list_revoked(&self, list: StatusListId) -> Result<Option<Vec<u16>>, StoreError> {
        let statuses = self.statuses();
        let places = StatusPlace { list, index: 0 }..=StatusPlace { list, index: u16::MAX };
        let marked = || statuses.marks.range(places).map(|(place, _)| place.index).collect();
        Ok(statuses.lists.contains_key(&list).then(marked))
    }

    async fn is_revoked(&self, place: StatusPlace) -> Result<bool, StoreError> {
        Ok(self.statuses().marks.contains_key(&place))
    }

    async fn purge_statuses(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let mut statuses = self.statuses();
        statuses.lists.retain(|_, until| *until > now);
        let over = statuses.marks.iter().filter(|(_, until)| **until <= now).map(|(place, _)| *place);
        let over: Vec<StatusPlace> = over.take(limit).collect();
        for place in &over {
            statuses.marks.remove(place);
        }
        Ok(over.len())
    }
}
