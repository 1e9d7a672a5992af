//! How long things took: counts by upper bounds, as a histogram of Prometheus has them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The upper bounds, in seconds.
pub const BOUNDS_S: [f64; 14] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How long things of one kind took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// How many took at most as long as each of [`BOUNDS_S`], and longer than the bound before.
    pub within: [u64; BOUNDS_S.len()],
    /// How many there were.
    pub count: u64,
    /// How long they took together.
    pub total: Duration,
}

impl Times {
    /// Counts one.
    pub fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        if let Some((_, count)) = BOUNDS_S.iter().zip(&mut self.within).find(|(bound, _)| seconds <= **bound) {
            *count += 1;
        }
        self.count += 1;
        self.total += took;
    }
}

/// The same, for several who count at once.
#[derive(Debug, Default)]
pub(crate) struct SharedTimes(Mutex<Times>);

impl SharedTimes {
    pub(crate) fn add(&self, took: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(took);
    }

    pub(crate) fn read(&self) -> Times {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_counted_once_within_the_least_bound_that_holds_it() {
        let times = SharedTimes::default();
        for micros in [0, 100, 101, 60_000_000] {
            times.add(Duration::from_micros(micros));
        }
        let times = times.read();
        assert_eq!((times.within[0], times.within[1], times.within.iter().sum::<u64>()), (2, 1, 3));
        assert_eq!((times.count, times.total), (4, Duration::from_micros(60_000_201)));
    }
}
