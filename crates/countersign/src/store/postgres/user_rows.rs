//! Users as rows: written, looked for, read, and who is in the way of whom.

use countersign_password::PasswordHash;
use countersign_token::ScopeSet;
use tokio_postgres::Row;

use crate::store::postgres::connection::{Lane, StepError, get, get_bytes};
use crate::store::postgres::sql::OBSTACLE;
use crate::store::{HashRecord, StoreError, sql};
use crate::user::{Credentials, EmailAddress, FullName, Login, User, UserId, Username};

/// Where another user is in the way nothing happens, and the next statement sees who it is.
pub(super) async fn insert(lane: Lane<'_>, user: &User, hash: Option<&PasswordHash>) -> Result<(), StepError> {
    let inserted = lane
        .changes_one(
            sql::INSERT,
            &[
                &user.id.as_bytes().as_slice(),
                &user.username.as_str(),
                &user.username.skeleton(),
                &user.email.as_ref().map(EmailAddress::as_str),
                &user.email.as_ref().map(EmailAddress::canonical),
                &user.full_name.as_ref().map(FullName::as_str),
                &user.disabled,
                &user.scopes.to_string(),
                &user.created_at,
                &user.updated_at,
                &user.generation,
                &hash.map(PasswordHash::as_str),
            ],
        )
        .await?;
    if inserted {
        return Ok(());
    }
    Err(match obstacle(lane, user).await? {
        Some(error) => error.into(),
        // It is gone by now.
        None => StepError::Again("users came and went too fast to keep another".to_owned()),
    })
}

/// Who is in the way is asked first, since a violation would undo the transaction; one that happens all the same begins it anew.
pub(super) async fn update(lane: Lane<'_>, kept: &User, user: &User) -> Result<(), StepError> {
    if (&kept.username, &kept.email) != (&user.username, &user.email)
        && let Some(error) = obstacle_to_change(lane, kept, user).await?
    {
        return Err(error.into());
    }
    lane.execute(
        sql::UPDATE,
        &[
            &user.username.as_str(),
            &user.username.skeleton(),
            &user.username.as_str(),
            &user.email.as_ref().map(EmailAddress::as_str),
            &user.email.as_ref().map(EmailAddress::canonical),
            &user.full_name.as_ref().map(FullName::as_str),
            &user.disabled,
            &user.scopes.to_string(),
            &user.updated_at,
            &user.generation,
            &user.id.as_bytes().as_slice(),
        ],
    )
    .await?;
    Ok(())
}

/// What keeps `user` from being written anew: another who has the id, the name, one that looks like it, or the address, in this order.
pub(super) async fn obstacle(lane: Lane<'_>, user: &User) -> Result<Option<StoreError>, StepError> {
    let id = user.id.as_bytes().as_slice();
    let canonical = user.email.as_ref().map(EmailAddress::canonical);
    let (name, skeleton) = (user.username.as_str(), user.username.skeleton());
    lane.read_first(OBSTACLE, &[&id, &name, &skeleton, &canonical, &true], read_obstacle).await
}

/// The same for a change. A name that stays is in nobody's way, whatever newer tables of Unicode say.
async fn obstacle_to_change(lane: Lane<'_>, kept: &User, user: &User) -> Result<Option<StoreError>, StepError> {
    let id = user.id.as_bytes().as_slice();
    let canonical = user.email.as_ref().map(EmailAddress::canonical);
    let name = Some(&user.username).filter(|name| **name != kept.username);
    let (name, skeleton) = (name.map(Username::as_str), name.map(Username::skeleton));
    lane.read_first(OBSTACLE, &[&id, &name, &skeleton, &canonical, &false], read_obstacle).await
}

fn read_obstacle(row: &Row) -> Result<StoreError, StepError> {
    let kind: &str = get(row, 0)?;
    Ok(match kind {
        "1 id" => StoreError::IdTaken,
        "2 name" => StoreError::UsernameTaken,
        "3 skeleton" => StoreError::UsernameConfusable { existing: Username::from_stored(get(row, 1)?) },
        _ => StoreError::EmailTaken,
    })
}

/// Whether no user has this name, or one that looks like it.
pub(super) async fn is_free(lane: Lane<'_>, name: &Username) -> Result<bool, StepError> {
    Ok(!lane.exists(sql::HAS_NAME, &[&name.as_str(), &name.skeleton()]).await?)
}

pub(super) async fn find_login<T>(
    lane: Lane<'_>,
    login: &Login,
    read: fn(&Row) -> Result<T, StepError>,
) -> Result<Option<T>, StepError> {
    match login {
        Login::Username(username) => lane.read_first(sql::FIND_BY_USERNAME, &[&username.as_str()], read).await,
        Login::EmailAddress(email) => lane.read_first(sql::FIND_BY_EMAIL, &[&email.canonical()], read).await,
        Login::Nobody => Ok(None),
    }
}

pub(super) async fn find<T>(
    lane: Lane<'_>,
    id: UserId,
    read: fn(&Row) -> Result<T, StepError>,
) -> Result<Option<T>, StepError> {
    lane.read_first(sql::FIND_BY_ID, &[&id.as_bytes().as_slice()], read).await
}

pub(super) fn read_user(row: &Row) -> Result<User, StepError> {
    let (email, canonical): (Option<String>, Option<String>) = (get(row, 2)?, get(row, 3)?);
    let full_name: Option<String> = get(row, 4)?;
    Ok(User {
        id: UserId::from_bytes(get_bytes(row, 0)?),
        username: Username::from_stored(get(row, 1)?),
        email: email.zip(canonical).map(|(address, canonical)| EmailAddress::from_stored(address, canonical)),
        full_name: full_name.map(FullName::from_stored),
        disabled: get(row, 5)?,
        scopes: ScopeSet::parse(get(row, 6)?)
            .map_err(|error| StoreError::Damaged(format!("scopes of a user: {error}")))?,
        created_at: get(row, 7)?,
        updated_at: get(row, 8)?,
        generation: get(row, 9)?,
    })
}

pub(super) fn read_credentials(row: &Row) -> Result<Credentials, StepError> {
    let user = read_user(row)?;
    let text: Option<&str> = get(row, 10)?;
    let password_hash = text
        .map(PasswordHash::parse)
        .transpose()
        .map_err(|error| StoreError::Damaged(format!("password hash of user {}: {error}", user.id)))?;
    Ok(Credentials { user, password_hash })
}

pub(super) fn read_hash(row: &Row) -> Result<HashRecord, StepError> {
    let text: Option<&str> = get(row, 1)?;
    Ok(HashRecord {
        id: UserId::from_bytes(get_bytes(row, 0)?),
        hash: text.map(PasswordHash::parse),
        upgraded_from: get(row, 2)?,
    })
}
