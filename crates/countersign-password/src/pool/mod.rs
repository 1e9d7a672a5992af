//! Hashing on threads of its own, so that the threads that serve requests never hash: within a memory budget,
//! from a bounded queue in which sources take turns, each job with a deadline.

mod source;
mod lines;
mod stats;
mod pace;
mod padding;
mod queue;

use std::fmt;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::hash::PasswordHash;
use crate::hasher::{Hasher, Verdict};
use crate::kernel::{Memory, Workspace};
use crate::password::Password;
use crate::pool::pace::Kind;
use crate::pool::padding::Padding;
use crate::pool::queue::{Job, Next, Queue, Turn};
pub use crate::pool::source::Source;
pub use crate::pool::stats::{HashTime, PoolStats, Refusals};
use crate::resource::ResourceError;
use crate::scheme::Scheme;

/// Threads that hash. Clones share them, and they end when the last clone is dropped.
///
/// A future that is dropped gives its place in the queue back. A hash that has begun runs to its end.
#[derive(Clone)]
pub struct HashPool {
    hasher: Hasher,
    source: Source,
    crew: Arc<Crew>,
}

/// How much a pool does at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Threads, at least 1. More than cores do not hash faster.
    pub threads: usize,
    /// MiB that all hashes together may fill at once, at least [`HashPool::least_budget_mib`]. How many hashes run at
    /// once follows from it, up to the number of threads; a stored hash that needs more memory counts for more.
    pub memory_budget_mib: usize,
    /// How many jobs may wait; further ones are refused at once.
    pub queue_limit: usize,
    /// How long a job may wait. None enters while those that wait will take longer, by what hashes took lately; one
    /// that has waited longer all the same is refused when a thread comes to it.
    pub deadline: Duration,
}

impl Default for PoolSettings {
    /// A thread for each core, 256 MiB, 64 waiting jobs for each thread, 5 seconds.
    fn default() -> PoolSettings {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        PoolSettings { threads, memory_budget_mib: 256, queue_limit: 64 * threads, deadline: Duration::from_secs(5) }
    }
}

/// Why the pool has not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Too many jobs wait, or this one has waited for too long.
    #[error("too many passwords are being checked: try again in {retry_after_s} s")]
    Busy {
        /// Seconds until those who wait now have been served, at least 1.
        retry_after_s: u32,
    },
    /// The stored hash needs more memory than the whole budget.
    #[error("a password hash needs {needed_mib} MiB and the memory budget of the pool is {budget_mib} MiB: raise it")]
    OverBudget {
        /// MiB that the hash needs.
        needed_mib: usize,
        /// MiB of the budget.
        budget_mib: usize,
    },
    /// The system refused what the hash needs.
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// The hash panicked; the panic hook has reported where.
    #[error("a password hash failed: this is a fault of the program")]
    Failed,
    /// The threads have ended.
    #[error("the password pool has stopped")]
    Stopped,
}

impl HashPool {
    /// Starts the threads. Fails when the system gives none, or when the settings name no thread or a memory budget
    /// that is too small for a new hash of the hasher's policy.
    pub fn new(hasher: Hasher, settings: PoolSettings) -> io::Result<HashPool> {
        let invalid = |text| io::Error::new(io::ErrorKind::InvalidInput, text);
        if settings.threads == 0 {
            return Err(invalid("the password pool needs at least one thread".to_owned()));
        }
        let needed_mib = HashPool::least_budget_mib(&hasher);
        if needed_mib > settings.memory_budget_mib {
            let budget_mib = settings.memory_budget_mib;
            return Err(invalid(PoolError::OverBudget { needed_mib, budget_mib }.to_string()));
        }
        // Should a thread fail to start, dropping the crew ends those that did.
        let crew = Crew { queue: Arc::new(Queue::new(settings)), padding: Padding::default() };
        for number in 0..settings.threads {
            let (queue, hasher) = (Arc::clone(&crew.queue), hasher.clone());
            thread::Builder::new().name(format!("password-{number}")).spawn(move || work(&queue, &hasher))?;
        }
        Ok(HashPool { hasher, source: Source::UNKNOWN, crew: Arc::new(crew) })
    }

    /// The least [`PoolSettings::memory_budget_mib`]: what one new hash holds.
    pub fn least_budget_mib(hasher: &Hasher) -> usize {
        Memory::held_for(hasher.memory_kib(None)).div_ceil(1024)
    }

    /// The same pool, hashing for this source: sources take turns, and none fills the queue when others want to wait.
    #[must_use]
    pub fn for_source(&self, source: Source) -> HashPool {
        HashPool { source, ..self.clone() }
    }

