//! Where a guard whose keys come from elsewhere asks for newer ones, and waits for them.
//!
//! However many requests ask, the one task at the other end (`remote::keeper`) fetches once, and not again before the cool-down
//! is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

/// What the keeper has tried so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// How many attempts have ended.
    attempts: u64,
    /// When the last one ended; before that, when the keeper began.
    ended_at: Instant,
    is_under_way: bool,
}

impl Progress {
    /// The first attempt is about to begin.
    pub(crate) fn new() -> Self {
        Self { attempts: 0, ended_at: Instant::now(), is_under_way: true }
    }

    pub(crate) fn begin(&mut self) {
        self.is_under_way = true;
    }

    pub(crate) fn end(&mut self) {
        *self = Self { attempts: self.attempts + 1, ended_at: Instant::now(), is_under_way: false };
    }

    /// Whether no attempt may be made on demand.
    pub(crate) fn is_cooling_down(&self, cool_down: Duration) -> bool {
        self.ended_at.elapsed() < cool_down
    }
}

/// What a guard holds of its keeper, who works until this is dropped.
pub(crate) struct Demand {
    pub(crate) wanted: Arc<Notify>,
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) cool_down: Duration,
    /// How long a request waits at the most.
    pub(crate) patience: Duration,
    pub(crate) keeper: AbortHandle,
}

impl Demand {
    /// Waits for the attempt under way, or for one that is made for this; returns at once during the cool-down.
    pub(crate) async fn newer_keys(&self) {
        let mut progress = self.progress.clone();
        let seen = *progress.borrow_and_update();
        if !seen.is_under_way {
            if seen.is_cooling_down(self.cool_down) {
                return;
            }
            self.wanted.notify_one();
        }
        // An error is a keeper that is gone with its runtime, or late: the request goes on with what there is.
        let _ = timeout(self.patience, progress.wait_for(|now| now.attempts > seen.attempts)).await;
    }
}

impl Drop for Demand {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}
