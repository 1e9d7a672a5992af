//! The end of sessions before their time: they are deleted, and their tokens marked as taken back, in one statement.

use crate::client::ClientId;
use crate::session::SessionId;
use crate::store::postgres::connection::{Lane, StepError, Values, get};
use crate::store::postgres::sql::{END_LEAST_USED, END_SESSION, END_SESSIONS_OF_CLIENT, END_SESSIONS_OF_USER};
use crate::user::UserId;

/// Ends a session, of this user if one is named; whether there was one.
pub(super) async fn end_session(lane: Lane<'_>, id: SessionId, user: Option<UserId>) -> Result<bool, StepError> {
    let user = user.as_ref().map(|id| id.as_bytes().as_slice());
    Ok(end(lane, END_SESSION, &[&id.as_bytes().as_slice(), &user]).await? == 1)
}

/// Ends all sessions of a user; how many there were.
pub(super) async fn end_sessions_of_user(lane: Lane<'_>, user: UserId) -> Result<usize, StepError> {
    end(lane, END_SESSIONS_OF_USER, &[&user.as_bytes().as_slice()]).await
}

/// Ends the least used sessions of a user but one, at a time, beyond so many others; how many there were.
pub(super) async fn end_least_used(lane: Lane<'_>, which: Values<'_>) -> Result<usize, StepError> {
    end(lane, END_LEAST_USED, which).await
}

/// Ends all sessions of a client.
pub(super) async fn end_sessions_of_client(lane: Lane<'_>, client: &ClientId) -> Result<(), StepError> {
    end(lane, END_SESSIONS_OF_CLIENT, &[&client.as_str()]).await.map(drop)
}

/// What one of these statements ends; how many there were.
pub(super) async fn end(lane: Lane<'_>, statement: &'static str, which: Values<'_>) -> Result<usize, StepError> {
    let ended: Option<i64> = lane.read_first(statement, which, |row| get(row, 0)).await?;
    Ok(usize::try_from(ended.unwrap_or_default()).unwrap_or_default())
}
