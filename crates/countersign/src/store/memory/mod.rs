//! A store in memory: nothing outlives the process. For tests, and for programs that bring their users along.

mod sessions;
mod statuses;
mod clients;
mod entities;
mod throttles;
mod keys;
mod audit;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use countersign_password::PasswordHash;

use crate::audit::{AuditId, AuditRecord};
use crate::client::{Client, ClientId};
use crate::import::Newcomer;
use crate::session::{Session, SessionId};
use crate::status::{StatusListId, StatusPlace};
use crate::store::memory::entities::Things;
use crate::store::taking_over::{Engine, take_over};
use crate::store::{HashRecord, HealthCheck, Imported, SigningKeyRecord, StoreError, UserPage, UserQuery, UserStore};
use crate::throttle::{Counter, CounterKey};
use crate::user::{Credentials, EmailAddress, Login, NewUser, User, UserChange, UserId, Username};

/// Keeps everything in memory, behind one lock that is never held across an await.
#[derive(Debug, Default)]
pub struct MemoryStore {
    users: Mutex<BTreeMap<UserId, Entry>>,
    /// Locked after the users where both are: a session ends with what it rests on.
    sessions: Mutex<BTreeMap<SessionId, Session>>,
    /// Locked after the sessions and the things: a place is marked with the end of what it is of.
    statuses: Mutex<Statuses>,
    clients: Mutex<BTreeMap<ClientId, Client>>,
    /// Locked after the users and the sessions where they are as well.
    things: Mutex<Things>,
    /// Until when the assertions that were used are remembered, by client and the hash of their ids.
    assertions: Mutex<BTreeMap<(ClientId, [u8; 32]), i64>>,
    counters: Mutex<BTreeMap<CounterKey, Counter>>,
    keys: Mutex<Vec<SigningKeyRecord>>,
    audit: Mutex<BTreeMap<AuditId, AuditRecord>>,
}

/// Until when each list is known, and until when each mark counts.
#[derive(Debug, Default)]
struct Statuses {
    lists: BTreeMap<StatusListId, i64>,
    marks: BTreeMap<StatusPlace, i64>,
}

#[derive(Debug)]
struct Entry {
    user: User,
    skeleton: String,
    password_hash: Option<PasswordHash>,
    upgraded_from: Option<String>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn users(&self) -> MutexGuard<'_, BTreeMap<UserId, Entry>> {
        // Nothing under the lock leaves a change half done, so what a panicking holder left is whole.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<SessionId, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn statuses(&self) -> MutexGuard<'_, Statuses> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_all(&self, user: UserId) -> usize {
        self.end_where(|session| session.user == user)
    }

    /// Ends the sessions of which this holds, and marks their places; how many there were.
    fn end_where(&self, is_over: impl Fn(&Session) -> bool) -> usize {
        let mut sessions = self.sessions();
        let ended: Vec<Session> =
            sessions.extract_if(.., |_, session| is_over(session)).map(|(_, ended)| ended).collect();
        let marks = ended.iter().filter_map(|session| Some((session.status?, session.access_until)));
        self.statuses().marks.extend(marks);
        ended.len()
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<ClientId, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn assertions(&self) -> MutexGuard<'_, BTreeMap<(ClientId, [u8; 32]), i64>> {
        self.assertions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_all_of_client(&self, client: &ClientId) {
        self.end_where(|session| session.client == client.as_str());
    }

    fn things(&self) -> MutexGuard<'_, Things> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counters(&self) -> MutexGuard<'_, BTreeMap<CounterKey, Counter>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, Vec<SigningKeyRecord>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn audit(&self) -> MutexGuard<'_, BTreeMap<AuditId, AuditRecord>> {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn to_credentials(&self) -> Credentials {
        Credentials { user: self.user.clone(), password_hash: self.password_hash.clone() }
    }

    fn set_password(&mut self, new: &PasswordHash, now: i64) {
        self.password_hash = Some(new.clone());
        self.upgraded_from = None;
        self.user.updated_at = now;
        self.user.generation += 1;
    }
}

fn insert(users: &mut BTreeMap<UserId, Entry>, new: &NewUser) -> Result<User, StoreError> {
    if users.contains_key(&new.id) {
        return Err(StoreError::IdTaken);
    }
    let user = new.to_user();
    let skeleton = user.username.skeleton();
    check_unique(&user, &skeleton, users.values())?;
    let password_hash = new.password_hash.clone();
    users.insert(new.id, Entry { user: user.clone(), skeleton, password_hash, upgraded_from: None });
    Ok(user)
}

fn find<'a>(users: &'a BTreeMap<UserId, Entry>, login: &Login) -> Option<&'a Entry> {
    users.values().find(|entry| match login {
        Login::Username(username) => entry.user.username == *username,
        Login::EmailAddress(email) => is_at(&entry.user, email),
        Login::Nobody => false,
    })
}

/// The user with this id, if the stored hash is `expected`.
fn holder_of<'a>(users: &'a mut BTreeMap<UserId, Entry>, id: UserId, expected: &PasswordHash) -> Option<&'a mut Entry> {
    users.get_mut(&id).filter(|entry| entry.password_hash.as_ref() == Some(expected))
}

/// Fails if `user` collides with any of `others`.
fn check_unique<'a>(
    user: &User,
    skeleton: &str,
    others: impl Iterator<Item = &'a Entry> + Clone,
) -> Result<(), StoreError> {
    if others.clone().any(|other| other.user.username == user.username) {
        return Err(StoreError::UsernameTaken);
    }
    if let Some(other) = others.clone().find(|other| other.skeleton == skeleton) {
        return Err(StoreError::UsernameConfusable { existing: other.user.username.clone() });
    }
    let Some(email) = &user.email else { return Ok(()) };
    if others.into_iter().any(|other| is_at(&other.user, email)) {
        return Err(StoreError::EmailTaken);
    }
    Ok(())
}

