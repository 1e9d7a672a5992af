//! Users in PostgreSQL.

use async_trait::async_trait;
use countersign_password::PasswordHash;

use crate::import::Newcomer;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{StepError, in_turn};
use crate::store::postgres::ending::end_sessions_of_user;
use crate::store::postgres::entities::end_tokens_of_owner;
use crate::store::postgres::search::search;
use crate::store::postgres::sql::LOCK_USER;
use crate::store::postgres::user_rows::{find, find_login, insert, read_credentials, read_hash, read_user, update};
use crate::store::user_query::bytes_after;
use crate::store::{HashRecord, Imported, StoreError, UserPage, UserQuery, UserStore, sql};
use crate::user::{Credentials, Login, NewUser, User, UserChange, UserId};

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
            Some(text) => search((turn.lane(), self.is_bytewise), text, &after, one_more).await?,
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
