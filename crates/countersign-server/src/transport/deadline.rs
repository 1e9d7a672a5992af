//! A clock that starts anew with each new reason to wait, and costs nothing while the reason stays and little when it changes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A point in time that belongs to a reason: a new reason sets it anew.
#[derive(Debug)]
pub(crate) struct Deadline<R> {
    due: Option<(R, Instant)>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<R> Default for Deadline<R> {
    fn default() -> Self {
        Self { due: None, alarm: None }
    }
}

impl<R: Copy + PartialEq> Deadline<R> {
    /// Ready when `limit` has passed since this reason was first given.
    pub(crate) fn poll(&mut self, reason: R, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let due = match self.due {
            Some((known, due)) if known == reason => due,
            _ => Instant::now() + limit,
        };
        self.due = Some((reason, due));
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if alarm.deadline() > due {
            alarm.as_mut().reset(due);
        }
        // One that was set for a reason before rings too early, once: nearly every reason is gone before it would ring at all, so that to
        // set it anew for each would be in vain.
        loop {
            ready!(alarm.as_mut().poll(cx));
            if alarm.deadline() >= due {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(due);
        }
    }

    /// The next reason is new, whatever it is.
    pub(crate) fn forget(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const A_MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn each_new_reason_has_its_whole_time_and_an_old_one_what_is_left_of_it() {
        let mut deadline = Deadline::default();
        let started = Instant::now();
        for reason in 0..3 {
            tokio::time::advance(A_MINUTE / 2).await;
            assert!(poll_fn(|cx| Poll::Ready(deadline.poll(reason, A_MINUTE, cx))).await.is_pending());
        }
        poll_fn(|cx| deadline.poll(2, A_MINUTE, cx)).await;
        assert_eq!(started.elapsed().as_secs(), 90 + 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reason_with_less_time_rings_earlier() {
        let mut deadline = Deadline::default();
        let started = Instant::now();
        assert!(poll_fn(|cx| Poll::Ready(deadline.poll(0, A_MINUTE, cx))).await.is_pending());
        poll_fn(|cx| deadline.poll(1, A_MINUTE / 4, cx)).await;
        assert_eq!(started.elapsed().as_secs(), 15);
    }
}
