//! What a store of clients promises.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::client::{Client, ClientChange, ClientId, ClientSecret, Grant};
use crate::store::StoreError;

/// Keeps clients. Disabling or deleting one ends its sessions in the same step.
#[async_trait]
pub trait ClientStore: Send + Sync + 'static {
    /// Registers a client, with its secrets; `false` if the id is taken.
    async fn insert_client(&self, client: &Client) -> Result<bool, StoreError>;

    /// The client of this id.
    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError>;

    /// All clients, by id.
    async fn list_clients(&self) -> Result<Vec<Client>, StoreError>;

    /// Changes a client and returns the new state; `None` if there is none.
    async fn update_client(&self, id: &ClientId, change: &ClientChange) -> Result<Option<Client>, StoreError>;

    /// Adds a secret, unless there are [`MOST_SECRETS`](crate::client::MOST_SECRETS) already; `false` if there are, or no such client.
    async fn add_secret(&self, id: &ClientId, secret: &ClientSecret) -> Result<bool, StoreError>;

    /// Removes the secret of this hash, unless it is the last of a client without keys; `false` if it is, or there is none.
    async fn remove_secret(&self, id: &ClientId, hash: &[u8; 32]) -> Result<bool, StoreError>;

    /// Keeps, until it expires, that an assertion of this client was used: `hash` is the SHA-256 of its `jti`. `false`, and nothing is
    /// changed, if one that has not expired at `now` is kept already; of several at once exactly one gets `true`.
    async fn use_assertion(
        &self,
        client: &ClientId,
        hash: &[u8; 32],
        expires_at: i64,
        now: i64,
    ) -> Result<bool, StoreError>;

    /// Forgets at most `limit` assertions that have expired at `now`; how many there were.
    async fn purge_assertions(&self, now: i64, limit: usize) -> Result<usize, StoreError>;

    /// Removes a client for good; `false` if there is none.
    async fn delete_client(&self, id: &ClientId) -> Result<bool, StoreError>;
}

/// Lists are kept as texts, parted by spaces.
pub(super) fn grants_text(grants: &BTreeSet<Grant>) -> String {
    grants.iter().map(|grant| grant.name()).collect::<Vec<_>>().join(" ")
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}
