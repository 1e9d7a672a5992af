//! Signing keys in SQLite.

use async_trait::async_trait;
use rusqlite::{Row, params};

use crate::store::sqlite::connection::JobError;
use crate::store::sqlite::{SqliteStore, sql};
use crate::store::{KeyState, KeyStore, SigningKeyRecord, StoreError};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn insert_if_none_active(&self, key: &SigningKeyRecord) -> Result<bool, StoreError> {
        let key = key.clone();
        self.write(move |transaction| {
            let values = params![key.kid, key.algorithm, key.state.name(), key.sealed, key.created_at];
            Ok(transaction.prepare_cached(sql::INSERT_KEY)?.execute(values)? == 1)
        })
        .await
    }

    async fn list_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.look_up(|connection| connection.prepare_cached(sql::LIST_KEYS)?.query_and_then([], read_key)?.collect())
            .await
    }
}

fn read_key(row: &Row<'_>) -> Result<SigningKeyRecord, JobError> {
    let kid: String = row.get(0)?;
    let state: String = row.get(2)?;
    let Some(state) = KeyState::of_name(&state) else {
        return Err(StoreError::Damaged(format!("signing key {kid} has the unknown state {state}")).into());
    };
    Ok(SigningKeyRecord { kid, algorithm: row.get(1)?, state, sealed: row.get(3)?, created_at: row.get(4)? })
}
