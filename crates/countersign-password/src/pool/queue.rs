//! The queue of a pool: who waits, who is next, and how much memory the threads hold.
//!
//! Sources take turns, and nobody is overtaken by who comes later in that order, so that small hashes never keep a large
//! one waiting for ever. A thread keeps the memory of its last job as long as it takes one job after another, and gives
//! it back before it rests: blocks are reused under load, and an idle pool holds none.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::hasher::Hasher;
use crate::kernel::Workspace;
use crate::pool::lines::{Lines, Ticket};
use crate::pool::pace::{Kind, Paces};
use crate::pool::source::Source;
use crate::pool::stats::{PoolStats, Refusals};
use crate::pool::{PoolError, PoolSettings};

/// Something to hash, and whom to tell.
pub(super) struct Job {
    pub(super) kind: Kind,
    pub(super) run: Box<dyn FnOnce(Turn<'_>) + Send>,
}

/// What a job is told when it leaves the queue.
pub(super) enum Turn<'a> {
    /// Hash now, with this, and drop the [`Running`] when done.
    Now(&'a Hasher, &'a mut Workspace, Running<'a>),
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
    lines: Lines<Waiting>,
    /// How long it will take to serve all that wait.
    pending: Duration,
    running: usize,
    /// KiB that all threads hold.
    held_kib: usize,
    paces: Paces,
    refused: Refusals,
    closed: bool,
}

struct Waiting {
    job: Job,
    /// None when the settings name a time beyond what the clock can say.
    deadline: Option<Instant>,
    /// What it adds to the time that others wait.
    share: Duration,
}

impl State {
    /// Keeps the books on one that has left the lines.
    fn left(&mut self, waiting: Option<Waiting>) -> Option<Waiting> {
        let waiting = waiting?;
        self.pending = self.pending.saturating_sub(waiting.share);
        Some(waiting)
    }
}

impl Queue {
    pub(super) fn new(settings: PoolSettings) -> Queue {
        Queue { settings, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Puts a job at the end of its source's line. Dropping the place takes it out again if it still waits (F-17).
    ///
    /// When too many wait, the last job of the source with the most makes room; a job of that source itself is refused.
    pub(super) fn enter(&self, source: Source, job: Job) -> Result<Place<'_>, PoolError> {
        let deadline = Instant::now().checked_add(self.settings.deadline);
        let mut state = self.lock();
        if state.closed {
            return Err(PoolError::Stopped);
        }
        if job.kind.memory_kib > self.budget_kib() {
            state.refused.over_budget += 1;
            let (needed_mib, budget_mib) = (job.kind.memory_kib.div_ceil(1024), self.settings.memory_budget_mib);
            return Err(PoolError::OverBudget { needed_mib, budget_mib });
        }
        let mut displaced = None;
        let busy = busy(&state);
        if self.is_full(&state) {
            let out = state.lines.displace_for(source);
            displaced = state.left(out);
            if displaced.is_none() {
                state.refused.full += 1;
                return Err(busy);
            }
            state.refused.displaced += 1;
        }
        let share = state.paces.expected(job.kind) / self.at_once(job.kind);
        state.pending = state.pending.saturating_add(share);
        let ticket = state.lines.push(source, Waiting { job, deadline, share });
        drop(state);
        self.changed.notify_one();
        if let Some(Waiting { job, .. }) = displaced {
            (job.run)(Turn::Never(busy));
        }
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
        let first = state.lines.first()?;
        let more_kib = first.job.kind.memory_kib.saturating_sub(held_kib);
        let late = first.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if !late && state.held_kib + more_kib > self.budget_kib() {
            return None;
        }
        let first = state.lines.take_first();
        let Waiting { job, .. } = state.left(first)?;
        if late {
            state.refused.late += 1;
            return Some(Next::Refuse(job, busy(state)));
        }
        state.held_kib += more_kib;
        state.running += 1;
        let running = Running { queue: self, since: Instant::now(), kind: job.kind };
        Some(Next::Run(job, running))
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
        let waiting = mem::take(&mut state.lines);
        drop(state);
        self.changed.notify_all();
        for Waiting { job, .. } in waiting.into_all() {
            (job.run)(Turn::Never(PoolError::Stopped));
        }
    }

    pub(super) fn stats(&self) -> PoolStats {
        let state = self.lock();
        PoolStats {
            waiting: state.lines.len(),
            running: state.running,
            memory_kib: state.held_kib,
            refused: state.refused,
            times: state.paces.times(),
        }
    }

    /// Has it that a hash of this kind took so long.
    #[cfg(test)]
    pub(super) fn note(&self, kind: Kind, lasted: Duration) {
        self.lock().paces.note(kind, lasted);
    }

    /// Waits until nothing waits, runs or holds memory.
    #[cfg(test)]
    pub(super) fn wait_until_idle(&self) {
        let busy = |state: &mut State| state.lines.len() > 0 || state.running > 0 || state.held_kib > 0;
        drop(self.changed.wait_while(self.lock(), busy).unwrap());
    }

    fn budget_kib(&self) -> usize {
        self.settings.memory_budget_mib.saturating_mul(1024)
    }

    /// Whether nobody else should wait: there are too many, or they will have waited for too long.
    fn is_full(&self, state: &State) -> bool {
        state.lines.len() >= self.settings.queue_limit || state.pending > self.settings.deadline
    }

    /// How many hashes of this kind run at once: as many as the memory permits, and the threads.
    fn at_once(&self, kind: Kind) -> u32 {
        let permitted = self.budget_kib() / kind.memory_kib.max(1);
        u32::try_from(permitted.min(self.settings.threads)).unwrap_or(u32::MAX).max(1)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a job for which there is no time: come back when those who wait now have been served.
fn busy(state: &State) -> PoolError {
    PoolError::Busy { retry_after_s: u32::try_from(state.pending.as_secs()).unwrap_or(u32::MAX).saturating_add(1) }
}

/// A place in the queue.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        let given_up = state.lines.remove(self.ticket);
        let left = state.left(given_up);
        drop(state);
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
    kind: Kind,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let lasted = self.since.elapsed();
        let mut state = self.queue.lock();
        state.running -= 1;
        state.paces.note(self.kind, lasted);
    }
}
