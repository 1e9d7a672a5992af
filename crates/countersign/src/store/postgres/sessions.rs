//! Sessions in PostgreSQL.

use async_trait::async_trait;
use countersign_token::ScopeSet;
use tokio_postgres::Row;

use crate::client::ClientId;
use crate::session::{NewSession, Origin, Refresh, RefreshLink, Session, SessionId};
use crate::status::{StatusListId, StatusPlace};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{StepError, Values, get, get_bytes, in_turn};
use crate::store::postgres::ending::{end_least_used, end_session, end_sessions_of_user};
use crate::store::postgres::sql::{BEGIN_SESSION, PURGE_SESSIONS};
use crate::store::postgres::user_rows::read_user;
use crate::store::{Retry, Rotation, SessionStore, StoreError, sql};
use crate::user::{User, UserId};

/// More logins of one user than are under way at one moment, on all connections of all nodes: they do not see one another's sessions.
const UNSEEN: i64 = 200;

#[async_trait]
impl SessionStore for PostgresStore {
    async fn begin_session(&self, new: &NewSession) -> Result<Option<usize>, StoreError> {
        let Some(others) = in_turn(|| self.try_begin(new)).await? else { return Ok(None) };
        let kept = i64::try_from(new.most.saturating_sub(1)).unwrap_or(i64::MAX);
        // A second statement for the few who have so many; whether too many of them are left is asked of the rows themselves, with those
        // that logins at the same moment have begun.
        if others <= kept.saturating_sub(UNSEEN) {
            return Ok(Some(0));
        }
        let Session { id, user, created_at, .. } = &new.session;
        let (user, this) = (user.as_bytes().as_slice(), id.as_bytes().as_slice());
        let which: Values<'_> = &[&user, &this, created_at, &kept];
        Ok(Some(in_turn(|| async move { end_least_used(self.turn().await?.lane(), which).await }).await?))
    }

    async fn find_session(&self, id: SessionId, now: i64) -> Result<Option<(Session, User)>, StoreError> {
        let read = |row: &Row| Ok((read_at(row, 10)?, read_user(row)?));
        Ok(self.turn().await?.lane().read_first(sql::FIND_SESSION, &[&id.as_bytes().as_slice(), &now], read).await?)
    }

    async fn find_user_of(&self, id: SessionId, now: i64) -> Result<Option<User>, StoreError> {
        let turn = self.turn().await?;
        Ok(turn.lane().read_first(sql::FIND_USER_OF_SESSION, &[&id.as_bytes().as_slice(), &now], read_user).await?)
    }

    async fn find_user_by(
        &self,
        id: SessionId,
        client: &ClientId,
        now: i64,
    ) -> Result<Option<(User, ScopeSet)>, StoreError> {
        let (turn, id) = (self.turn().await?, id.as_bytes().as_slice());
        let values: Values<'_> = &[&client.as_str(), &id, &now];
        let found = turn.lane().read_first(sql::FIND_USER_OF_SESSION_BY, values, read_user_and_scopes).await?;
        Ok(found.and_then(|(user, scopes)| Some((user, scopes?))))
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<bool, StoreError> {
        let Rotation { session, used, next, expires_at, access_until, now } = rotation;
        let turn = self.turn().await?;
        let lane = turn.lane();
        Ok(lane
            .changes_one(
                sql::ROTATE,
                &[
                    &i64::from(next.link.number),
                    &next.link.hash.as_slice(),
                    &next.until,
                    now,
                    expires_at,
                    access_until,
                    &session.as_bytes().as_slice(),
                    &i64::from(used.number),
                    &used.hash.as_slice(),
                ],
            )
            .await?)
    }

    async fn note_retry(&self, retry: &Retry) -> Result<bool, StoreError> {
        let Retry { session, current, expires_at, access_until } = retry;
        let turn = self.turn().await?;
        let (session, hash) = (session.as_bytes().as_slice(), current.hash.as_slice());
        let values: Values<'_> = &[expires_at, access_until, &session, &i64::from(current.number), &hash];
        Ok(turn.lane().changes_one(sql::NOTE_RETRY, values).await?)
    }

    async fn list_sessions(&self, user: Option<UserId>, now: i64, limit: usize) -> Result<Vec<Session>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let turn = self.turn().await?;
        let read = |row: &Row| read_at(row, 0);
        Ok(match user {
            Some(user) => {
                let user = user.as_bytes().as_slice();
                turn.lane().read_all(sql::LIST_SESSIONS_OF, &[&now, &user, &limit], read).await?
            }
            None => turn.lane().read_all(sql::LIST_SESSIONS, &[&now, &limit], read).await?,
        })
    }

