//! Sessions in SQLite.

use async_trait::async_trait;
use countersign_token::ScopeSet;
use rusqlite::{Connection, Params, Row, Transaction, params};

use crate::client::ClientId;
use crate::session::{NewSession, Origin, Refresh, RefreshLink, Session, SessionId};
use crate::status::{StatusListId, StatusPlace};
use crate::store::sqlite::connection::JobError;
use crate::store::sqlite::ending::{end_least_used, end_session, end_sessions_of_user};
use crate::store::sqlite::users::read_user;
use crate::store::sqlite::{SqliteStore, sql};
use crate::store::{Retry, Rotation, SessionStore, StoreError};
use crate::user::{User, UserId};

#[async_trait]
impl SessionStore for SqliteStore {
    async fn begin_session(&self, new: &NewSession) -> Result<Option<usize>, StoreError> {
        let new = new.clone();
        self.write(move |transaction| begin(transaction, &new)).await
    }

    async fn find_session(&self, id: SessionId, now: i64) -> Result<Option<(Session, User)>, StoreError> {
        self.look_up(move |connection| find(connection, id, now)).await
    }

    async fn find_user_of(&self, id: SessionId, now: i64) -> Result<Option<User>, StoreError> {
        self.look_up(move |connection| {
            let mut statement = connection.prepare_cached(sql::FIND_USER_OF_SESSION)?;
            statement.query_and_then(params![id.as_bytes(), now], read_user)?.next().transpose()
        })
        .await
    }

    async fn find_user_by(
        &self,
        id: SessionId,
        client: &ClientId,
        now: i64,
    ) -> Result<Option<(User, ScopeSet)>, StoreError> {
        let client = client.clone();
        self.look_up(move |connection| {
            let mut statement = connection.prepare_cached(sql::FIND_USER_OF_SESSION_BY)?;
            let values = params![client.as_str(), id.as_bytes(), now];
            let found = statement.query_and_then(values, read_user_and_scopes)?.next().transpose()?;
            Ok(found.and_then(|(user, scopes)| Some((user, scopes?))))
        })
        .await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<bool, StoreError> {
        let Rotation { session, used, next, expires_at, access_until, now } = rotation.clone();
        self.write(move |transaction| {
            let rotated = transaction.prepare_cached(sql::ROTATE)?.execute(params![
                next.link.number,
                next.link.hash,
                next.until,
                now,
                expires_at,
                access_until,
                session.as_bytes(),
                used.number,
                used.hash,
            ])?;
            Ok(rotated == 1)
        })
        .await
    }

    async fn note_retry(&self, retry: &Retry) -> Result<bool, StoreError> {
        let Retry { session, current, expires_at, access_until } = retry.clone();
        self.write(move |transaction| {
            let values = params![expires_at, access_until, session.as_bytes(), current.number, current.hash];
            Ok(transaction.prepare_cached(sql::NOTE_RETRY)?.execute(values)? == 1)
        })
        .await
    }

    async fn list_sessions(&self, user: Option<UserId>, now: i64, limit: usize) -> Result<Vec<Session>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.listing(move |connection| match user {
            Some(user) => list(connection, sql::LIST_SESSIONS_OF, params![now, user.as_bytes(), limit]),
            None => list(connection, sql::LIST_SESSIONS, params![now, limit]),
        })
        .await
    }

    async fn end_session(&self, id: SessionId, user: Option<UserId>) -> Result<bool, StoreError> {
        self.write(move |transaction| end_session(transaction, id, user)).await
    }

    async fn end_sessions(&self, user: UserId) -> Result<usize, StoreError> {
        self.write(move |transaction| end_sessions_of_user(transaction, user)).await
    }

    async fn purge_sessions(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write(move |transaction| {
            Ok(transaction.prepare_cached(sql::PURGE_SESSIONS)?.execute(params![now, limit])?)
        })
        .await
    }
}

