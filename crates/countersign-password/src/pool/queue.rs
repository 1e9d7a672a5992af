//! The queue of a pool: who waits, who is next, and how much memory the threads hold.
//!
//! First come, first served, strictly, so that small hashes never overtake a large one for ever. A thread keeps the
//! memory of its last job as long as it takes one job after another, and gives it back before it rests: blocks are
//! reused under load, and an idle pool holds none.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::hasher::Hasher;
use crate::kernel::Memory;
use crate::pool::{PoolError, PoolSettings, PoolStats};

/// Something to hash, and whom to tell.
pub(super) struct Job {
    /// KiB that the thread that runs it holds.
    pub(super) memory_kib: usize,
    pub(super) run: Box<dyn FnOnce(Turn<'_>) + Send>,
}

/// What a job is told when it leaves the queue.
pub(super) enum Turn<'a> {
    /// Hash now, with this, and drop the [`Running`] when done.
    Now(&'a Hasher, &'a mut Memory, Running<'a>),
    /// Do not hash any more, and say why.
    Never(PoolError),
}

/// What a thread does next.
pub(super) enum Next<'a> {
    /// Run this job; the thread now holds as much memory as it asks for, or what it held if that is more.
    Run(Job, Running<'a>),
    /// Tell this job that it will not be run.
    Refuse(Job, PoolError),
    /// Unmap the memory, say so with [`Queue::gave_back`], and ask again.
    GiveBack,
    /// End.
    End,
}

/// Who waits, and what the threads do.
pub(super) struct Queue {
    settings: PoolSettings,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// By ticket: the lowest is next.
    waiting: BTreeMap<u64, Waiting>,
    next_ticket: u64,
    running: usize,
    /// KiB that all threads hold.
    held_kib: usize,
    /// How long a job ran lately.
    pace: Duration,
    closed: bool,
}

struct Waiting {
    job: Job,
    /// None when the settings name a time beyond what the clock can say.
    deadline: Option<Instant>,
}

impl Queue {
    pub(super) fn new(settings: PoolSettings) -> Queue {
        Queue { settings, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Puts a job at the end. Dropping the place takes it out again if it still waits (F-17).
    pub(super) fn enter(&self, job: Job) -> Result<Place<'_>, PoolError> {
        if job.memory_kib > self.budget_kib() {
            let (needed_mib, budget_mib) = (job.memory_kib.div_ceil(1024), self.settings.memory_budget_mib);
            return Err(PoolError::OverBudget { needed_mib, budget_mib });
        }
        let deadline = Instant::now().checked_add(self.settings.deadline);
        let mut state = self.lock();
        if state.closed {
            return Err(PoolError::Stopped);
        }
        if state.waiting.len() >= self.settings.queue_limit {
            return Err(self.busy(&state));
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.insert(ticket, Waiting { job, deadline });
        self.changed.notify_one();
        Ok(Place { queue: self, ticket })
    }

    /// Waits until there is something to do for a thread that holds this much memory.
    pub(super) fn next(&self, held_kib: usize) -> Next<'_> {
        let mut state = self.lock();
        while !state.closed {
            if let Some(next) = self.serve(&mut state, held_kib) {
                // The next one in the queue may fit beside it.
                self.changed.notify_one();
                return next;
            }
            if held_kib > 0 {
                return Next::GiveBack;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Next::End
    }

    /// Serves the first in the queue, unless it has to wait for memory.
    fn serve(&self, state: &mut State, held_kib: usize) -> Option<Next<'_>> {
        let (_, first) = state.waiting.first_key_value()?;
        let more_kib = first.job.memory_kib.saturating_sub(held_kib);
        let late = first.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if !late && state.held_kib + more_kib > self.budget_kib() {
            return None;
        }
        let (_, Waiting { job, .. }) = state.waiting.pop_first()?;
        if late {
            return Some(Next::Refuse(job, self.busy(state)));
        }
        state.held_kib += more_kib;
        state.running += 1;
        Some(Next::Run(job, Running { queue: self, since: Instant::now() }))
    }

    /// A thread has unmapped what it held.
    pub(super) fn gave_back(&self, held_kib: usize) {
        self.lock().held_kib -= held_kib;
        self.changed.notify_all();
    }

    /// Lets the threads end after what they run, and tells those who wait.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        for Waiting { job, .. } in waiting.into_values() {
            (job.run)(Turn::Never(PoolError::Stopped));
        }
    }

    pub(super) fn stats(&self) -> PoolStats {
        let state = self.lock();
        PoolStats { queued: state.waiting.len(), running: state.running, memory_kib: state.held_kib }
    }

    /// Waits until nothing waits, runs or holds memory.
    #[cfg(test)]
    pub(super) fn wait_until_idle(&self) {
        let busy = |state: &mut State| !state.waiting.is_empty() || state.running > 0 || state.held_kib > 0;
        drop(self.changed.wait_while(self.lock(), busy).unwrap());
    }

    fn budget_kib(&self) -> usize {
        self.settings.memory_budget_mib.saturating_mul(1024)
    }

    /// The answer to a job for which there is no time: come back when those who wait now have been served.
    fn busy(&self, state: &State) -> PoolError {
        let jobs = u32::try_from(state.waiting.len()).unwrap_or(u32::MAX);
        let threads = u32::try_from(self.settings.threads).unwrap_or(u32::MAX).max(1);
        let wait = state.pace.saturating_mul(jobs) / threads;
        PoolError::Busy { retry_after_s: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let left = self.queue.lock().waiting.remove(&self.ticket);
        if left.is_some() {
            // Whoever is first now may need less memory.
            self.queue.changed.notify_one();
        }
    }
}

/// A job that runs; dropped when it has ended, however it did.
pub(super) struct Running<'a> {
    queue: &'a Queue,
    since: Instant,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let lasted = self.since.elapsed();
        let mut state = self.queue.lock();
        state.running -= 1;
        state.pace = if state.pace.is_zero() { lasted } else { (state.pace * 7 + lasted) / 8 };
    }
}
