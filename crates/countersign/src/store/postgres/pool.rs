//! The pool of connections to the server: how they are made, and what the server's own words are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Pool, RecycleError, RecycleResult};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error as PostgresError, NoTls, Statement};

use crate::store::StoreError;
use crate::store::postgres::address::{Address, Encryption};
use crate::store::postgres::sql;
use crate::store::postgres::tls::Encrypting;
use crate::store::transfer::MARK_TABLE;
use crate::times::{SharedTimes, Times};

/// How long a new connection may take, with its handshakes.
const LONGEST_CONNECT: Duration = Duration::from_secs(3);
/// How long the whole of a step may take. The server gives up on a statement after five seconds; this is for a server that is not heard.
pub(super) const LONGEST_STEP: Duration = Duration::from_millis(5500);

/// Makes the connections of a pool.
pub(super) struct Manager {
    config: Config,
    encrypting: Option<Encrypting>,
    refuses_moved: AtomicBool,
    pub(super) times: Arc<SharedTimes>,
}

/// A connection, and what belongs to it.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) rest: Rest,
}

pub(super) struct Rest {
    /// Each statement is prepared once.
    pub(super) statements: Mutex<HashMap<&'static str, Statement>>,
    /// Whether nobody knows what it does: it is used no more.
    pub(super) is_broken: AtomicBool,
    driver: AbortHandle,
}

impl Drop for Rest {
    fn drop(&mut self) {
        // One that works says goodbye by itself.
        if self.is_broken.load(Ordering::Relaxed) {
            self.driver.abort();
        }
    }
}

impl Manager {
    /// Of connections to this address.
    pub(super) fn new(address: &Address) -> Result<Self, String> {
        let encrypting = match &address.encryption {
            Encryption::Off => None,
            on @ Encryption::On(_) => Some(Encrypting::trusting(on.authority())?),
        };
        let mut config = address.config.clone();
        config.connect_timeout(LONGEST_CONNECT).keepalives_idle(LONGEST_STEP).tcp_user_timeout(2 * LONGEST_STEP);
        config.application_name("countersign");
        Ok(Self { config, encrypting, refuses_moved: AtomicBool::default(), times: Arc::default() })
    }

    /// From now on nobody connects to a database that was moved, or into which something is being moved: whoever was cut off while that was done
    /// must not go on from what was.
    pub(super) fn refuse_moved(&self) {
        self.refuses_moved.store(true, Ordering::Relaxed);
    }

    /// How long steps took, with the wait for a connection.
    pub(super) fn times(&self) -> Times {
        self.times.read()
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = StoreError;

    async fn create(&self) -> Result<Connection, StoreError> {
        // On the heap, since a request seldom comes to it, and each would have to have room for it.
        let connected = match self.encrypting.clone() {
            Some(encrypting) => {
                Box::pin(self.config.connect(encrypting)).await.map(|(client, driver)| (client, drive(driver)))
            }
            None => Box::pin(self.config.connect(NoTls)).await.map(|(client, driver)| (client, drive(driver))),
        };
        let (client, driver) = connected.map_err(|error| unavailable(&error))?;
        client.batch_execute(sql::SETTINGS).await.map_err(|error| not_let_in(&error))?;
        if self.refuses_moved.load(Ordering::Relaxed) {
            Box::pin(refuse_moved(&client)).await?;
        }
        let rest = Rest { statements: Mutex::default(), is_broken: AtomicBool::new(false), driver };
        Ok(Connection { client, rest })
    }

    async fn recycle(&self, connection: &mut Connection, _: &managed::Metrics) -> RecycleResult<StoreError> {
        if connection.client.is_closed() || connection.rest.is_broken.load(Ordering::Relaxed) {
            return Err(RecycleError::message("the connection is closed"));
        }
        Ok(())
    }
}

async fn refuse_moved(client: &Client) -> Result<(), StoreError> {
    let mark = client.query_opt(sql::HAS_TABLE, &[&MARK_TABLE]).await.map_err(|error| unavailable(&error))?;
    if mark.is_none() {
        return Ok(());
    }
    Err(StoreError::Unavailable("it was moved while we were cut off: start on the other".to_owned()))
}

/// Reads and writes what the client sends and gets, on a task of its own.
fn drive<S, T>(driver: tokio_postgres::Connection<S, T>) -> AbortHandle
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Whoever waits for an answer hears of its end.
    tokio::spawn(async { drop(driver.await) }).abort_handle()
}

/// A pool of connections to this address.
pub(super) fn pool(address: &Address) -> Result<Pool<Manager>, String> {
    let pool = Pool::builder(Manager::new(address)?)
        .max_size(address.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(address.patience))
        .create_timeout(Some(LONGEST_CONNECT));
    pool.build().map_err(|error| error.to_string())
}

pub(super) fn unavailable(error: &PostgresError) -> StoreError {
    StoreError::Unavailable(reason(error))
}

/// Why a connection could not be set up.
fn not_let_in(error: &PostgresError) -> StoreError {
    if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
        return StoreError::Unavailable("it is being moved or restored: wait until that is done".to_owned());
    }
    unavailable(error)
}

/// The server's own words and its code, without the detail, which may repeat a value.
pub(super) fn reason(error: &PostgresError) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .fold(error.to_string(), |told, cause| if told.contains(&cause) { told } else { format!("{told}: {cause}") })
}