fn is_at(user: &User, email: &EmailAddress) -> bool {
    user.email.as_ref().is_some_and(|own| own.canonical() == email.canonical())
}

impl Engine for BTreeMap<UserId, Entry> {
    fn insert(&mut self, new: &NewUser) -> Result<(), StoreError> {
        insert(self, new).map(drop)
    }

    fn find(&mut self, login: Login) -> Result<Option<User>, StoreError> {
        Ok(find(self, &login).map(|entry| entry.user.clone()))
    }

    fn is_free(&mut self, name: &Username) -> Result<bool, StoreError> {
        let skeleton = name.skeleton();
        Ok(!self.values().any(|entry| entry.user.username == *name || entry.skeleton == skeleton))
    }
}

#[async_trait]
impl UserStore for MemoryStore {
    async fn insert(&self, new: &NewUser) -> Result<User, StoreError> {
        insert(&mut self.users(), new)
    }

    async fn import(&self, newcomers: &[Newcomer]) -> Result<Vec<Imported>, StoreError> {
        let mut users = self.users();
        newcomers.iter().map(|new| take_over(&mut *users, new)).collect()
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.users().get(&id).map(|entry| entry.user.clone()))
    }

    async fn find_credentials(&self, login: &Login) -> Result<Option<Credentials>, StoreError> {
        Ok(find(&self.users(), login).map(Entry::to_credentials))
    }

    async fn find_credentials_by_id(&self, id: UserId) -> Result<Option<Credentials>, StoreError> {
        Ok(self.users().get(&id).map(Entry::to_credentials))
    }

    async fn list(&self, query: &UserQuery) -> Result<UserPage, StoreError> {
        let users = self.users();
        let found = users
            .values()
            .map(|entry| &entry.user)
            .filter(|user| query.after_id().is_none_or(|after| user.id > after))
            .filter(|user| query.search_text().is_none_or(|text| text.matches(user)))
            .take(query.page_limit() + 1)
            .cloned()
            .collect();
        Ok(UserPage::from_one_more(found, query.page_limit()))
    }

    async fn list_hashes(&self, after: Option<UserId>, limit: usize) -> Result<Vec<HashRecord>, StoreError> {
        let users = self.users();
        let later = users.iter().filter(|(id, _)| after.is_none_or(|after| **id > after)).take(limit);
        let record = |(id, entry): (&UserId, &Entry)| HashRecord {
            id: *id,
            hash: entry.password_hash.clone().map(Ok),
            upgraded_from: entry.upgraded_from.clone(),
        };
        Ok(later.map(record).collect())
    }

    async fn update(&self, id: UserId, change: &UserChange, now: i64) -> Result<Option<User>, StoreError> {
        let mut users = self.users();
        let Some(entry) = users.get(&id) else { return Ok(None) };
        let changed = change.apply_to(&entry.user, now);
        let skeleton = changed.username.skeleton();
        check_unique(&changed, &skeleton, users.values().filter(|other| other.user.id != id))?;
        if let Some(entry) = users.get_mut(&id) {
            entry.user = changed.clone();
            entry.skeleton = skeleton;
        }
        if changed.disabled {
            self.end_all(id);
            self.end_all_tokens(id);
        }
        Ok(Some(changed))
    }

    async fn replace_password_hash(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let mut users = self.users();
        let Some(entry) = holder_of(&mut users, id, expected) else { return Ok(false) };
        entry.password_hash = Some(new.clone());
        entry.upgraded_from.get_or_insert_with(|| expected.scheme().to_string());
        Ok(true)
    }

    async fn change_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut users = self.users();
        let Some(entry) = holder_of(&mut users, id, expected) else { return Ok(false) };
        entry.set_password(new, now);
        self.end_all(id);
        Ok(true)
    }

    async fn set_password(&self, id: UserId, new: &PasswordHash, now: i64) -> Result<bool, StoreError> {
        let mut users = self.users();
        let Some(entry) = users.get_mut(&id) else { return Ok(false) };
        entry.set_password(new, now);
        self.end_all(id);
        Ok(true)
    }

    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        let mut users = self.users();
        self.end_all(id);
        self.remove_all_things(id);
        Ok(users.remove(&id).is_some())
    }
}

#[async_trait]
impl HealthCheck for MemoryStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{AuditStore, KeyStore, conformance};

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_keeps_users_as_the_suite_demands() {
        conformance::check_user_store(async || Arc::new(MemoryStore::new()) as Arc<dyn UserStore>).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_keeps_sessions_as_the_suite_demands() {
        conformance::check_session_store(async || Arc::new(MemoryStore::new())).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_keeps_statuses_as_the_suite_demands() {
        conformance::check_status_store(async || Arc::new(MemoryStore::new())).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_keeps_clients_as_the_suite_demands() {
        conformance::check_client_store(async || Arc::new(MemoryStore::new())).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_keeps_things_as_the_suite_demands() {
        conformance::check_entity_store(async || Arc::new(MemoryStore::new())).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_keeps_counters_as_the_suite_demands() {
        conformance::check_throttle_store(async || Arc::new(MemoryStore::new())).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_keeps_the_audit_log_as_the_suite_demands() {
        conformance::check_audit_store(async || Arc::new(MemoryStore::new()) as Arc<dyn AuditStore>).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_keeps_keys_as_the_suite_demands() {
        conformance::check_key_store(async || Arc::new(MemoryStore::new()) as Arc<dyn KeyStore>).await;
    }
}
