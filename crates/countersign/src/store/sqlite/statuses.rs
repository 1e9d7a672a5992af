//! Token statuses in SQLite.

use async_trait::async_trait;
use rusqlite::params;

use crate::status::{StatusListId, StatusPlace};
use crate::store::sqlite::{SqliteStore, sql};
use crate::store::{StatusStore, StoreError};

#[async_trait]
impl StatusStore for SqliteStore {
    async fn keep_status_list(&self, list: StatusListId, until: i64) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.prepare_cached(sql::KEEP_STATUS_LIST)?.execute(params![list.as_bytes(), until])?;
            Ok(())
        })
        .await
    }

    async fn list_revoked(&self, list: StatusListId) -> Result<Option<Vec<u16>>, StoreError> {
        // A list may be long, and whoever looks a session up does not wait for it.
        self.listing(move |connection| {
            if !connection.prepare_cached(sql::HAS_STATUS_LIST)?.exists([list.as_bytes()])? {
                return Ok(None);
            }
            let mut statement = connection.prepare_cached(sql::LIST_REVOKED)?;
            let places = statement.query_map([list.as_bytes()], |row| row.get(0))?;
            Ok(Some(places.collect::<Result<_, _>>()?))
        })
        .await
    }

    async fn is_revoked(&self, place: StatusPlace) -> Result<bool, StoreError> {
        self.look_up(move |connection| {
            let values = params![place.list.as_bytes(), place.index];
            Ok(connection.prepare_cached(sql::IS_REVOKED)?.exists(values)?)
        })
        .await
    }

    async fn purge_statuses(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write(move |transaction| {
            transaction.prepare_cached(sql::PURGE_STATUS_LISTS)?.execute([now])?;
            Ok(transaction.prepare_cached(sql::PURGE_REVOKED)?.execute(params![now, limit])?)
        })
        .await
    }
}
