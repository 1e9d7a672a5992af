//! Clients in PostgreSQL.

use std::collections::HashMap;
use std::str::FromStr as _;

use async_trait::async_trait;
use countersign_token::ScopeSet;
use tokio_postgres::Row;

use crate::client::{Client, ClientChange, ClientId, ClientKeys, ClientSecret, Grant, MOST_SECRETS};
use crate::store::client_store::{grants_text, words};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{Lane, StepError, get, get_bytes, in_turn};
use crate::store::postgres::ending::end_sessions_of_client;
use crate::store::postgres::sql::{LIST_ALL_SECRETS, LOCK_CLIENT, PURGE_ASSERTIONS};
use crate::store::{ClientStore, StoreError, sql};

#[async_trait]
impl ClientStore for PostgresStore {
    async fn insert_client(&self, client: &Client) -> Result<bool, StoreError> {
        in_turn(|| self.try_insert_client(client)).await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        Ok(find(self.turn().await?.lane(), id).await?)
    }

    async fn list_clients(&self) -> Result<Vec<Client>, StoreError> {
        let turn = self.turn().await?;
        let read = |row: &Row| Ok((get::<String>(row, 0)?, read_secret_at(row, 1)?));
        let secrets = turn.lane().read_all(LIST_ALL_SECRETS, &[], read).await?;
        let mut clients = turn.lane().read_all(sql::LIST_CLIENTS, &[], read_client).await?;
        let mut of_client: HashMap<String, Vec<ClientSecret>> = HashMap::new();
        for (id, secret) in secrets {
            of_client.entry(id).or_default().push(secret);
        }
        for client in &mut clients {
            client.secrets = of_client.remove(client.id.as_str()).unwrap_or_default();
        }
        Ok(clients)
    }

    async fn update_client(&self, id: &ClientId, change: &ClientChange) -> Result<Option<Client>, StoreError> {
        in_turn(|| self.try_update_client(id, change)).await
    }

    async fn add_secret(&self, id: &ClientId, secret: &ClientSecret) -> Result<bool, StoreError> {
        in_turn(|| self.try_add_secret(id, secret)).await
    }

    async fn remove_secret(&self, id: &ClientId, hash: &[u8; 32]) -> Result<bool, StoreError> {
        in_turn(|| self.try_remove_secret(id, hash)).await
    }

    async fn use_assertion(
        &self,
        client: &ClientId,
        hash: &[u8; 32],
        expires_at: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        let (turn, hash) = (self.turn().await?, hash.as_slice());
        Ok(turn.lane().changes_one(sql::USE_ASSERTION, &[&client.as_str(), &hash, &expires_at, &now]).await?)
    }

    async fn purge_assertions(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let purged = self.turn().await?.lane().execute(PURGE_ASSERTIONS, &[&now, &limit]).await?;
        Ok(usize::try_from(purged).unwrap_or(usize::MAX))
    }

    async fn delete_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        in_turn(|| self.try_delete_client(id)).await
    }
}

