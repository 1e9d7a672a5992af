//! Users in SQLite.

use async_trait::async_trait;
use countersign_password::PasswordHash;
use countersign_token::ScopeSet;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, Row, Transaction, params};

use crate::import::Newcomer;
use crate::store::sqlite::connection::JobError;
use crate::store::sqlite::ending::end_sessions_of_user;
use crate::store::sqlite::entities::end_tokens_of_owner;
use crate::store::sqlite::search::search;
use crate::store::sqlite::{SqliteStore, sql};
use crate::store::taking_over::{Engine, take_over};
use crate::store::user_query::bytes_after;
use crate::store::{HashRecord, Imported, StoreError, UserPage, UserQuery, UserStore};
use crate::user::{Credentials, EmailAddress, FullName, Login, NewUser, User, UserChange, UserId, Username};

#[async_trait]
impl UserStore for SqliteStore {
    async fn insert(&self, new: &NewUser) -> Result<User, StoreError> {
        let user = new.to_user();
        let password_hash = new.password_hash.clone();
        self.write(move |transaction| {
            insert(transaction, &user, password_hash.as_ref())?;
            Ok(user)
        })
        .await
    }

    async fn import(&self, newcomers: &[Newcomer]) -> Result<Vec<Imported>, StoreError> {
        let newcomers = newcomers.to_vec();
        self.write(move |mut transaction| {
            Ok(newcomers.iter().map(|new| take_over(&mut transaction, new)).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.look_up(move |connection| find(connection, sql::FIND_BY_ID, [id.as_bytes()], read_user)).await
    }

    async fn find_credentials(&self, login: &Login) -> Result<Option<Credentials>, StoreError> {
        let login = login.clone();
        self.look_up(move |connection| find_login(connection, &login, read_credentials)).await
    }

    async fn find_credentials_by_id(&self, id: UserId) -> Result<Option<Credentials>, StoreError> {
        self.look_up(move |connection| find(connection, sql::FIND_BY_ID, [id.as_bytes()], read_credentials)).await
    }

    async fn list(&self, query: &UserQuery) -> Result<UserPage, StoreError> {
        let query = query.clone();
        self.listing(move |connection| list(connection, &query)).await
    }

    async fn list_hashes(&self, after: Option<UserId>, limit: usize) -> Result<Vec<HashRecord>, StoreError> {
        self.listing(move |connection| list_hashes(connection, after, limit)).await
    }

    async fn update(&self, id: UserId, change: &UserChange, now: i64) -> Result<Option<User>, StoreError> {
        let change = change.clone();
        self.write(move |transaction| {
            let Some(user) = find(transaction, sql::FIND_BY_ID, [id.as_bytes()], read_user)? else {
                return Ok(None);
            };
            let changed = change.apply_to(&user, now);
            if changed != user {
                update(transaction, &changed)?;
            }
            if changed.disabled {
                end_sessions_of_user(transaction, id)?;
                end_tokens_of_owner(transaction, id)?;
            }
            Ok(Some(changed))
        })
        .await
    }

    async fn replace_password_hash(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let (expected, new) = (expected.clone(), new.clone());
        self.write(move |transaction| {
            changes_one(
                transaction,
                sql::REPLACE_PASSWORD_HASH,
                params![new.as_str(), expected.scheme().name(), id.as_bytes(), expected.as_str()],
            )
        })
        .await
    }

    async fn change_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
        now: i64,
    ) -> Result<bool, StoreError> {
        let (expected, new) = (expected.clone(), new.clone());
        self.write(move |transaction| {
            let values = params![new.as_str(), now, id.as_bytes(), expected.as_str()];
            let is_changed = changes_one(transaction, sql::CHANGE_PASSWORD, values)?;
            if is_changed {
                end_sessions_of_user(transaction, id)?;
            }
            Ok(is_changed)
        })
        .await
    }

    async fn set_password(&self, id: UserId, new: &PasswordHash, now: i64) -> Result<bool, StoreError> {
        let new = new.clone();
        self.write(move |transaction| {
            end_sessions_of_user(transaction, id)?;
            changes_one(transaction, sql::SET_PASSWORD, params![new.as_str(), now, id.as_bytes()])
        })
        .await
    }

    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        self.write(move |transaction| {
            end_sessions_of_user(transaction, id)?;
            end_tokens_of_owner(transaction, id)?;
            changes_one(transaction, sql::DELETE, [id.as_bytes()])
        })
        .await
    }
}

impl Engine for &Transaction<'_> {
    fn insert(&mut self, new: &NewUser) -> Result<(), StoreError> {
        insert(self, &new.to_user(), new.password_hash.as_ref()).map_err(|error| error.0)
    }

