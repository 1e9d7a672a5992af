//! A thread that owns a connection, fed by a bounded queue.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::StoreError;
use crate::store::sqlite::connection::JobError;

/// How long a job may wait for its turn: with the three seconds that a statement may wait for another process, nobody
/// waits for more than about eight.
const MAX_WAIT: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A thread that works off a queue on a connection of its own. Dropping it waits for the job that runs, and closes the
/// connection.
pub(super) struct Worker {
    /// `None` only while it is dropped.
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    queue_limit: usize,
}

impl Worker {
    /// Starts the thread; at most `queue_limit` jobs may wait for it.
    pub(super) fn start(name: &str, connection: Connection, queue_limit: usize) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(queue_limit);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || work_off(&jobs, connection))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), queue_limit })
    }

    /// Runs `work` on the thread and waits for its result. Once begun it runs to its end, also when nobody waits any
    /// more; if nobody waits when its turn comes, it is not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, result) = oneshot::channel();
        let queued_at = Instant::now();
        self.push(Box::new(move |connection| {
            if answer.is_closed() {
                return;
            }
            let outcome = if queued_at.elapsed() > MAX_WAIT {
                Err(StoreError::Unavailable("the database is too slow: no turn within five seconds".to_owned()))
            } else {
                work(connection).map_err(|error| error.0)
            };
            // An error means that nobody waits for it.
            drop(answer.send(outcome));
        }))?;
        result.await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable("a job of the store panicked; its changes were rolled back".to_owned()))
        })
    }

    fn push(&self, job: Job) -> Result<(), StoreError> {
        let refusal = match self.queue.as_ref().map(|queue| queue.try_send(job)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(TrySendError::Full(_))) => format!("the database is busy: {} jobs wait", self.queue_limit),
            Some(Err(TrySendError::Disconnected(_))) | None => "the thread of the database has ended".to_owned(),
        };
        Err(StoreError::Unavailable(refusal))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The thread ends when the last sender is gone.
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // It catches the panics of its jobs, so there is nothing to hear.
            drop(thread.join());
        }
    }
}

fn work_off(jobs: &Receiver<Job>, mut connection: Connection) {
    while let Ok(job) = jobs.recv() {
        // Unwinding has rolled back the job's transaction and dropped its answer; the next job finds a clean connection.
        drop(catch_unwind(AssertUnwindSafe(|| job(&mut connection))));
    }
}
