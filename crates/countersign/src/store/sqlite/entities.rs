//! Things and their tokens in SQLite.

use async_trait::async_trait;
use countersign_token::{ScopeSet, Subject};
use rusqlite::{Connection, Params, Row, Transaction, params};

use crate::entity::{Entity, EntityToken, MOST_TOKENS, NewEntityToken};
use crate::session::SessionId;
use crate::status::{StatusListId, StatusPlace};
use crate::store::sqlite::connection::JobError;
use crate::store::sqlite::ending::end;
use crate::store::sqlite::{SqliteStore, sql};
use crate::store::{Declared, EntityStore, StoreError};
use crate::user::UserId;

#[async_trait]
impl EntityStore for SqliteStore {
    async fn declare_entity(&self, entity: &Entity) -> Result<Option<Declared>, StoreError> {
        let entity = entity.clone();
        self.write(move |transaction| declare(transaction, entity)).await
    }

    async fn find_entity(&self, subject: &Subject) -> Result<Option<Entity>, StoreError> {
        let subject = subject.clone();
        self.look_up(move |connection| find(connection, &subject)).await
    }

    async fn list_entities(
        &self,
        owner: Option<UserId>,
        after: Option<&Subject>,
        limit: usize,
    ) -> Result<Vec<Entity>, StoreError> {
        // Every subject is greater than the empty text.
        let after = after.map(|subject| subject.as_str().to_owned()).unwrap_or_default();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.listing(move |connection| match owner {
            Some(owner) => list(connection, sql::LIST_ENTITIES_OF, params![after, owner.as_bytes(), limit]),
            None => list(connection, sql::LIST_ENTITIES, params![after, limit]),
        })
        .await
    }

    async fn delete_entity(&self, subject: &Subject) -> Result<bool, StoreError> {
        let subject = subject.clone();
        self.write(move |transaction| {
            end_tokens(transaction, &subject)?;
            Ok(transaction.prepare_cached(sql::DELETE_ENTITY)?.execute([subject.as_str()])? == 1)
        })
        .await
    }

    async fn mint_entity_token(&self, new: &NewEntityToken) -> Result<bool, StoreError> {
        let NewEntityToken { token, entity, session } = new.clone();
        let most = i64::try_from(MOST_TOKENS).unwrap_or(i64::MAX);
        self.write(move |transaction| {
            let minted = transaction.prepare_cached(sql::MINT_ENTITY_TOKEN)?.execute(params![
                token.id.as_bytes(),
                token.name,
                token.permissions.to_string(),
                token.created_at,
                token.expires_at,
                token.status.list.as_bytes(),
                token.status.index,
                entity.subject.as_str(),
                entity.owner.as_bytes(),
                entity.permissions.to_string(),
                session.as_bytes(),
                most,
            ])?;
            Ok(minted == 1)
        })
        .await
    }

    async fn find_entity_token(&self, id: SessionId, now: i64) -> Result<Option<EntityToken>, StoreError> {
        self.look_up(move |connection| {
            let mut statement = connection.prepare_cached(sql::FIND_ENTITY_TOKEN)?;
            statement.query_and_then(params![id.as_bytes(), now], read_token)?.next().transpose()
        })
        .await
    }

    async fn list_entity_tokens(&self, entity: &Subject, now: i64) -> Result<Vec<EntityToken>, StoreError> {
        let entity = entity.clone();
        self.look_up(move |connection| {
            let mut statement = connection.prepare_cached(sql::LIST_ENTITY_TOKENS)?;
            statement.query_and_then(params![entity.as_str(), now], read_token)?.collect()
        })
        .await
    }

    async fn end_entity_token(&self, id: SessionId, entity: Option<&Subject>) -> Result<bool, StoreError> {
        let entity = entity.map(|subject| subject.as_str().to_owned());
        self.write(move |transaction| Ok(end(transaction, sql::END_ENTITY_TOKEN, params![id.as_bytes(), entity])? == 1))
            .await
    }

    async fn end_entity_tokens(&self, entity: &Subject) -> Result<usize, StoreError> {
        let entity = entity.clone();
        self.write(move |transaction| end_tokens(transaction, &entity)).await
    }

