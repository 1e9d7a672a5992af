//! Sessions in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use countersign_token::ScopeSet;

use crate::client::ClientId;
use crate::session::{NewSession, Refresh, Session, SessionId};
use crate::store::memory::MemoryStore;
use crate::store::{Retry, Rotation, SessionStore, StoreError};
use crate::user::{User, UserId};

#[async_trait]
impl SessionStore for MemoryStore {
    async fn begin_session(&self, new: &NewSession) -> Result<Option<usize>, StoreError> {
        let users = self.users();
        let user = users.get(&new.session.user).map(|entry| &entry.user);
        let is_as_checked = user.is_some_and(|user| !user.disabled && user.generation == new.generation);
        let client = ClientId::from_stored(new.session.client.clone());
        // Held until the session is there: who ends the client's sessions must find it.
        let clients = self.clients();
        let may_ask = client.is_first_party() || clients.get(&client).is_some_and(|client| !client.disabled);
        if !is_as_checked || !may_ask {
            return Ok(None);
        }
        self.sessions().insert(new.session.id, new.session.clone());
        Ok(Some(self.end_least_used(new)))
    }

    async fn find_session(&self, id: SessionId, now: i64) -> Result<Option<(Session, User)>, StoreError> {
        let users = self.users();
        let session = self.sessions().get(&id).filter(|session| session.expires_at > now).cloned();
        Ok(session.and_then(|session| {
            let user = users.get(&session.user)?.user.clone();
            Some((session, user))
        }))
    }

    async fn find_user_of(&self, id: SessionId, now: i64) -> Result<Option<User>, StoreError> {
        Ok(self.find_session(id, now).await?.map(|(_, user)| user))
    }

    async fn find_user_by(
        &self,
        id: SessionId,
        client: &ClientId,
        now: i64,
    ) -> Result<Option<(User, ScopeSet)>, StoreError> {
        let found = self.find_session(id, now).await?.filter(|(session, _)| session.client == client.as_str());
        let scopes = self.clients().get(client).map(|client| client.scopes.clone());
        Ok(found.map(|(_, user)| user).zip(scopes))
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<bool, StoreError> {
        let mut sessions = self.sessions();
        let Some(session) = sessions.get_mut(&rotation.session) else { return Ok(false) };
        let is_good = |refresh: &&mut Refresh| refresh.link == rotation.used && refresh.until > rotation.now;
        let good = session.refresh.as_mut().filter(is_good);
        let is_good = good.is_some();
        if let Some(refresh) = good {
            *refresh = Refresh { ends_at: refresh.ends_at, ..rotation.next.clone() };
            session.last_used_at = rotation.now;
            session.expires_at = rotation.expires_at.max(session.expires_at);
            session.access_until = rotation.access_until.max(session.access_until);
        }
        Ok(is_good)
    }

    async fn note_retry(&self, retry: &Retry) -> Result<bool, StoreError> {
        let mut sessions = self.sessions();
        let Some(session) = sessions.get_mut(&retry.session) else { return Ok(false) };
        let is_good = session.refresh.as_ref().is_some_and(|refresh| refresh.link == retry.current);
        if is_good {
            session.expires_at = retry.expires_at.max(session.expires_at);
            session.access_until = retry.access_until.max(session.access_until);
        }
        Ok(is_good)
    }

    async fn list_sessions(&self, user: Option<UserId>, now: i64, limit: usize) -> Result<Vec<Session>, StoreError> {
        let sessions = self.sessions();
        let wanted = |session: &&Session| session.expires_at > now && user.is_none_or(|user| session.user == user);
        let mut found: Vec<Session> = sessions.values().filter(wanted).cloned().collect();
        found.sort_by_key(|session| (Reverse(session.created_at), session.id));
        found.truncate(limit);
        Ok(found)
    }

    async fn end_session(&self, id: SessionId, user: Option<UserId>) -> Result<bool, StoreError> {
        Ok(self.end_where(|session| session.id == id && user.is_none_or(|user| session.user == user)) == 1)
    }

    async fn end_sessions(&self, user: UserId) -> Result<usize, StoreError> {
        Ok(self.end_all(user))
    }

    async fn purge_sessions(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let mut sessions = self.sessions();
        let expired = sessions.values().filter(|session| session.expires_at <= now).map(|session| session.id);
        let expired: Vec<SessionId> = expired.take(limit).collect();
        for id in &expired {
            sessions.remove(id);
        }
        Ok(expired.len())
    }
}

impl MemoryStore {
    fn end_least_used(&self, new: &NewSession) -> usize {
        let (this, now) = (&new.session, new.session.created_at);
        let sessions = self.sessions();
        let is_other =
            |session: &&Session| session.user == this.user && session.id != this.id && session.expires_at > now;
        let mut others: Vec<_> = sessions.values().filter(is_other).collect();
        others.sort_by_key(|session| {
            (session.refresh.is_none(), Reverse(session.last_used_at), Reverse(session.created_at), session.id)
        });
        let ended: Vec<SessionId> = others.iter().skip(new.most.saturating_sub(1)).map(|session| session.id).collect();
        drop(sessions);
        self.end_where(|session| ended.contains(&session.id))
    }
}