    async fn end_session(&self, id: SessionId, user: Option<UserId>) -> Result<bool, StoreError> {
        in_turn(|| async move { end_session(self.turn().await?.lane(), id, user).await }).await
    }

    async fn end_sessions(&self, user: UserId) -> Result<usize, StoreError> {
        in_turn(|| async move { end_sessions_of_user(self.turn().await?.lane(), user).await }).await
    }

    async fn purge_sessions(&self, now: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let purged = self.turn().await?.lane().execute(PURGE_SESSIONS, &[&now, &limit]).await?;
        Ok(usize::try_from(purged).unwrap_or(usize::MAX))
    }
}

impl PostgresStore {
    /// How many sessions there were before, if it has begun.
    async fn try_begin(&self, new: &NewSession) -> Result<Option<i64>, StepError> {
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
        let refresh = refresh.as_ref();
        let turn = self.turn().await?;
        turn.lane()
            .read_first(
                BEGIN_SESSION,
                &[
                    &id.as_bytes().as_slice(),
                    client,
                    &scope.to_string(),
                    &origin.address,
                    &origin.user_agent,
                    created_at,
                    last_used_at,
                    expires_at,
                    &refresh.map(|refresh| i64::from(refresh.link.number)),
                    &refresh.map(|refresh| refresh.link.hash.as_slice()),
                    &refresh.map(|refresh| refresh.until),
                    &refresh.map(|refresh| refresh.ends_at),
                    access_until,
                    &status.as_ref().map(|status| status.list.as_bytes().as_slice()),
                    &status.as_ref().map(|status| i32::from(status.index)),
                    &user.as_bytes().as_slice(),
                    &new.generation,
                ],
                |row| get(row, 0),
            )
            .await
    }
}

/// The columns of a user, and then what a client may; nothing where there is no such client.
fn read_user_and_scopes(row: &Row) -> Result<(User, Option<ScopeSet>), StepError> {
    let text: Option<&str> = get(row, 11)?;
    let damaged = |error| StoreError::Damaged(format!("scopes of a client: {error}"));
    Ok((read_user(row)?, text.map(ScopeSet::parse).transpose().map_err(damaged)?))
}

/// A session, whose columns begin with this one.
fn read_at(row: &Row, first: usize) -> Result<Session, StepError> {
    let damaged = |what: &dyn std::fmt::Display| StoreError::Damaged(format!("a session: {what}"));
    let number: Option<i64> = get(row, first + 9)?;
    let refresh = match number {
        None => None,
        Some(number) => Some(Refresh {
            link: RefreshLink {
                number: u32::try_from(number).map_err(|error| damaged(&error))?,
                hash: get_bytes(row, first + 10)?,
            },
            until: get(row, first + 11)?,
            ends_at: get(row, first + 12)?,
        }),
    };
    let index: Option<i32> = get(row, first + 15)?;
    let status = match index {
        None => None,
        Some(index) => Some(StatusPlace {
            list: StatusListId::from_bytes(get_bytes(row, first + 14)?),
            index: u16::try_from(index).map_err(|error| damaged(&error))?,
        }),
    };
    Ok(Session {
        id: SessionId::from_bytes(get_bytes(row, first)?),
        user: UserId::from_bytes(get_bytes(row, first + 1)?),
        client: get(row, first + 2)?,
        scope: ScopeSet::parse(get(row, first + 3)?).map_err(|error| damaged(&error))?,
        origin: Origin { address: get(row, first + 4)?, user_agent: get(row, first + 5)? },
        created_at: get(row, first + 6)?,
        last_used_at: get(row, first + 7)?,
        expires_at: get(row, first + 8)?,
        access_until: get(row, first + 13)?,
        status,
        refresh,
    })
}
