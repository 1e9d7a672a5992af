//! Threads that own the connections, fed by one bounded queue.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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

/// Threads that work off one queue. Dropping it waits for the jobs that run, and closes the connections.
pub(super) struct Threads {
    queue: Arc<Queue>,
    handles: Vec<JoinHandle<()>>,
}

struct Queue {
    state: Mutex<QueueState>,
    arrived: Condvar,
    limit: usize,
}

struct QueueState {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Threads {
    /// Starts a thread for each connection.
    pub(super) fn start(name: &str, connections: Vec<Connection>, queue_limit: usize) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::new(QueueState { jobs: VecDeque::new(), closed: false }),
            arrived: Condvar::new(),
            limit: queue_limit,
        });
        // Threads that were started before one that fails end when this is dropped.
        let mut threads = Self { queue, handles: Vec::with_capacity(connections.len()) };
        for connection in connections {
            let queue = Arc::clone(&threads.queue);
            let thread = thread::Builder::new().name(name.to_owned());
            threads.handles.push(thread.spawn(move || work_off(&queue, connection))?);
        }
        Ok(threads)
    }

    /// Runs `work` on one of the threads and waits for its result. Once begun it runs to its end, also when nobody waits
    /// any more; if nobody waits when its turn comes, it is not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, result) = oneshot::channel();
        let queued_at = Instant::now();
        self.queue.push(Box::new(move |connection| {
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
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.queue.close();
        for handle in self.handles.drain(..) {
            // A thread catches the panics of its jobs, so there is nothing to hear.
            drop(handle.join());
        }
    }
}

impl Queue {
    fn push(&self, job: Job) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.jobs.len() >= self.limit {
            return Err(StoreError::Unavailable(format!("the database is busy: {} jobs wait", self.limit)));
        }
        state.jobs.push_back(job);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// The next job; `None` after closing.
    fn pop(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work_off(queue: &Queue, mut connection: Connection) {
    while let Some(job) = queue.pop() {
        // Unwinding has rolled back the job's transaction and dropped its answer; the next job finds a clean connection.
        drop(catch_unwind(AssertUnwindSafe(|| job(&mut connection))));
    }
}
