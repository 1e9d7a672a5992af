//! Clients in memory.

use async_trait::async_trait;

use crate::client::{Client, ClientChange, ClientId, ClientSecret, MOST_SECRETS};
use crate::store::memory::MemoryStore;
use crate::store::{ClientStore, StoreError};

#[async_trait]
impl ClientStore for MemoryStore {
    async fn insert_client(&self, client: &Client) -> Result<bool, StoreError> {
        let mut clients = self.clients();
        let is_new = !clients.contains_key(&client.id);
        if is_new {
            let mut client = client.clone();
            oldest_first(&mut client.secrets);
            clients.insert(client.id.clone(), client);
        }
        Ok(is_new)
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        Ok(self.clients().get(id).cloned())
    }

    async fn list_clients(&self) -> Result<Vec<Client>, StoreError> {
        Ok(self.clients().values().cloned().collect())
    }

    async fn update_client(&self, id: &ClientId, change: &ClientChange) -> Result<Option<Client>, StoreError> {
        let mut clients = self.clients();
        let Some(kept) = clients.get_mut(id) else { return Ok(None) };
        *kept = change.apply_to(kept);
        if kept.disabled {
            self.end_all_of_client(id);
        }
        Ok(Some(kept.clone()))
    }

    async fn add_secret(&self, id: &ClientId, secret: &ClientSecret) -> Result<bool, StoreError> {
        let mut clients = self.clients();
        let kept = clients.get_mut(id).filter(|client| client.secrets.len() < MOST_SECRETS);
        let Some(client) = kept else { return Ok(false) };
        client.secrets.push(secret.clone());
        oldest_first(&mut client.secrets);
        Ok(true)
    }

    async fn remove_secret(&self, id: &ClientId, hash: &[u8; 32]) -> Result<bool, StoreError> {
        let mut clients = self.clients();
        let can_spare = |client: &Client| client.secrets.len() > 1 || !client.keys.is_empty();
        let Some(client) = clients.get_mut(id).filter(|client| can_spare(client)) else { return Ok(false) };
        let before = client.secrets.len();
        client.secrets.retain(|secret| secret.hash != *hash);
        Ok(client.secrets.len() < before)
    }

    async fn use_assertion(
        &self,
        client: &ClientId,
        hash: &[u8; 32],
        expires_at: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut assertions = self.assertions();
        let key = (client.clone(), *hash);
        if assertions.get(&key).is_some_and(|until| *until > now) {
            return Ok(false);
        }
        assertions.insert(key, expires_at);
        Ok(true)
    }

    async fn purge_assertions(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let mut assertions = self.assertions();
        let expired: Vec<_> =
            assertions.iter().filter(|(_, until)| **until <= now).map(|(key, _)| key.clone()).take(limit).collect();
        for key in &expired {
            assertions.remove(key);
        }
        Ok(expired.len())
    }

    async fn delete_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        let mut clients = self.clients();
        let is_removed = clients.remove(id).is_some();
        if is_removed {
            self.end_all_of_client(id);
        }
        Ok(is_removed)
    }
}

fn oldest_first(secrets: &mut [ClientSecret]) {
    secrets.sort_by_key(|secret| (secret.created_at, secret.hash));
}