    fn find(&mut self, login: Login) -> Result<Option<User>, StoreError> {
        find_login(self, &login, read_user).map_err(|error| error.0)
    }

    fn is_free(&mut self, name: &Username) -> Result<bool, StoreError> {
        is_free(self, name).map_err(|error| error.0)
    }
}

/// Where another user is in the way nothing happens, and the same transaction sees who it is.
pub(super) fn insert(transaction: &Transaction<'_>, user: &User, hash: Option<&PasswordHash>) -> Result<(), JobError> {
    let inserted = transaction.prepare_cached(sql::INSERT)?.execute(params![
        user.id.as_bytes(),
        user.username.as_str(),
        user.username.skeleton(),
        user.email.as_ref().map(EmailAddress::as_str),
        user.email.as_ref().map(EmailAddress::canonical),
        user.full_name.as_ref().map(FullName::as_str),
        user.disabled,
        user.scopes.to_string(),
        user.created_at,
        user.updated_at,
        user.generation,
        hash.map(PasswordHash::as_str),
    ])?;
    if inserted == 1 {
        return Ok(());
    }
    let unseen = || StoreError::Unavailable("a user was not kept, and nobody is in the way".to_owned());
    Err(obstacle(transaction, user, true)?.unwrap_or_else(unseen).into())
}

fn update(transaction: &Transaction<'_>, user: &User) -> Result<(), JobError> {
    let updated = transaction.prepare_cached(sql::UPDATE)?.execute(params![
        user.username.as_str(),
        user.username.skeleton(),
        user.username.as_str(),
        user.email.as_ref().map(EmailAddress::as_str),
        user.email.as_ref().map(EmailAddress::canonical),
        user.full_name.as_ref().map(FullName::as_str),
        user.disabled,
        user.scopes.to_string(),
        user.updated_at,
        user.generation,
        user.id.as_bytes(),
    ]);
    updated.map(drop).or_else(|error| explain(transaction, user, error))
}

/// Says which uniqueness a change of `user` has violated; the statement has undone itself, and the same transaction still sees the
/// user that was in the way.
fn explain(transaction: &Transaction<'_>, user: &User, error: rusqlite::Error) -> Result<(), JobError> {
    if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
        return Err(error.into());
    }
    Err(obstacle(transaction, user, false)?.map_or_else(|| error.into(), JobError::from))
}

/// What keeps `user` from being written: another who has the id, the name, one that looks like it, or the address.
pub(super) fn obstacle(connection: &Connection, user: &User, is_new: bool) -> Result<Option<StoreError>, JobError> {
    let id = user.id.as_bytes();
    if is_new && connection.prepare_cached(sql::HAS_ID)?.exists([id])? {
        return Ok(Some(StoreError::IdTaken));
    }
    if connection.prepare_cached(sql::OTHER_WITH_USERNAME)?.exists(params![user.username.as_str(), id])? {
        return Ok(Some(StoreError::UsernameTaken));
    }
    let lookalike = connection
        .prepare_cached(sql::OTHER_WITH_SKELETON)?
        .query_row(params![user.username.skeleton(), id], |row| row.get(0))
        .optional()?;
    if let Some(existing) = lookalike {
        return Ok(Some(StoreError::UsernameConfusable { existing: Username::from_stored(existing) }));
    }
    let canonical = user.email.as_ref().map(EmailAddress::canonical);
    let is_email_taken = connection.prepare_cached(sql::OTHER_WITH_EMAIL)?.exists(params![canonical, id])?;
    Ok(is_email_taken.then_some(StoreError::EmailTaken))
}

