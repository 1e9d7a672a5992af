//! Clients in SQLite.

use std::str::FromStr as _;

use async_trait::async_trait;
use countersign_token::ScopeSet;
use rusqlite::{Connection, Row, Transaction, params};

use crate::client::{Client, ClientChange, ClientId, ClientKeys, ClientSecret, Grant, MOST_SECRETS};
use crate::store::client_store::{grants_text, words};
use crate::store::sqlite::connection::JobError;
use crate::store::sqlite::ending::end_sessions_of_client;
use crate::store::sqlite::{SqliteStore, sql};
use crate::store::{ClientStore, StoreError};

#[async_trait]
impl ClientStore for SqliteStore {
    async fn insert_client(&self, client: &Client) -> Result<bool, StoreError> {
        let client = client.clone();
        self.write(move |transaction| {
            let is_new = transaction.prepare_cached(sql::INSERT_CLIENT)?.execute(params![
                client.id.as_str(),
                client.is_public,
                client.created_at,
                client.name,
                grants_text(&client.grants),
                client.scopes.to_string(),
                client.audiences.join(" "),
                client.access_token_lifetime_s,
                client.always_refresh,
                client.disabled,
                client.keys.to_stored(),
            ])? == 1;
            for secret in client.secrets.iter().filter(|_| is_new) {
                insert_secret(transaction, &client.id, secret)?;
            }
            Ok(is_new)
        })
        .await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let id = id.clone();
        self.look_up(move |connection| find(connection, &id)).await
    }

    async fn list_clients(&self) -> Result<Vec<Client>, StoreError> {
        self.listing(move |connection| {
            let mut statement = connection.prepare_cached(sql::LIST_CLIENTS)?;
            let clients: Result<Vec<Client>, JobError> = statement.query_and_then([], read)?.collect();
            clients?.into_iter().map(|client| with_secrets(connection, client)).collect()
        })
        .await
    }

    async fn update_client(&self, id: &ClientId, change: &ClientChange) -> Result<Option<Client>, StoreError> {
        let (id, change) = (id.clone(), change.clone());
        self.write(move |transaction| {
            let Some(kept) = find(transaction, &id)? else { return Ok(None) };
            let client = change.apply_to(&kept);
            transaction.prepare_cached(sql::UPDATE_CLIENT)?.execute(params![
                client.name,
                grants_text(&client.grants),
                client.scopes.to_string(),
                client.audiences.join(" "),
                client.access_token_lifetime_s,
                client.always_refresh,
                client.disabled,
                client.keys.to_stored(),
                client.id.as_str(),
            ])?;
            if client.disabled {
                end_sessions_of_client(transaction, &client.id)?;
            }
            Ok(Some(client))
        })
        .await
    }

    async fn add_secret(&self, id: &ClientId, secret: &ClientSecret) -> Result<bool, StoreError> {
        let (id, secret) = (id.clone(), secret.clone());
        self.write(move |transaction| {
            let is_there = transaction.prepare_cached(sql::FIND_CLIENT)?.exists([id.as_str()])?;
            let may_have = is_there && secrets(transaction, &id)?.len() < MOST_SECRETS;
            if may_have {
                insert_secret(transaction, &id, &secret)?;
            }
            Ok(may_have)
        })
        .await
    }

    async fn remove_secret(&self, id: &ClientId, hash: &[u8; 32]) -> Result<bool, StoreError> {
        let (id, hash) = (id.clone(), *hash);
        self.write(move |transaction| {
            let can_spare = |client: Client| client.secrets.len() > 1 || !client.keys.is_empty();
            let remove = || transaction.prepare_cached(sql::REMOVE_SECRET)?.execute(params![id.as_str(), hash]);
            Ok(find(transaction, &id)?.is_some_and(can_spare) && remove()? == 1)
        })
        .await
    }

    async fn use_assertion(
        &self,
        client: &ClientId,
        hash: &[u8; 32],
        expires_at: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        let (client, hash) = (client.clone(), *hash);
        self.write(move |transaction| {
            let values = params![client.as_str(), hash, expires_at, now];
            Ok(transaction.prepare_cached(sql::USE_ASSERTION)?.execute(values)? == 1)
        })
        .await
    }

    async fn purge_assertions(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write(move |transaction| {
            Ok(transaction.prepare_cached(sql::PURGE_ASSERTIONS)?.execute(params![now, limit])?)
        })
        .await
    }

    async fn delete_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |transaction| {
            end_sessions_of_client(transaction, &id)?;
            Ok(transaction.prepare_cached(sql::DELETE_CLIENT)?.execute([id.as_str()])? == 1)
        })
        .await
    }
}

/// The secrets are read also where there is no client, so that the time does not tell which ids there are (S-037).
fn find(connection: &Connection, id: &ClientId) -> Result<Option<Client>, JobError> {
    let secrets = secrets(connection, id)?;
    let mut statement = connection.prepare_cached(sql::FIND_CLIENT)?;
    let found = statement.query_and_then([id.as_str()], read)?.next().transpose()?;
    Ok(found.map(|client| Client { secrets, ..client }))
}

fn insert_secret(transaction: &Transaction<'_>, id: &ClientId, secret: &ClientSecret) -> Result<(), JobError> {
    let values = params![id.as_str(), secret.hash, secret.created_at];
    transaction.prepare_cached(sql::INSERT_SECRET)?.execute(values)?;
    Ok(())
}

fn secrets(connection: &Connection, id: &ClientId) -> Result<Vec<ClientSecret>, JobError> {
    let read = |row: &Row<'_>| Ok(ClientSecret { hash: row.get(0)?, created_at: row.get(1)? });
    connection.prepare_cached(sql::LIST_SECRETS)?.query_and_then([id.as_str()], read)?.collect()
}

fn with_secrets(connection: &Connection, client: Client) -> Result<Client, JobError> {
    Ok(Client { secrets: secrets(connection, &client.id)?, ..client })
}

fn read(row: &Row<'_>) -> Result<Client, JobError> {
    let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(format!("a client: {error}"));
    let (grants, scopes, audiences): (String, String, String) = (row.get(4)?, row.get(5)?, row.get(6)?);
    let keys: Option<String> = row.get(10)?;
    Ok(Client {
        id: ClientId::from_stored(row.get(0)?),
        is_public: row.get(1)?,
        created_at: row.get(2)?,
        name: row.get(3)?,
        grants: words(&grants).map(Grant::from_str).collect::<Result<_, _>>().map_err(|error| damaged(&error))?,
        scopes: ScopeSet::parse(&scopes).map_err(|error| damaged(&error))?,
        audiences: words(&audiences).map(str::to_owned).collect(),
        access_token_lifetime_s: row.get(7)?,
        always_refresh: row.get(8)?,
        disabled: row.get(9)?,
        secrets: Vec::new(),
        keys: ClientKeys::from_stored(keys.as_deref()).map_err(|error| damaged(&error))?,
    })
}
