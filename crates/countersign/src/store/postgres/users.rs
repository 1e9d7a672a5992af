//! Users in PostgreSQL.

use async_trait::async_trait;
use countersign_password::PasswordHash;
use countersign_token::ScopeSet;
use tokio::runtime::Handle;
use tokio_postgres::Row;

use crate::import::Newcomer;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{Lane, StepError, Turn, get, get_bytes, in_turn};
use crate::store::postgres::ending::end_sessions_of_user;
use crate::store::postgres::entities::end_tokens_of_owner;
use crate::store::postgres::sql::{INSERT_MANY, LOCK_IMPORTS, LOCK_USER, OBSTACLE};
use crate::store::taking_over::{Engine, take_over};
use crate::store::user_query::bytes_after;
use crate::store::{HashRecord, Imported, StoreError, UserPage, UserQuery, UserStore, sql};
use crate::user::{Credentials, EmailAddress, FullName, Login, NewUser, User, UserChange, UserId, Username};

/// Fewer than these are not worth a try together.
const FEWEST_TOGETHER: usize = 8;

#[async_trait]
impl UserStore for PostgresStore {
    async fn insert(&self, new: &NewUser) -> Result<User, StoreError> {
        let (user, hash) = (&new.to_user(), new.password_hash.as_ref());
        in_turn(|| async move { insert(self.turn().await?.lane(), user, hash).await }).await?;
        Ok(user.clone())
    }

    async fn import(&self, newcomers: &[Newcomer]) -> Result<Vec<Imported>, StoreError> {
        in_turn(|| self.try_import(newcomers)).await
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(find(self.turn().await?.lane(), id, read_user).await?)
    }

    async fn find_credentials(&self, login: &Login) -> Result<Option<Credentials>, StoreError> {
        Ok(find_login(self.turn().await?.lane(), login, read_credentials).await?)
    }

    async fn find_credentials_by_id(&self, id: UserId) -> Result<Option<Credentials>, StoreError> {
        Ok(find(self.turn().await?.lane(), id, read_credentials).await?)
    }

    async fn list(&self, query: &UserQuery) -> Result<UserPage, StoreError> {
        let turn = self.turn().await?;
        let after = bytes_after(query.after_id());
        let one_more = i64::try_from(query.page_limit() + 1).unwrap_or(i64::MAX);
        let users = match query.search_text() {
            None => turn.lane().read_all(sql::LIST, &[&after, &one_more], read_user).await?,
            Some(text) => {
                let (username, email) = text.like_patterns();
                turn.lane().read_all(sql::SEARCH, &[&after, &username, &email, &one_more], read_user).await?
            }
        };
        Ok(UserPage::from_one_more(users, query.page_limit()))
    }

    async fn list_hashes(&self, after: Option<UserId>, limit: usize) -> Result<Vec<HashRecord>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(self.turn().await?.lane().read_all(sql::LIST_HASHES, &[&bytes_after(after), &limit], read_hash).await?)
    }

    async fn update(&self, id: UserId, change: &UserChange, now: i64) -> Result<Option<User>, StoreError> {
        in_turn(|| self.try_update(id, change, now)).await
    }

    async fn replace_password_hash(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let turn = self.turn().await?;
        let lane = turn.lane();
        Ok(lane
            .changes_one(
                sql::REPLACE_PASSWORD_HASH,
                &[&new.as_str(), &expected.scheme().name(), &id.as_bytes().as_slice(), &expected.as_str()],
            )
            .await?)
    }

    async fn change_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
        now: i64,
    ) -> Result<bool, StoreError> {
        in_turn(|| self.try_set_password(id, Some(expected), new, now)).await
    }

    async fn set_password(&self, id: UserId, new: &PasswordHash, now: i64) -> Result<bool, StoreError> {
        in_turn(|| self.try_set_password(id, None, new, now)).await
    }

    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        in_turn(|| self.try_delete(id)).await
    }
}