/// The columns of a user, and then what a client may; nothing where there is no such client.
fn read_user_and_scopes(row: &Row<'_>) -> Result<(User, Option<ScopeSet>), JobError> {
    let text = row.get_ref(11)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    let damaged = |error| StoreError::Damaged(format!("scopes of a client: {error}"));
    Ok((read_user(row)?, text.map(ScopeSet::parse).transpose().map_err(damaged)?))
}

fn begin(transaction: &Transaction<'_>, new: &NewSession) -> Result<Option<usize>, JobError> {
    let Session {
        id,
        user,
        client,
        scope,
        origin,
        created_at,
        last_used_at,
        expires_at,
        access_until,
        status,
        refresh,
    } = &new.session;
    let begun = transaction.prepare_cached(sql::BEGIN_SESSION)?.execute(params![
        id.as_bytes(),
        client,
        scope.to_string(),
        origin.address,
        origin.user_agent,
        created_at,
        last_used_at,
        expires_at,
        refresh.as_ref().map(|refresh| refresh.link.number),
        refresh.as_ref().map(|refresh| refresh.link.hash),
        refresh.as_ref().map(|refresh| refresh.until),
        refresh.as_ref().map(|refresh| refresh.ends_at),
        access_until,
        status.map(|status| *status.list.as_bytes()),
        status.map(|status| status.index),
        user.as_bytes(),
        new.generation,
    ])?;
    if begun != 1 {
        return Ok(None);
    }
    let count: i64 = transaction.prepare_cached(sql::COUNT_SESSIONS)?.query_row([user.as_bytes()], |row| row.get(0))?;
    // Those that have expired are counted as well: whether there are really too many is asked of the rows themselves.
    let others = i64::try_from(new.most.saturating_sub(1)).unwrap_or(i64::MAX);
    if count - 1 <= others {
        return Ok(Some(0));
    }
    Ok(Some(end_least_used(transaction, params![user.as_bytes(), id.as_bytes(), created_at, others])?))
}

fn find(connection: &Connection, id: SessionId, now: i64) -> Result<Option<(Session, User)>, JobError> {
    let mut statement = connection.prepare_cached(sql::FIND_SESSION)?;
    let mut rows =
        statement.query_and_then(params![id.as_bytes(), now], |row| Ok((read_at(row, 10)?, read_user(row)?)))?;
    rows.next().transpose()
}

fn list(connection: &Connection, query: &str, values: impl Params) -> Result<Vec<Session>, JobError> {
    connection.prepare_cached(query)?.query_and_then(values, |row| read_at(row, 0))?.collect()
}

/// A session, whose columns begin with this one.
fn read_at(row: &Row<'_>, first: usize) -> Result<Session, JobError> {
    let scope = row.get_ref(first + 3)?.as_str().map_err(rusqlite::Error::from)?;
    let number: Option<u32> = row.get(first + 9)?;
    let refresh = match number {
        None => None,
        Some(number) => Some(Refresh {
            link: RefreshLink { number, hash: row.get(first + 10)? },
            until: row.get(first + 11)?,
            ends_at: row.get(first + 12)?,
        }),
    };
    let list: Option<[u8; StatusListId::BYTES]> = row.get(first + 14)?;
    let index: Option<u16> = row.get(first + 15)?;
    let list = list.map(StatusListId::from_bytes);
    Ok(Session {
        id: SessionId::from_bytes(row.get(first)?),
        user: UserId::from_bytes(row.get(first + 1)?),
        client: row.get(first + 2)?,
        scope: ScopeSet::parse(scope).map_err(|error| StoreError::Damaged(format!("scope of a session: {error}")))?,
        origin: Origin { address: row.get(first + 4)?, user_agent: row.get(first + 5)? },
        created_at: row.get(first + 6)?,
        last_used_at: row.get(first + 7)?,
        expires_at: row.get(first + 8)?,
        access_until: row.get(first + 13)?,
        status: list.zip(index).map(|(list, index)| StatusPlace { list, index }),
        refresh,
    })
}
