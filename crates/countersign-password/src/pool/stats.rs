//! What a pool tells about itself, for metrics.

use std::time::Duration;

use crate::scheme::Scheme;

/// What a pool does at this moment, and what it has done since it was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolStats {
    /// Jobs that wait.
    pub waiting: usize,
    /// Jobs that run.
    pub running: usize,
    /// KiB that the threads hold for hashes.
    pub memory_kib: usize,
    /// Jobs that were refused.
    pub refused: Refusals,
    /// Hashes that have ended, by algorithm.
    pub times: Vec<HashTime>,
}

/// Jobs that a pool refused, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Refusals {
    /// The queue was full, or so long that the deadline would have passed.
    pub full: u64,
    /// They waited, and made room for a source of which fewer waited.
    pub displaced: u64,
    /// They waited until their deadline.
    pub late: u64,
    /// They need more memory than the whole budget.
    pub over_budget: u64,
}

/// What the hashes of one algorithm have cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HashTime {
    /// The algorithm.
    pub scheme: Scheme,
    /// Hashes that have ended.
    pub count: u64,
    /// How long they ran, all together.
    pub time: Duration,
}

impl PoolStats {
    /// Whether nothing waits, nothing runs, and no memory is held.
    pub fn is_idle(&self) -> bool {
        (self.waiting, self.running, self.memory_kib) == (0, 0, 0)
    }
}

impl Refusals {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.full + self.displaced + self.late + self.over_budget
    }
}