    async fn purge_entity_tokens(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write(move |transaction| {
            Ok(transaction.prepare_cached(sql::PURGE_ENTITY_TOKENS)?.execute(params![now, limit])?)
        })
        .await
    }
}

/// Ends the tokens for all that is a user's, in the step of what voids them.
pub(super) fn end_tokens_of_owner(transaction: &Transaction<'_>, owner: UserId) -> Result<(), JobError> {
    end(transaction, sql::END_ENTITY_TOKENS_OF_OWNER, [owner.as_bytes()]).map(drop)
}

fn declare(transaction: &Transaction<'_>, entity: Entity) -> Result<Option<Declared>, JobError> {
    let old = find(transaction, &entity.subject)?;
    let kept = transaction.prepare_cached(sql::DECLARE_ENTITY)?.execute(params![
        entity.subject.as_str(),
        entity.permissions.to_string(),
        entity.created_at,
        entity.owner.as_bytes(),
    ])?;
    if kept == 0 {
        return Ok(None);
    }
    let Some(old) = old else { return Ok(Some(Declared { entity, is_new: true, ended: 0 })) };
    let ended = if old.owner == entity.owner {
        end_wider_tokens(transaction, &entity)?
    } else {
        end_tokens(transaction, &entity.subject)?
    };
    let entity = Entity { created_at: old.created_at, ..entity };
    Ok(Some(Declared { entity, is_new: false, ended }))
}

fn end_tokens(transaction: &Transaction<'_>, entity: &Subject) -> Result<usize, JobError> {
    end(transaction, sql::END_ENTITY_TOKENS, [entity.as_str()])
}

/// Ends the tokens that carry more than the thing has now. Which those are, no SQL says: permissions are kept as one text.
fn end_wider_tokens(transaction: &Transaction<'_>, entity: &Entity) -> Result<usize, JobError> {
    // Expired ones as well: nobody looks whether a token is over before it is void.
    let mut statement = transaction.prepare_cached(sql::LIST_ENTITY_TOKENS)?;
    let tokens: Vec<EntityToken> = statement
        .query_and_then(params![entity.subject.as_str(), i64::MIN], read_token)?
        .collect::<Result<_, JobError>>()?;
    let wider = tokens.iter().filter(|token| !entity.permissions.contains_all(&token.permissions));
    let mut ended = 0;
    for token in wider {
        ended += end(transaction, sql::END_ENTITY_TOKEN, params![token.id.as_bytes(), entity.subject.as_str()])?;
    }
    Ok(ended)
}

fn find(connection: &Connection, subject: &Subject) -> Result<Option<Entity>, JobError> {
    let mut statement = connection.prepare_cached(sql::FIND_ENTITY)?;
    statement.query_and_then([subject.as_str()], read)?.next().transpose()
}

fn list(connection: &Connection, query: &str, values: impl Params) -> Result<Vec<Entity>, JobError> {
    connection.prepare_cached(query)?.query_and_then(values, read)?.collect()
}

fn read(row: &Row<'_>) -> Result<Entity, JobError> {
    Ok(Entity {
        subject: subject(row, 0)?,
        owner: UserId::from_bytes(row.get(1)?),
        permissions: permissions(row, 2)?,
        created_at: row.get(3)?,
    })
}

fn read_token(row: &Row<'_>) -> Result<EntityToken, JobError> {
    Ok(EntityToken {
        id: SessionId::from_bytes(row.get(0)?),
        entity: subject(row, 1)?,
        name: row.get(2)?,
        permissions: permissions(row, 3)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
        status: StatusPlace { list: StatusListId::from_bytes(row.get(6)?), index: row.get(7)? },
    })
}

fn subject(row: &Row<'_>, column: usize) -> Result<Subject, JobError> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    text.parse().map_err(|error| StoreError::Damaged(format!("the subject of a thing: {error}")).into())
}

fn permissions(row: &Row<'_>, column: usize) -> Result<ScopeSet, JobError> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    ScopeSet::parse(text).map_err(|error| StoreError::Damaged(format!("permissions of a thing: {error}")).into())
}
