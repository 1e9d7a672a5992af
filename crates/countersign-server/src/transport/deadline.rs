//! A clock that starts anew with each new reason to wait, and costs nothing while the reason stays.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A point in time that belongs to a reason: a new reason sets it anew.
#[derive(Debug)]
pub(crate) struct Deadline<R> {
    reason: Option<R>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<R> Default for Deadline<R> {
    fn default() -> Self {
        Self { reason: None, sleep: None }
    }
}

impl<R: Copy + PartialEq> Deadline<R> {
    /// Ready when `limit` has passed since this reason was first given.
    pub(crate) fn poll(&mut self, reason: R, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let is_new = self.reason != Some(reason);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if is_new {
            sleep.as_mut().reset(Instant::now() + limit);
            self.reason = Some(reason);
        }
        sleep.as_mut().poll(cx)
    }

    /// The next reason is new, whatever it is.
    pub(crate) fn forget(&mut self) {
        self.reason = None;
    }
}
