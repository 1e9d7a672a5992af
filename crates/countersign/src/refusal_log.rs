//! What the log says about refusals: one line in a while, with their number, since a storm of them must not flood it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The least time between two lines.
const QUIET: Duration = Duration::from_secs(10);

/// Counts refusals until it is time for a line.
#[derive(Debug, Default)]
pub(crate) struct RefusalLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    unsaid: u64,
    last: Option<Instant>,
}

impl RefusalLog {
    /// Takes note of a refusal, and says how many there were since the last line if another is due.
    pub(crate) fn count(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unsaid += 1;
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < QUIET) {
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_is_said_at_once_and_those_that_follow_together() {
        let (log, start) = (RefusalLog::default(), Instant::now());
        assert_eq!(log.count(start), Some(1));
        for _ in 0..500 {
            assert_eq!(log.count(start + QUIET / 2), None);
        }
        assert_eq!(log.count(start + QUIET), Some(501));
        assert_eq!(log.count(start + QUIET), None);
    }
}
