//! Things and their tokens in PostgreSQL.

use async_trait::async_trait;
use countersign_token::{ScopeSet, Subject};
use tokio_postgres::Row;

use crate::entity::{Entity, EntityToken, MOST_TOKENS, NewEntityToken};
use crate::session::SessionId;
use crate::status::{StatusListId, StatusPlace};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{Lane, StepError, get, get_bytes, in_turn};
use crate::store::postgres::ending::end;
use crate::store::postgres::sql::{
    DECLARE_NEW_ENTITY, END_ENTITY_TOKEN, END_ENTITY_TOKENS, END_ENTITY_TOKENS_OF_OWNER, KEEP_USER, LOCK_ENTITY,
    PURGE_ENTITY_TOKENS, SHARE_SESSION, SHARE_USER,
};
use crate::store::{Declared, EntityStore, StoreError, sql};
use crate::user::UserId;

#[async_trait]
impl EntityStore for PostgresStore {
    async fn declare_entity(&self, entity: &Entity) -> Result<Option<Declared>, StoreError> {
        in_turn(|| self.try_declare(entity)).await
    }

    async fn find_entity(&self, subject: &Subject) -> Result<Option<Entity>, StoreError> {
        Ok(find(self.turn().await?.lane(), subject).await?)
    }

    async fn list_entities(
        &self,
        owner: Option<UserId>,
        after: Option<&Subject>,
        limit: usize,
    ) -> Result<Vec<Entity>, StoreError> {
        // Every subject is greater than the empty text.
        let after = after.map(Subject::as_str).unwrap_or_default();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let turn = self.turn().await?;
        Ok(match owner {
            Some(owner) => {
                let owner = owner.as_bytes().as_slice();
                turn.lane().read_all(sql::LIST_ENTITIES_OF, &[&after, &owner, &limit], read).await?
            }
            None => turn.lane().read_all(sql::LIST_ENTITIES, &[&after, &limit], read).await?,
        })
    }

    async fn delete_entity(&self, subject: &Subject) -> Result<bool, StoreError> {
        in_turn(|| self.try_delete_entity(subject)).await
    }

    async fn mint_entity_token(&self, new: &NewEntityToken) -> Result<bool, StoreError> {
        in_turn(|| self.try_mint(new)).await
    }

    async fn find_entity_token(&self, id: SessionId, now: i64) -> Result<Option<EntityToken>, StoreError> {
        let turn = self.turn().await?;
        Ok(turn.lane().read_first(sql::FIND_ENTITY_TOKEN, &[&id.as_bytes().as_slice(), &now], read_token).await?)
    }

    async fn list_entity_tokens(&self, entity: &Subject, now: i64) -> Result<Vec<EntityToken>, StoreError> {
        let turn = self.turn().await?;
        Ok(turn.lane().read_all(sql::LIST_ENTITY_TOKENS, &[&entity.as_str(), &now], read_token).await?)
    }

    async fn end_entity_token(&self, id: SessionId, entity: Option<&Subject>) -> Result<bool, StoreError> {
        in_turn(|| async move { end_token(self.turn().await?.lane(), id, entity).await }).await
    }

    async fn end_entity_tokens(&self, entity: &Subject) -> Result<usize, StoreError> {
        in_turn(|| async move { end_tokens(self.turn().await?.lane(), entity).await }).await
    }

    async fn purge_entity_tokens(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let purged = self.turn().await?.lane().execute(PURGE_ENTITY_TOKENS, &[&now, &limit]).await?;
        Ok(usize::try_from(purged).unwrap_or(usize::MAX))
    }
}

