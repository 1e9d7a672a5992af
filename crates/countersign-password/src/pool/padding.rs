//! The same time for every verification: an answer that comes early tells an attacker that the user exists and has a cheap
//! hash, one that comes late that the hash is dear.
//!
//! The time that a kind of hash takes is learnt by verifying it. As long as there is one kind, an unknown user costs the
//! same anyhow. With several, every answer waits until the slowest kind would have been done: it costs time, not work.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A kind that nobody has logged in with for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(7 * 24);
/// No answer waits longer, however dear a hash is: a table with one costly row must not slow all logins down for ever.
const LONGEST: Duration = Duration::from_secs(3);

/// Kinds that are learnt before anybody logs in with them; a table of users has a handful.
const MOST_AHEAD: usize = 32;

/// How long verifications take, by kind of hash.
#[derive(Debug, Default)]
pub(super) struct Padding {
    kinds: Mutex<HashMap<String, Kind>>,
}

#[derive(Debug)]
struct Kind {
    /// About 97 of 100 verifications take no longer.
    nearly_always: Duration,
    seen_at: Instant,
}

impl Padding {
    /// Learns how long a verification of this kind took.
    pub(super) fn learn(&self, kind: &str, took: Duration, now: Instant) {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kind) = kinds.get_mut(kind) {
            kind.learn(took);
            kind.seen_at = now;
        } else {
            kinds.retain(|_, kind| now.saturating_duration_since(kind.seen_at) < FORGOTTEN_AFTER);
            kinds.insert(kind.to_owned(), Kind { nearly_always: took.mul_f64(1.25), seen_at: now });
        }
    }

    /// Whether this kind is still to be learnt, and not already one too many.
    pub(super) fn has_room_for(&self, kind: &str) -> bool {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.len() < MOST_AHEAD && !kinds.contains_key(kind)
    }

    /// How long a verification has to seem, if that matters: a little longer than the slowest kind nearly always takes.
    pub(super) fn span(&self) -> Option<Duration> {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let slowest = kinds.values().map(|kind| kind.nearly_always).max()?;
        (kinds.len() > 1).then(|| slowest.mul_f64(1.1).min(LONGEST))
    }
}

impl Kind {
    /// Moves the estimate of the 97th percentile by a twentieth of itself: up by 97 parts of it, or down by 3.
    fn learn(&mut self, took: Duration) {
        let step = self.nearly_always / 20;
        if took > self.nearly_always {
            self.nearly_always += step.mul_f64(0.97);
        } else {
            self.nearly_always -= step.mul_f64(0.03);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn one_kind_needs_no_padding_and_of_several_the_slowest_counts() {
        let (padding, now) = (Padding::default(), Instant::now());
        assert_eq!(padding.span(), None);
        padding.learn("cheap", 2 * MS, now);
        assert_eq!(padding.span(), None);
        padding.learn("dear", 100 * MS, now);
        assert!(padding.span().is_some_and(|span| span > 100 * MS && span < 200 * MS));
        padding.learn("ruinous", 60_000 * MS, now);
        assert_eq!(padding.span(), Some(LONGEST));
    }

    #[test]
    fn nearly_all_verifications_of_the_slowest_kind_end_within_the_span() {
        let (padding, now) = (Padding::default(), Instant::now());
        padding.learn("cheap", MS, now);
        // From 50 to 149 ms, each as often, out of order.
        let took = |turn: u32| (50 + turn * 37 % 100) * MS;
        (0..5000).for_each(|turn| padding.learn("dear", took(turn), now));
        let span = padding.span().expect("two kinds");
        let within = (0..100).filter(|turn| took(*turn) <= span).count();
        assert!(within >= 95 && span < 250 * MS, "{within} of 100 within {span:?}");
    }

    #[test]
    fn a_kind_that_is_gone_is_forgotten_after_a_week() {
        let (padding, now) = (Padding::default(), Instant::now());
        padding.learn("cheap", MS, now);
        padding.learn("dear", 100 * MS, now);
        let later = now + FORGOTTEN_AFTER + MS;
        padding.learn("cheap", MS, later);
        padding.learn("new", MS, later);
        assert!(padding.span().is_some_and(|span| span < 2 * MS), "{padding:?}");
    }
}
