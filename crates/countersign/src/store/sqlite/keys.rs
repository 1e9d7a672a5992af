//! Signing keys in SQLite.

use async_trait::async_trait;
use rusqlite::{Row, Transaction, params};

use crate::store::sqlite::connection::JobError;
use crate::store::sqlite::{SqliteStore, sql};
use crate::store::{KeyState, KeyStore, SigningKeyRecord, StoreError};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn insert_key(&self, key: &SigningKeyRecord) -> Result<bool, StoreError> {
        let key = key.clone();
        self.write(move |transaction| insert(transaction, &key)).await
    }

    async fn list_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.look_up(|connection| connection.prepare_cached(sql::LIST_KEYS)?.query_and_then([], read_key)?.collect())
            .await
    }

    async fn promote_key(&self, next: &str, active: &str, now: i64) -> Result<bool, StoreError> {
        let (next, active) = (next.to_owned(), active.to_owned());
        self.write(move |transaction| {
            if !transaction.prepare_cached(sql::CAN_PROMOTE_KEY)?.exists([&next, &active])? {
                return Ok(false);
            }
            transaction.prepare_cached(sql::RETIRE_KEY)?.execute(params![now, active])?;
            transaction.prepare_cached(sql::ACTIVATE_KEY)?.execute(params![now, next])?;
            Ok(true)
        })
        .await
    }

    async fn remove_key(&self, kid: &str, substitute: Option<&SigningKeyRecord>) -> Result<bool, StoreError> {
        let (kid, substitute) = (kid.to_owned(), substitute.cloned());
        self.write(move |transaction| {
            let is_active = transaction.prepare_cached(sql::IS_ACTIVE_KEY)?.exists([&kid])?;
            if is_active && substitute.is_none() {
                return Ok(false);
            }
            let is_removed = transaction.prepare_cached(sql::REMOVE_KEY)?.execute([&kid])? == 1;
            match substitute.filter(|_| is_active) {
                Some(substitute) => insert(transaction, &substitute),
                None => Ok(is_removed),
            }
        })
        .await
    }
}

fn insert(transaction: &Transaction<'_>, key: &SigningKeyRecord) -> Result<bool, JobError> {
    let values = params![key.kid, key.algorithm, key.state.name(), key.sealed, key.created_at, key.since];
    Ok(transaction.prepare_cached(sql::INSERT_KEY)?.execute(values)? == 1)
}

fn read_key(row: &Row<'_>) -> Result<SigningKeyRecord, JobError> {
    let kid: String = row.get(0)?;
    let state: String = row.get(2)?;
    let Some(state) = KeyState::of_name(&state) else {
        return Err(StoreError::Damaged(format!("signing key {kid} has the unknown state {state}")).into());
    };
    Ok(SigningKeyRecord {
        kid,
        algorithm: row.get(1)?,
        state,
        sealed: row.get(3)?,
        created_at: row.get(4)?,
        since: row.get(5)?,
    })
}
