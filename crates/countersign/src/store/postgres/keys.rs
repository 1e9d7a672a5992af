//! Signing keys in PostgreSQL.

use async_trait::async_trait;
use tokio_postgres::Row;

use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{Lane, StepError, get, in_turn};
use crate::store::postgres::sql::LOCK_KEYS;
use crate::store::{KeyState, KeyStore, SigningKeyRecord, StoreError, sql};

#[async_trait]
impl KeyStore for PostgresStore {
    async fn insert_key(&self, key: &SigningKeyRecord) -> Result<bool, StoreError> {
        Ok(insert(self.turn().await?.lane(), key).await?)
    }

    async fn list_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        Ok(self.turn().await?.lane().read_all(sql::LIST_KEYS, &[], read_key).await?)
    }

    async fn promote_key(&self, next: &str, active: &str, now: i64) -> Result<bool, StoreError> {
        in_turn(|| self.try_promote(next, active, now)).await
    }

    async fn remove_key(&self, kid: &str, substitute: Option<&SigningKeyRecord>) -> Result<bool, StoreError> {
        in_turn(|| self.try_remove(kid, substitute)).await
    }
}

impl PostgresStore {
    async fn try_promote(&self, next: &str, active: &str, now: i64) -> Result<bool, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        lane.exists(LOCK_KEYS, &[&next, &active]).await?;
        let can_be = lane.exists(sql::CAN_PROMOTE_KEY, &[&next, &active]).await?;
        if can_be {
            lane.execute(sql::RETIRE_KEY, &[&now, &active]).await?;
            lane.execute(sql::ACTIVATE_KEY, &[&now, &next]).await?;
        }
        transaction.commit().await?;
        Ok(can_be)
    }

    async fn try_remove(&self, kid: &str, substitute: Option<&SigningKeyRecord>) -> Result<bool, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        lane.exists(LOCK_KEYS, &[&kid, &kid]).await?;
        let is_active = lane.exists(sql::IS_ACTIVE_KEY, &[&kid]).await?;
        if is_active && substitute.is_none() {
            return Ok(false);
        }
        let is_removed = lane.changes_one(sql::REMOVE_KEY, &[&kid]).await?;
        let is_done = match substitute.filter(|_| is_active) {
            Some(substitute) => insert(lane, substitute).await?,
            None => is_removed,
        };
        transaction.commit().await?;
        Ok(is_done)
    }
}

async fn insert(lane: Lane<'_>, key: &SigningKeyRecord) -> Result<bool, StepError> {
    let SigningKeyRecord { kid, algorithm, state, sealed, created_at, since } = key;
    lane.changes_one(sql::INSERT_KEY, &[kid, algorithm, &state.name(), sealed, created_at, since]).await
}

fn read_key(row: &Row) -> Result<SigningKeyRecord, StepError> {
    let (kid, state): (String, &str) = (get(row, 0)?, get(row, 2)?);
    let Some(state) = KeyState::of_name(state) else {
        return Err(StoreError::Damaged(format!("signing key {kid} has the unknown state {state}")).into());
    };
    Ok(SigningKeyRecord {
        kid,
        algorithm: get(row, 1)?,
        state,
        sealed: get(row, 3)?,
        created_at: get(row, 4)?,
        since: get(row, 5)?,
    })
}
