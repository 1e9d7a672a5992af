//! Token statuses in PostgreSQL.

use async_trait::async_trait;

use crate::status::{StatusListId, StatusPlace};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{get, in_turn};
use crate::store::postgres::sql::PURGE_REVOKED;
use crate::store::{StatusStore, StoreError, sql};

#[async_trait]
impl StatusStore for PostgresStore {
    async fn keep_status_list(&self, list: StatusListId, until: i64) -> Result<(), StoreError> {
        let list = &list;
        let keep = || async move {
            self.turn().await?.lane().execute(sql::KEEP_STATUS_LIST, &[&list.as_bytes().as_slice(), &until]).await
        };
        in_turn(keep).await.map(drop)
    }

    async fn list_revoked(&self, list: StatusListId) -> Result<Option<Vec<u16>>, StoreError> {
        let turn = self.turn().await?;
        let id = list.as_bytes().as_slice();
        if !turn.lane().exists(sql::HAS_STATUS_LIST, &[&id]).await? {
            return Ok(None);
        }
        let places: Vec<i32> = turn.lane().read_all(sql::LIST_REVOKED, &[&id], |row| get(row, 0)).await?;
        let places = places.into_iter().map(u16::try_from).collect::<Result<_, _>>();
        Ok(Some(places.map_err(|error| StoreError::Damaged(format!("a place in a status list: {error}")))?))
    }

    async fn is_revoked(&self, place: StatusPlace) -> Result<bool, StoreError> {
        let values = (place.list.as_bytes().as_slice(), i32::from(place.index));
        Ok(self.turn().await?.lane().exists(sql::IS_REVOKED, &[&values.0, &values.1]).await?)
    }

    async fn purge_statuses(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let turn = self.turn().await?;
        turn.lane().execute(sql::PURGE_STATUS_LISTS, &[&now]).await?;
        let purged = turn.lane().execute(PURGE_REVOKED, &[&now, &limit]).await?;
        Ok(usize::try_from(purged).unwrap_or(usize::MAX))
    }
}
