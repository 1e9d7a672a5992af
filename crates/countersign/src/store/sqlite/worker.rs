//! A thread that owns a connection, fed by a bounded queue.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::store::StoreError;
use crate::store::sqlite::connection::JobError;
use crate::times::{SharedTimes, Times};

/// How long a job may wait for its turn: with the three seconds that a statement may wait for another process, nobody
/// waits for more than about eight.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Jobs that read from one moment: at some 20 µs each they hold up nobody.
const MOST_TOGETHER: usize = 64;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A thread that works off a queue on a connection of its own. Dropping it waits for the job that runs, and closes the
/// connection.
pub(super) struct Worker {
    /// `None` only while it is dropped.
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    queue_limit: usize,
    /// What kind of work it does, as the thread is called.
    step: String,
    times: Arc<SharedTimes>,
}

impl Worker {
    /// Starts the thread; at most `queue_limit` jobs may wait for it.
    pub(super) fn start(name: &str, connection: Connection, queue_limit: usize) -> io::Result<Self> {
        Self::spawn(name, queue_limit, move |jobs| work_off(jobs, connection))
    }

    /// The same for jobs that only read: those that wait together read from one moment, which spares each of them the locks of its own.
    pub(super) fn start_reading(name: &str, connection: Connection, queue_limit: usize) -> io::Result<Self> {
        Self::spawn(name, queue_limit, move |jobs| read_off(jobs, connection))
    }

    fn spawn(name: &str, queue_limit: usize, work: impl FnOnce(&Receiver<Job>) + Send + 'static) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(queue_limit);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || work(&jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), queue_limit, step: name.to_owned(), times: Arc::default() })
    }

    /// Runs `work` on the thread and waits for its result. Once begun it runs to its end, also when nobody waits any
    /// more; if nobody waits when its turn comes, it is not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, result) = oneshot::channel();
        let queued_at = Instant::now();
        let times = Arc::clone(&self.times);
        self.push(Box::new(move |connection| {
            if answer.is_closed() {
                return;
            }
            let outcome = if queued_at.elapsed() > MAX_WAIT {
                Err(StoreError::Unavailable("the database is too slow: no turn within five seconds".to_owned()))
            } else {
                work(connection).map_err(|error| error.0)
            };
            times.add(queued_at.elapsed());
            // An error means that nobody waits for it.
            drop(answer.send(outcome));
        }))?;
        let result = result.instrument(tracing::debug_span!("store", step = self.step)).await;
        result.unwrap_or_else(|_| {
            Err(StoreError::Unavailable("a job of the store panicked; its changes were rolled back".to_owned()))
        })
    }

    /// How long jobs took, with the wait for their turn.
    pub(super) fn times(&self) -> Times {
        self.times.read()
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
        do_job(job, &mut connection);
    }
}

/// The jobs that are there are taken first, and the moment from which they read begins then: what was written before a job was given is
/// seen by it.
fn read_off(jobs: &Receiver<Job>, mut connection: Connection) {
    while let Ok(first) = jobs.recv() {
        let others: Vec<Job> = jobs.try_iter().take(MOST_TOGETHER).collect();
        let is_one_moment = !others.is_empty() && connection.execute_batch("BEGIN").is_ok();
        do_job(first, &mut connection);
        for job in others {
            do_job(job, &mut connection);
        }
        if is_one_moment && connection.execute_batch("COMMIT").is_err() {
            // A transaction that stayed open would read from this moment for ever.
            drop(connection.execute_batch("ROLLBACK"));
        }
    }
}

/// Unwinding has rolled back the job's transaction and dropped its answer; the next job finds a clean connection.
fn do_job(job: Job, connection: &mut Connection) {
    drop(catch_unwind(AssertUnwindSafe(|| job(connection))));
}
