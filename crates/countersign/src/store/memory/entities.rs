//! Things and their tokens in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use countersign_token::Subject;

use crate::entity::{Entity, EntityToken, MOST_TOKENS, NewEntityToken};
use crate::session::SessionId;
use crate::store::memory::MemoryStore;
use crate::store::{Declared, EntityStore, StoreError};
use crate::user::UserId;

/// What there is, and the tokens for it.
#[derive(Debug, Default)]
pub(super) struct Things {
    entities: BTreeMap<Subject, Entity>,
    tokens: BTreeMap<SessionId, EntityToken>,
}

impl Things {
    fn live<'a>(&'a self, entity: &'a Subject, now: i64) -> impl Iterator<Item = &'a EntityToken> {
        self.tokens.values().filter(move |token| token.entity == *entity && token.expires_at > now)
    }
}

impl MemoryStore {
    /// Ends the tokens of which this holds, and marks their places; how many there were.
    fn end_tokens(&self, things: &mut Things, is_over: impl Fn(&EntityToken) -> bool) -> usize {
        let ended: Vec<EntityToken> =
            things.tokens.extract_if(.., |_, token| is_over(token)).map(|(_, ended)| ended).collect();
        self.statuses().marks.extend(ended.iter().map(|token| (token.status, token.expires_at)));
        ended.len()
    }

    /// Ends the tokens for all that is this user's.
    pub(super) fn end_all_tokens(&self, owner: UserId) {
        let mut things = self.things();
        let is_theirs = |entity: &&Entity| entity.owner == owner;
        let theirs: BTreeSet<Subject> =
            things.entities.values().filter(is_theirs).map(|entity| entity.subject.clone()).collect();
        self.end_tokens(&mut things, |token| theirs.contains(&token.entity));
    }

    /// Removes all that is this user's.
    pub(super) fn remove_all_things(&self, owner: UserId) {
        self.end_all_tokens(owner);
        self.things().entities.retain(|_, entity| entity.owner != owner);
    }
}

#[async_trait]
impl EntityStore for MemoryStore {
    async fn declare_entity(&self, entity: &Entity) -> Result<Option<Declared>, StoreError> {
        let users = self.users();
        if !users.contains_key(&entity.owner) {
            return Ok(None);
        }
        let mut things = self.things();
        let old = things.entities.get(&entity.subject).cloned();
        let created_at = old.as_ref().map_or(entity.created_at, |old| old.created_at);
        let has_other_owner = old.as_ref().is_some_and(|old| old.owner != entity.owner);
        let ended = self.end_tokens(&mut things, |token| {
            token.entity == entity.subject && (has_other_owner || !entity.permissions.contains_all(&token.permissions))
        });
        let entity = Entity { created_at, ..entity.clone() };
        things.entities.insert(entity.subject.clone(), entity.clone());
        Ok(Some(Declared { entity, is_new: old.is_none(), ended }))
    }

    async fn find_entity(&self, subject: &Subject) -> Result<Option<Entity>, StoreError> {
        Ok(self.things().entities.get(subject).cloned())
    }

    async fn list_entities(
        &self,
        owner: Option<UserId>,
        after: Option<&Subject>,
        limit: usize,
    ) -> Result<Vec<Entity>, StoreError> {
        let things = self.things();
        let wanted = |entity: &&Entity| {
            owner.is_none_or(|owner| entity.owner == owner) && after.is_none_or(|after| entity.subject > *after)
        };
        Ok(things.entities.values().filter(wanted).take(limit).cloned().collect())
    }

    async fn delete_entity(&self, subject: &Subject) -> Result<bool, StoreError> {
        let mut things = self.things();
        self.end_tokens(&mut things, |token| token.entity == *subject);
        Ok(things.entities.remove(subject).is_some())
    }

    async fn mint_entity_token(&self, new: &NewEntityToken) -> Result<bool, StoreError> {
        let NewEntityToken { token, entity, session } = new;
        let (users, sessions, mut things) = (self.users(), self.sessions(), self.things());
        let is_as_checked = things
            .entities
            .get(&entity.subject)
            .is_some_and(|kept| kept.owner == entity.owner && kept.permissions == entity.permissions);
        let is_enabled = users.get(&entity.owner).is_some_and(|entry| !entry.user.disabled);
        let is_logged_in = sessions
            .get(session)
            .is_some_and(|session| session.user == entity.owner && session.expires_at > token.created_at);
        let has_room = things.live(&entity.subject, token.created_at).count() < MOST_TOKENS;
        let may_mint = is_as_checked && is_enabled && is_logged_in && has_room;
        if may_mint {
            things.tokens.insert(token.id, token.clone());
        }
        Ok(may_mint)
    }

    async fn find_entity_token(&self, id: SessionId, now: i64) -> Result<Option<EntityToken>, StoreError> {
        let (users, things) = (self.users(), self.things());
        let token = things.tokens.get(&id).filter(|token| token.expires_at > now);
        let owner = token.and_then(|token| things.entities.get(&token.entity)).map(|entity| entity.owner);
        let is_enabled = owner.and_then(|owner| users.get(&owner)).is_some_and(|entry| !entry.user.disabled);
        Ok(token.filter(|_| is_enabled).cloned())
    }

    async fn list_entity_tokens(&self, entity: &Subject, now: i64) -> Result<Vec<EntityToken>, StoreError> {
        let things = self.things();
        let mut found: Vec<EntityToken> = things.live(entity, now).cloned().collect();
        found.sort_by_key(|token| (std::cmp::Reverse(token.created_at), token.id));
        Ok(found)
    }

    async fn end_entity_token(&self, id: SessionId, entity: Option<&Subject>) -> Result<bool, StoreError> {
        let is_it = |token: &EntityToken| token.id == id && entity.is_none_or(|entity| token.entity == *entity);
        Ok(self.end_tokens(&mut self.things(), is_it) == 1)
    }

    async fn end_entity_tokens(&self, entity: &Subject) -> Result<usize, StoreError> {
        Ok(self.end_tokens(&mut self.things(), |token| token.entity == *entity))
    }

    async fn purge_entity_tokens(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let mut things = self.things();
        let expired = things.tokens.values().filter(|token| token.expires_at <= now).map(|token| token.id);
        let expired: Vec<SessionId> = expired.take(limit).collect();
        for id in &expired {
            things.tokens.remove(id);
        }
        Ok(expired.len())
    }
}
