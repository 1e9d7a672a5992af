//! Users of other programs, taken over into PostgreSQL.

use countersign_password::PasswordHash;
use tokio::runtime::Handle;

use crate::import::Newcomer;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{Lane, StepError, Turn};
use crate::store::postgres::sql::{INSERT_MANY, LOCK_IMPORTS};
use crate::store::postgres::user_rows::{find_login, insert, is_free, read_user};
use crate::store::taking_over::{Engine, take_over};
use crate::store::{Imported, StoreError};
use crate::user::{EmailAddress, FullName, Login, NewUser, User, Username};

/// Fewer than these are not worth a try together.
const FEWEST_TOGETHER: usize = 8;

impl PostgresStore {
    /// The rule for what becomes of a user waits for each answer: it works on a thread that may wait.
    pub(super) async fn try_import(&self, newcomers: &[Newcomer]) -> Result<Vec<Imported>, StepError> {
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
