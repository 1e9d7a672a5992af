//! Where the time comes from. Nothing else in this crate reads a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// The time in Unix seconds: the system's, or one that a test sets.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Hand(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `now`.
    pub fn fixed(now: i64) -> Self {
        Self::settable(now).0
    }

    /// A clock that starts at `now` and moves only by its hand. Clones of the clock share the hand.
    pub fn settable(now: i64) -> (Self, ClockHand) {
        let seconds = Arc::new(AtomicI64::new(now));
        (Self(Source::Hand(Arc::clone(&seconds))), ClockHand(seconds))
    }

    /// Unix seconds; negative before 1970.
    pub fn now(&self) -> i64 {
        match &self.0 {
            Source::System => system_milliseconds().div_euclid(1000),
            Source::Hand(seconds) => seconds.load(Ordering::SeqCst),
        }
    }

    /// The same in milliseconds.
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => system_milliseconds(),
            Source::Hand(seconds) => seconds.load(Ordering::SeqCst).saturating_mul(1000),
        }
    }
}

/// Moves a clock made by [`Clock::settable`].
#[derive(Debug)]
pub struct ClockHand(Arc<AtomicI64>);

impl ClockHand {
    /// Sets the clock to `now`, in Unix seconds.
    pub fn set(&self, now: i64) {
        self.0.store(now, Ordering::SeqCst);
    }

    /// Moves the clock by `seconds`; negative moves it back.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
fn system_milliseconds() -> i64 {
    let whole = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => -whole(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settable_clock_moves_only_by_its_hand() {
        let (clock, hand) = Clock::settable(100);
        let copy = clock.clone();
        assert_eq!(clock.now(), 100);
        hand.advance(-30);
        assert_eq!(copy.now(), 70);
        hand.set(5);
        assert_eq!(clock.now(), 5);
    }

    #[test]
    fn the_system_clock_is_past_the_day_this_was_written() {
        assert!(Clock::system().now() > 1_795_000_000);
    }
}