impl PostgresStore {
    /// The rule for what becomes of a user waits for each answer: it works on a thread that may wait.
    async fn try_import(&self, newcomers: &[Newcomer]) -> Result<Vec<Imported>, StepError> {
        let mut turn = Turn::take_for_long(&self.pool).await?;
        let (newcomers, runtime) = (newcomers.to_vec(), Handle::current());
        let import = move || {
            let transaction = runtime.block_on(turn.begin())?;
            runtime.block_on(transaction.lane().batch(LOCK_IMPORTS))?;
            let mut engine = Waiting::new(transaction.lane(), &runtime);
            let mut outcomes = Vec::with_capacity(newcomers.len());
            let taken_over = engine.take_over_all(&newcomers, &mut outcomes);
            engine.unless_others_came_between(taken_over)?;
            runtime.block_on(transaction.commit())?;
            Ok(outcomes)
        };
        let done = tokio::task::spawn_blocking(import).await;
        done.unwrap_or_else(|_| Err(StoreError::Unavailable("an import was cut off and undone".to_owned()).into()))
    }

    async fn try_update(&self, id: UserId, change: &UserChange, now: i64) -> Result<Option<User>, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        lane.exists(LOCK_USER, &[&id.as_bytes().as_slice()]).await?;
        let Some(user) = find(lane, id, read_user).await? else { return Ok(None) };
        let changed = change.apply_to(&user, now);
        if changed != user {
            update(lane, &user, &changed).await?;
        }
        if changed.disabled {
            end_sessions_of_user(lane, id).await?;
            end_tokens_of_owner(lane, id).await?;
        }
        transaction.commit().await?;
        Ok(Some(changed))
    }

    async fn try_set_password(
        &self,
        id: UserId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
        now: i64,
    ) -> Result<bool, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        let bytes = id.as_bytes().as_slice();
        let is_set = match expected {
            Some(expected) => {
                lane.changes_one(sql::CHANGE_PASSWORD, &[&new.as_str(), &now, &bytes, &expected.as_str()]).await?
            }
            None => lane.changes_one(sql::SET_PASSWORD, &[&new.as_str(), &now, &bytes]).await?,
        };
        if is_set {
            end_sessions_of_user(lane, id).await?;
        }
        transaction.commit().await?;
        Ok(is_set)
    }

    async fn try_delete(&self, id: UserId) -> Result<bool, StepError> {
        let mut turn = self.turn().await?;
        let transaction = turn.begin().await?;
        let lane = transaction.lane();
        let bytes = id.as_bytes().as_slice();
        lane.exists(LOCK_USER, &[&bytes]).await?;
        end_sessions_of_user(lane, id).await?;
        end_tokens_of_owner(lane, id).await?;
        let is_deleted = lane.changes_one(sql::DELETE, &[&bytes]).await?;
        transaction.commit().await?;
        Ok(is_deleted)
    }
}

/// What users are taken over into, on a thread that waits for each answer.
struct Waiting<'w> {
    lane: Lane<'w>,
    runtime: &'w Handle,
    /// Whether the transaction has to begin anew.
    came_between: Option<String>,
}

impl<'w> Waiting<'w> {
    fn new(lane: Lane<'w>, runtime: &'w Handle) -> Self {
        Self { lane, runtime, came_between: None }
    }

    /// Those whom nobody is in the way of go in together; where somebody is, the halves are looked at by themselves, in their order, so
    /// that each has the outcome that it would have alone.
    fn take_over_all(&mut self, newcomers: &[Newcomer], outcomes: &mut Vec<Imported>) -> Result<(), StoreError> {
        let mut one_by_one = |engine: &mut Self| {
            newcomers.iter().try_for_each(|new| {
                outcomes.push(take_over(engine, new)?);
                Ok(())
            })
        };
        if newcomers.len() < FEWEST_TOGETHER {
            return one_by_one(self);
        }
        let lane = self.lane;
        let inserted = self.wait(insert_all(lane, newcomers))?;
        if inserted == newcomers.len() {
            outcomes.resize(outcomes.len() + inserted, Imported::Added);
            return Ok(());
        }
        // As when the same file is read once more.
        if inserted < newcomers.len() / 2 {
            return one_by_one(self);
        }
        let (first, second) = newcomers.split_at(newcomers.len() / 2);
        self.take_over_all(first, outcomes)?;
        self.take_over_all(second, outcomes)
    }

    fn unless_others_came_between<T>(self, outcome: Result<T, StoreError>) -> Result<T, StepError> {
        match self.came_between {
            Some(reason) => Err(StepError::Again(reason)),
            None => Ok(outcome?),
        }
    }