    /// Hashes a password, as [`Hasher::hash`].
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, PoolError> {
        self.submit(self.kind(None), move |hasher, workspace| hasher.hash_in(workspace, &password)).await
    }

    /// Verifies a password, as [`Hasher::verify`]: without a stored hash it waits and works all the same.
    ///
    /// Where the pool meets hashes of several kinds, say of another scheme or cost, every answer takes as long as the
    /// slowest of them, at most 3 s from when the work begins, and twice that for a password with two spellings: the time does not
    /// tell whose hash was checked.
    pub async fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Result<Verdict, PoolError> {
        let kind = self.kind(stored.as_ref());
        let (cost, spellings) = (self.hasher.cost(stored.as_ref()), password.spellings());
        let work = move |hasher: &Hasher, workspace: &mut Workspace| {
            let begun = Instant::now();
            let verdict = hasher.verify_in(workspace, &password, stored.as_ref())?;
            Ok((verdict, begun, Instant::now()))
        };
        let (verdict, begun, done) = self.submit(kind, work).await?;
        // Of two spellings, how many were hashed goes with the verdict.
        if spellings == 1 {
            self.crew.padding.learn(&cost, done - begun, done);
        }
        if let Some(span) = self.crew.padding.span() {
            tokio::time::sleep_until((begun + span * spellings).into()).await;
        }
        Ok(verdict)
    }

    /// Learns how long hashes like this one take to verify, if that is not known: as long as the one cost of all is that of
    /// new hashes, there is nothing to learn.
    pub async fn learn(&self, stored: PasswordHash) -> Result<(), PoolError> {
        // Said at once, and not only when such a user wants to log in.
        self.hasher.check_pepper(&stored)?;
        let cost = self.hasher.cost(Some(&stored));
        if cost != self.hasher.cost(None) && self.crew.padding.has_room_for(&cost) {
            let _ = self.verify(Password::of_nobody(), Some(stored)).await?;
        }
        Ok(())
    }

    /// What the pool does at this moment, and what it has done.
    pub fn stats(&self) -> PoolStats {
        self.crew.queue.stats()
    }

    fn kind(&self, stored: Option<&PasswordHash>) -> Kind {
        let scheme = stored.map_or(Scheme::Argon2id, PasswordHash::scheme);
        Kind { scheme, memory_kib: Memory::held_for(self.hasher.memory_kib(stored)) }
    }

    async fn submit<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnOnce(&Hasher, &mut Workspace) -> Result<T, ResourceError> + Send + 'static,
    ) -> Result<T, PoolError> {
        let (answer, answered) = oneshot::channel();
        let run = move |turn: Turn<'_>| {
            let outcome = match turn {
                Turn::Now(hasher, workspace, running) => {
                    let outcome = work(hasher, workspace);
                    drop(running);
                    outcome.map_err(PoolError::from)
                }
                Turn::Never(reason) => Err(reason),
            };
            // Nobody listens when the future was dropped.
            let _ = answer.send(outcome);
        };
        let _place = self.crew.queue.enter(self.source, Job { kind, run: Box::new(run) })?;
        answered.await.unwrap_or(Err(PoolError::Failed))
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool").field("hasher", &self.hasher).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// What all clones of a pool share.
struct Crew {
    queue: Arc<Queue>,
    padding: Padding,
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// How much less of a busy core a thread that hashes gets than one that serves requests: about half.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 3;

/// The life of a thread.
fn work(queue: &Queue, hasher: &Hasher) {
    // On Linux it is the thread that is nice, elsewhere it would be the whole process. Where it is refused, those who ask for
    // other things wait a little longer in a storm of logins.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
    let mut workspace = hasher.workspace();
    let mut held_kib = 0;
    loop {
        match queue.next(held_kib) {
            Next::Run(job, running) => {
                held_kib = held_kib.max(job.kind.memory_kib);
                // A panic drops `running` and the answer's sender, which is how the task learns of it. The memory is
                // in no bad state: every hash overwrites what it reads.
                let _ = catch_unwind(AssertUnwindSafe(|| (job.run)(Turn::Now(hasher, &mut workspace, running))));
                // After the answer: nobody waits for it but the next job.
                workspace.memory.wipe();
            }
            Next::Refuse(job, reason) => (job.run)(Turn::Never(reason)),
            Next::GiveBack => {
                workspace.memory.give_back();
                queue.gave_back(mem::take(&mut held_kib));
            }
            Next::End => return,
        }
    }
}

#[cfg(test)]
mod tests;