impl PostgresStore {
    async fn try_insert_client(&self, client: &Client) -> Result<bool, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        let is_new = lane
            .changes_one(
                sql::INSERT_CLIENT,
                &[
                    &client.id.as_str(),
                    &client.is_public,
                    &client.created_at,
                    &client.name,
                    &grants_text(&client.grants),
                    &client.scopes.to_string(),
                    &client.audiences.join(" "),
                    &client.access_token_lifetime_s,
                    &client.always_refresh,
                    &client.disabled,
                    &client.keys.to_stored(),
                ],
            )
            .await?;
        for secret in client.secrets.iter().filter(|_| is_new) {
            insert_secret(lane, &client.id, secret).await?;
        }
        transaction.commit().await?;
        Ok(is_new)
    }

    async fn try_update_client(&self, id: &ClientId, change: &ClientChange) -> Result<Option<Client>, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        lane.exists(LOCK_CLIENT, &[&id.as_str()]).await?;
        let Some(kept) = find(lane, id).await? else { return Ok(None) };
        let client = change.apply_to(&kept);
        lane.execute(
            sql::UPDATE_CLIENT,
            &[
                &client.name,
                &grants_text(&client.grants),
                &client.scopes.to_string(),
                &client.audiences.join(" "),
                &client.access_token_lifetime_s,
                &client.always_refresh,
                &client.disabled,
                &client.keys.to_stored(),
                &client.id.as_str(),
            ],
        )
        .await?;
        if client.disabled {
            end_sessions_of_client(lane, id).await?;
        }
        transaction.commit().await?;
        Ok(Some(client))
    }

    async fn try_add_secret(&self, id: &ClientId, secret: &ClientSecret) -> Result<bool, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        let is_there = lane.exists(LOCK_CLIENT, &[&id.as_str()]).await?;
        let may_have = is_there && secrets(lane, id).await?.len() < MOST_SECRETS;
        if may_have {
            insert_secret(lane, id, secret).await?;
        }
        transaction.commit().await?;
        Ok(may_have)
    }

    async fn try_remove_secret(&self, id: &ClientId, hash: &[u8; 32]) -> Result<bool, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        lane.exists(LOCK_CLIENT, &[&id.as_str()]).await?;
        let can_spare = |client: Client| client.secrets.len() > 1 || !client.keys.is_empty();
        let is_removed = find(lane, id).await?.is_some_and(can_spare)
            && lane.changes_one(sql::REMOVE_SECRET, &[&id.as_str(), &hash.as_slice()]).await?;
        transaction.commit().await?;
        Ok(is_removed)
    }

    async fn try_delete_client(&self, id: &ClientId) -> Result<bool, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        lane.exists(LOCK_CLIENT, &[&id.as_str()]).await?;
        end_sessions_of_client(lane, id).await?;
        let is_deleted = lane.changes_one(sql::DELETE_CLIENT, &[&id.as_str()]).await?;
        transaction.commit().await?;
        Ok(is_deleted)
    }
}

/// The secrets are read also where there is no client, so that the time does not tell which ids there are (S-037).
async fn find(lane: Lane<'_>, id: &ClientId) -> Result<Option<Client>, StepError> {
    let secrets = secrets(lane, id).await?;
    let found = lane.read_first(sql::FIND_CLIENT, &[&id.as_str()], read_client).await?;
    Ok(found.map(|client| Client { secrets, ..client }))
}

async fn insert_secret(lane: Lane<'_>, id: &ClientId, secret: &ClientSecret) -> Result<(), StepError> {
    lane.execute(sql::INSERT_SECRET, &[&id.as_str(), &secret.hash.as_slice(), &secret.created_at]).await?;
    Ok(())
}

async fn secrets(lane: Lane<'_>, id: &ClientId) -> Result<Vec<ClientSecret>, StepError> {
    lane.read_all(sql::LIST_SECRETS, &[&id.as_str()], |row| read_secret_at(row, 0)).await
}

fn read_secret_at(row: &Row, first: usize) -> Result<ClientSecret, StepError> {
    Ok(ClientSecret { hash: get_bytes(row, first)?, created_at: get(row, first + 1)? })
}

fn read_client(row: &Row) -> Result<Client, StepError> {
    let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(format!("a client: {error}"));
    Ok(Client {
        id: ClientId::from_stored(get(row, 0)?),
        is_public: get(row, 1)?,
        created_at: get(row, 2)?,
        name: get(row, 3)?,
        grants: words(get(row, 4)?).map(Grant::from_str).collect::<Result<_, _>>().map_err(|error| damaged(&error))?,
        scopes: ScopeSet::parse(get(row, 5)?).map_err(|error| damaged(&error))?,
        audiences: words(get(row, 6)?).map(str::to_owned).collect(),
        access_token_lifetime_s: get(row, 7)?,
        always_refresh: get(row, 8)?,
        disabled: get(row, 9)?,
        keys: ClientKeys::from_stored(get(row, 10)?).map_err(|error| damaged(&error))?,
        secrets: Vec::new(),
    })
}
