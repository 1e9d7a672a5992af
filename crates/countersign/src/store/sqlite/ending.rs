//! The end of sessions before their time, in the step of what ends them: they are deleted, and their tokens marked as taken back.

use rusqlite::{Params, Transaction, params};

use crate::client::ClientId;
use crate::session::SessionId;
use crate::store::sqlite::connection::JobError;
use crate::store::sqlite::sql;
use crate::user::UserId;

/// Ends a session, of this user if one is named; whether there was one.
pub(super) fn end_session(
    transaction: &Transaction<'_>,
    id: SessionId,
    user: Option<UserId>,
) -> Result<bool, JobError> {
    let user = user.map(|user| user.as_bytes().to_vec());
    Ok(end(transaction, sql::END_SESSION, params![id.as_bytes(), user])? == 1)
}

/// Ends all sessions of a user; how many there were.
pub(super) fn end_sessions_of_user(transaction: &Transaction<'_>, user: UserId) -> Result<usize, JobError> {
    end(transaction, sql::END_SESSIONS_OF_USER, [user.as_bytes()])
}

/// Ends the least used sessions of a user but one, at a time, beyond so many others; how many there were.
pub(super) fn end_least_used(transaction: &Transaction<'_>, which: impl Params + Clone) -> Result<usize, JobError> {
    end(transaction, sql::END_LEAST_USED, which)
}

/// Ends all sessions of a client.
pub(super) fn end_sessions_of_client(transaction: &Transaction<'_>, client: &ClientId) -> Result<(), JobError> {
    end(transaction, sql::END_SESSIONS_OF_CLIENT, [client.as_str()]).map(drop)
}

/// Marks what of these ends and has not expired, and deletes it; how many there were.
pub(super) fn end(
    transaction: &Transaction<'_>,
    [mark, delete]: [&str; 2],
    which: impl Params + Clone,
) -> Result<usize, JobError> {
    transaction.prepare_cached(mark)?.execute(which.clone())?;
    Ok(transaction.prepare_cached(delete)?.execute(which)?)
}
