//! Signing keys in memory.

use async_trait::async_trait;

use crate::store::memory::MemoryStore;
use crate::store::{KeyState, KeyStore, SigningKeyRecord, StoreError};

#[async_trait]
impl KeyStore for MemoryStore {
    async fn insert_key(&self, key: &SigningKeyRecord) -> Result<bool, StoreError> {
        Ok(insert(&mut self.keys(), key))
    }

    async fn list_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        let mut keys = self.keys().clone();
        keys.sort_by(|a, b| (a.created_at, &a.kid).cmp(&(b.created_at, &b.kid)));
        Ok(keys)
    }

    async fn promote_key(&self, next: &str, active: &str, now: i64) -> Result<bool, StoreError> {
        let mut keys = self.keys();
        let place = |kid: &str, state| keys.iter().position(|key| key.kid == kid && key.state == state);
        let (Some(coming), Some(going)) = (place(next, KeyState::Next), place(active, KeyState::Active)) else {
            return Ok(false);
        };
        for (place, state) in [(going, KeyState::Retiring), (coming, KeyState::Active)] {
            if let Some(key) = keys.get_mut(place) {
                (key.state, key.since) = (state, now);
            }
        }
        Ok(true)
    }

    async fn remove_key(&self, kid: &str, substitute: Option<&SigningKeyRecord>) -> Result<bool, StoreError> {
        let mut keys = self.keys();
        let Some(place) = keys.iter().position(|key| key.kid == kid) else { return Ok(false) };
        let is_active = keys.get(place).is_some_and(|key| key.state == KeyState::Active);
        match (is_active, substitute) {
            (true, None) => Ok(false),
            (true, Some(substitute)) => {
                keys.remove(place);
                Ok(insert(&mut keys, substitute))
            }
            (false, _) => {
                keys.remove(place);
                Ok(true)
            }
        }
    }
}

fn insert(keys: &mut Vec<SigningKeyRecord>, key: &SigningKeyRecord) -> bool {
    let is_single = key.state != KeyState::Retiring;
    if keys.iter().any(|kept| kept.kid == key.kid || (is_single && kept.state == key.state)) {
        return false;
    }
    keys.push(key.clone());
    true
}
