//! An import over a PostgreSQL database, tried and not done.

use tokio::runtime::Handle;

use crate::store::StoreError;
use crate::store::postgres::connection::{StepError, Turn};
use crate::store::postgres::user_rows::{find_login, is_free, obstacle, read_user};
use crate::store::postgres::{Address, OpenError, PostgresStore, schema};
use crate::store::sqlite::Rehearsal;
use crate::store::taking_over::Kept;
use crate::user::{Login, User, Username};

impl PostgresStore {
    /// Says what an import into the database at this address would do; the database is only read, and may be empty. The rehearsal
    /// waits for answers: it works on a thread that may wait, while this runtime runs.
    pub async fn rehearsal(address: &Address) -> Result<Rehearsal, OpenError> {
        let store = Self::connect(address)?;
        let turn = store.turn().await.map_err(|error| schema::open_error(&store.database, error))?;
        schema::check_usable(turn.lane(), &store.database).await?;
        let has_users = schema::check_ours(turn.lane(), &store.database).await? > 0;
        drop(turn);
        let database = store.database.clone();
        let kept = Waiting { store, runtime: Handle::current() };
        let kept = has_users.then(|| Box::new(kept) as Box<dyn Kept>);
        Rehearsal::over_kept(kept).map_err(|error| OpenError::Failed { database, reason: error.to_string() })
    }
}

/// A database that is read, on a thread that waits for each answer.
struct Waiting {
    store: PostgresStore,
    runtime: Handle,
}

impl Waiting {
    fn wait<T>(&self, look_up: impl AsyncFnOnce(&Turn) -> Result<T, StepError>) -> Result<T, StoreError> {
        Ok(self.runtime.block_on(async { look_up(&self.store.turn().await?).await })?)
    }
}

impl Kept for Waiting {
    fn obstacle(&mut self, user: &User) -> Result<Option<StoreError>, StoreError> {
        self.wait(async |turn| obstacle(turn.lane(), user).await)
    }

    fn find(&mut self, login: &Login) -> Result<Option<User>, StoreError> {
        self.wait(async |turn| find_login(turn.lane(), login, read_user).await)
    }

    fn is_free(&mut self, name: &Username) -> Result<bool, StoreError> {
        self.wait(async |turn| is_free(turn.lane(), name).await)
    }
}