fn list_hashes(connection: &Connection, after: Option<UserId>, limit: usize) -> Result<Vec<HashRecord>, JobError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(sql::LIST_HASHES)?
        .query_and_then(params![bytes_after(after), limit], read_hash)?
        .collect()
}

fn read_hash(row: &Row<'_>) -> Result<HashRecord, JobError> {
    let text = row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    Ok(HashRecord {
        id: UserId::from_bytes(row.get(0)?),
        hash: text.map(PasswordHash::parse),
        upgraded_from: row.get(2)?,
    })
}

fn list(connection: &Connection, query: &UserQuery) -> Result<UserPage, JobError> {
    let after = bytes_after(query.after_id());
    let one_more = i64::try_from(query.page_limit() + 1).unwrap_or(i64::MAX);
    let users = match query.search_text() {
        None => find_all(connection, sql::LIST, params![after, one_more])?,
        Some(text) => search(connection, text, (&after, one_more), read_user)?,
    };
    Ok(UserPage::from_one_more(users, query.page_limit()))
}

fn find_all(connection: &Connection, query: &str, values: impl Params) -> Result<Vec<User>, JobError> {
    connection.prepare_cached(query)?.query_and_then(values, read_user)?.collect()
}

pub(super) fn find_login<T>(
    connection: &Connection,
    login: &Login,
    read: fn(&Row<'_>) -> Result<T, JobError>,
) -> Result<Option<T>, JobError> {
    match login {
        Login::Username(username) => find(connection, sql::FIND_BY_USERNAME, [username.as_str()], read),
        Login::EmailAddress(email) => find(connection, sql::FIND_BY_EMAIL, [email.canonical()], read),
        Login::Nobody => Ok(None),
    }
}

/// Whether no user has this name, or one that looks like it.
pub(super) fn is_free(connection: &Connection, name: &Username) -> Result<bool, JobError> {
    Ok(!connection.prepare_cached(sql::HAS_NAME)?.exists(params![name.as_str(), name.skeleton()])?)
}

fn find<T>(
    connection: &Connection,
    query: &str,
    values: impl Params,
    read: fn(&Row<'_>) -> Result<T, JobError>,
) -> Result<Option<T>, JobError> {
    connection.prepare_cached(query)?.query_and_then(values, read)?.next().transpose()
}

fn changes_one(transaction: &Transaction<'_>, statement: &str, values: impl Params) -> Result<bool, JobError> {
    Ok(transaction.prepare_cached(statement)?.execute(values)? == 1)
}

pub(super) fn read_user(row: &Row<'_>) -> Result<User, JobError> {
    let email: Option<String> = row.get(2)?;
    let email_canonical: Option<String> = row.get(3)?;
    let full_name: Option<String> = row.get(4)?;
    let scopes = row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(User {
        id: UserId::from_bytes(row.get(0)?),
        username: Username::from_stored(row.get(1)?),
        email: email.zip(email_canonical).map(|(address, canonical)| EmailAddress::from_stored(address, canonical)),
        full_name: full_name.map(FullName::from_stored),
        disabled: row.get(5)?,
        scopes: ScopeSet::parse(scopes).map_err(|error| StoreError::Damaged(format!("scopes of a user: {error}")))?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
        generation: row.get(9)?,
    })
}

fn read_credentials(row: &Row<'_>) -> Result<Credentials, JobError> {
    let user = read_user(row)?;
    let password_hash = match row.get_ref(10)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        None => None,
        Some(text) => Some(
            PasswordHash::parse(text)
                .map_err(|error| StoreError::Damaged(format!("password hash of user {}: {error}", user.id)))?,
        ),
    };
    Ok(Credentials { user, password_hash })
}