impl PostgresStore {
    async fn try_declare(&self, entity: &Entity) -> Result<Option<Declared>, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        let owner = entity.owner.as_bytes().as_slice();
        let (subject, permissions) = (entity.subject.as_str(), entity.permissions.to_string());
        if !lane.exists(KEEP_USER, &[&owner]).await? {
            return Ok(None);
        }
        if lane.changes_one(DECLARE_NEW_ENTITY, &[&subject, &permissions, &entity.created_at, &owner]).await? {
            transaction.commit().await?;
            return Ok(Some(Declared { entity: entity.clone(), is_new: true, ended: 0 }));
        }
        lane.exists(LOCK_ENTITY, &[&subject]).await?;
        let Some(old) = find(lane, &entity.subject).await? else {
            return Err(StepError::Again("a thing went at the same moment".to_owned()));
        };
        lane.execute(sql::DECLARE_ENTITY, &[&subject, &permissions, &entity.created_at, &owner]).await?;
        let ended = if old.owner == entity.owner {
            end_wider_tokens(lane, entity).await?
        } else {
            end_tokens(lane, &entity.subject).await?
        };
        transaction.commit().await?;
        let entity = Entity { created_at: old.created_at, ..entity.clone() };
        Ok(Some(Declared { entity, is_new: false, ended }))
    }

    async fn try_delete_entity(&self, subject: &Subject) -> Result<bool, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        lane.exists(LOCK_ENTITY, &[&subject.as_str()]).await?;
        end_tokens(lane, subject).await?;
        let is_deleted = lane.changes_one(sql::DELETE_ENTITY, &[&subject.as_str()]).await?;
        transaction.commit().await?;
        Ok(is_deleted)
    }

    /// What the token rests on is held while its conditions are looked at: it stays as it was until the token is there.
    async fn try_mint(&self, new: &NewEntityToken) -> Result<bool, StepError> {
        let NewEntityToken { token, entity, session } = new;
        let (owner, session) = (entity.owner.as_bytes().as_slice(), session.as_bytes().as_slice());
        let most = i64::try_from(MOST_TOKENS).unwrap_or(i64::MAX);
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        lane.exists(SHARE_USER, &[&owner]).await?;
        lane.exists(LOCK_ENTITY, &[&entity.subject.as_str()]).await?;
        lane.exists(SHARE_SESSION, &[&session]).await?;
        let is_minted = lane
            .changes_one(
                sql::MINT_ENTITY_TOKEN,
                &[
                    &token.id.as_bytes().as_slice(),
                    &token.name,
                    &token.permissions.to_string(),
                    &token.created_at,
                    &token.expires_at,
                    &token.status.list.as_bytes().as_slice(),
                    &i32::from(token.status.index),
                    &entity.subject.as_str(),
                    &owner,
                    &entity.permissions.to_string(),
                    &session,
                    &most,
                ],
            )
            .await?;
        transaction.commit().await?;
        Ok(is_minted)
    }
}

/// Ends the tokens for all that is a user's, in the step of what voids them.
pub(super) async fn end_tokens_of_owner(lane: Lane<'_>, owner: UserId) -> Result<(), StepError> {
    end(lane, END_ENTITY_TOKENS_OF_OWNER, &[&owner.as_bytes().as_slice()]).await.map(drop)
}

async fn end_tokens(lane: Lane<'_>, entity: &Subject) -> Result<usize, StepError> {
    end(lane, END_ENTITY_TOKENS, &[&entity.as_str()]).await
}

async fn end_token(lane: Lane<'_>, id: SessionId, entity: Option<&Subject>) -> Result<bool, StepError> {
    Ok(end(lane, END_ENTITY_TOKEN, &[&id.as_bytes().as_slice(), &entity.map(Subject::as_str)]).await? == 1)
}

/// Ends the tokens that carry more than the thing has now. Which those are, no SQL says: permissions are kept as one text.
async fn end_wider_tokens(lane: Lane<'_>, entity: &Entity) -> Result<usize, StepError> {
    // Expired ones as well: nobody looks whether a token is over before it is void.
    let tokens = lane.read_all(sql::LIST_ENTITY_TOKENS, &[&entity.subject.as_str(), &i64::MIN], read_token).await?;
    let mut ended = 0;
    for token in tokens.iter().filter(|token| !entity.permissions.contains_all(&token.permissions)) {
        ended += usize::from(end_token(lane, token.id, Some(&entity.subject)).await?);
    }
    Ok(ended)
}

async fn find(lane: Lane<'_>, subject: &Subject) -> Result<Option<Entity>, StepError> {
    lane.read_first(sql::FIND_ENTITY, &[&subject.as_str()], read).await
}

fn read(row: &Row) -> Result<Entity, StepError> {
    Ok(Entity {
        subject: subject(row, 0)?,
        owner: UserId::from_bytes(get_bytes(row, 1)?),
        permissions: permissions(row, 2)?,
        created_at: get(row, 3)?,
    })
}

fn read_token(row: &Row) -> Result<EntityToken, StepError> {
    let index: i32 = get(row, 7)?;
    let index = u16::try_from(index).map_err(|error| StoreError::Damaged(format!("a token for a thing: {error}")))?;
    Ok(EntityToken {
        id: SessionId::from_bytes(get_bytes(row, 0)?),
        entity: subject(row, 1)?,
        name: get(row, 2)?,
        permissions: permissions(row, 3)?,
        created_at: get(row, 4)?,
        expires_at: get(row, 5)?,
        status: StatusPlace { list: StatusListId::from_bytes(get_bytes(row, 6)?), index },
    })
}

fn subject(row: &Row, column: usize) -> Result<Subject, StepError> {
    let text: &str = get(row, column)?;
    text.parse().map_err(|error| StoreError::Damaged(format!("the subject of a thing: {error}")).into())
}

fn permissions(row: &Row, column: usize) -> Result<ScopeSet, StepError> {
    let text: &str = get(row, column)?;
    ScopeSet::parse(text).map_err(|error| StoreError::Damaged(format!("permissions of a thing: {error}")).into())
}