    fn wait<T>(&mut self, step: impl Future<Output = Result<T, StepError>>) -> Result<T, StoreError> {
        self.runtime.block_on(step).map_err(|error| {
            if let StepError::Again(reason) = &error {
                self.came_between = Some(reason.clone());
            }
            error.into()
        })
    }
}

impl Engine for Waiting<'_> {
    fn insert(&mut self, new: &NewUser) -> Result<(), StoreError> {
        let lane = self.lane;
        self.wait(async { insert(lane, &new.to_user(), new.password_hash.as_ref()).await })
    }

    fn find(&mut self, login: Login) -> Result<Option<User>, StoreError> {
        let lane = self.lane;
        self.wait(find_login(lane, &login, read_user))
    }

    fn is_free(&mut self, name: &Username) -> Result<bool, StoreError> {
        let lane = self.lane;
        self.wait(is_free(lane, name))
    }
}

/// Inserts all of them, or none if somebody is in the way; how many could be.
async fn insert_all(lane: Lane<'_>, newcomers: &[Newcomer]) -> Result<usize, StepError> {
    let users: Vec<User> = newcomers.iter().map(|new| new.user.to_user()).collect();
    let texts = |text: fn(&User) -> String| users.iter().map(text).collect::<Vec<_>>();
    let emails = |text: fn(&EmailAddress) -> &str| {
        users.iter().map(|user| user.email.as_ref().map(text)).collect::<Vec<Option<&str>>>()
    };
    let numbers = |number: fn(&User) -> i64| users.iter().map(number).collect::<Vec<_>>();
    let ids: Vec<&[u8]> = users.iter().map(|user| user.id.as_bytes().as_slice()).collect();
    let full_names: Vec<_> = users.iter().map(|user| user.full_name.as_ref().map(FullName::as_str)).collect();
    let hashes: Vec<_> =
        newcomers.iter().map(|new| new.user.password_hash.as_ref().map(PasswordHash::as_str)).collect();
    lane.batch("SAVEPOINT together").await?;
    let inserted = lane
        .execute(
            INSERT_MANY,
            &[
                &ids,
                &texts(|user| user.username.as_str().to_owned()),
                &texts(|user| user.username.skeleton()),
                &emails(EmailAddress::as_str),
                &emails(EmailAddress::canonical),
                &full_names,
                &users.iter().map(|user| user.disabled).collect::<Vec<_>>(),
                &texts(|user| user.scopes.to_string()),
                &numbers(|user| user.created_at),
                &numbers(|user| user.updated_at),
                &numbers(|user| user.generation),
                &hashes,
            ],
        )
        .await?;
    let inserted = usize::try_from(inserted).unwrap_or_default();
    let are_all_in = inserted == newcomers.len();
    lane.batch(if are_all_in { "RELEASE SAVEPOINT together" } else { "ROLLBACK TO SAVEPOINT together" }).await?;
    Ok(inserted)
}

/// Where another user is in the way nothing happens, and the next statement sees who it is.
async fn insert(lane: Lane<'_>, user: &User, hash: Option<&PasswordHash>) -> Result<(), StepError> {
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
async fn update(lane: Lane<'_>, kept: &User, user: &User) -> Result<(), StepError> {
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

async fn find<T>(lane: Lane<'_>, id: UserId, read: fn(&Row) -> Result<T, StepError>) -> Result<Option<T>, StepError> {
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

fn read_credentials(row: &Row) -> Result<Credentials, StepError> {
    let user = read_user(row)?;
    let text: Option<&str> = get(row, 10)?;
    let password_hash = text
        .map(PasswordHash::parse)
        .transpose()
        .map_err(|error| StoreError::Damaged(format!("password hash of user {}: {error}", user.id)))?;
    Ok(Credentials { user, password_hash })
}

fn read_hash(row: &Row) -> Result<HashRecord, StepError> {
    let text: Option<&str> = get(row, 1)?;
    Ok(HashRecord {
        id: UserId::from_bytes(get_bytes(row, 0)?),
        hash: text.map(PasswordHash::parse),
        upgraded_from: get(row, 2)?,
    })
}
