//! How long hashes take, measured: what the waiting will last, and what each algorithm has cost.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::pool::stats::HashTime;
use crate::scheme::Scheme;

/// What hashes have in common that cost alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) scheme: Scheme,
    /// KiB that the thread that runs it holds.
    pub(super) memory_kib: usize,
}

/// The paces of all kinds that have been seen.
#[derive(Default)]
pub(super) struct Paces {
    lately: BTreeMap<(&'static str, usize), Duration>,
    /// Of all kinds together, for those that have not been seen.
    lately_any: Duration,
    times: BTreeMap<&'static str, HashTime>,
}

/// Kinds that are told apart. A table of users has a handful; one with more is estimated less well.
const MOST_KINDS: usize = 64;

impl Paces {
    /// Takes note of a hash that has ended.
    pub(super) fn note(&mut self, kind: Kind, lasted: Duration) {
        let key = key(kind);
        if self.lately.len() < MOST_KINDS || self.lately.contains_key(&key) {
            smooth(self.lately.entry(key).or_default(), lasted);
        }
        smooth(&mut self.lately_any, lasted);
        let nothing = HashTime { scheme: kind.scheme, count: 0, time: Duration::ZERO };
        let time = self.times.entry(kind.scheme.name()).or_insert(nothing);
        time.count += 1;
        time.time = time.time.saturating_add(lasted);
    }

    /// How long a hash of this kind takes; zero before any was measured.
    pub(super) fn expected(&self, kind: Kind) -> Duration {
        self.lately.get(&key(kind)).copied().unwrap_or(self.lately_any)
    }

    /// Count and time by algorithm, by name.
    pub(super) fn times(&self) -> Vec<HashTime> {
        self.times.values().copied().collect()
    }
}

fn key(kind: Kind) -> (&'static str, usize) {
    (kind.scheme.name(), kind.memory_kib)
}

fn smooth(pace: &mut Duration, lasted: Duration) {
    *pace = if pace.is_zero() { lasted } else { (*pace * 7 + lasted) / 8 };
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGON2: Kind = Kind { scheme: Scheme::Argon2id, memory_kib: 20_480 };
    const BCRYPT: Kind = Kind { scheme: Scheme::Bcrypt, memory_kib: 0 };

    #[test]
    fn each_kind_has_its_own_pace_and_an_unknown_one_that_of_all() {
        let mut paces = Paces::default();
        assert_eq!(paces.expected(ARGON2), Duration::ZERO);
        paces.note(ARGON2, Duration::from_millis(20));
        assert_eq!(paces.expected(BCRYPT), Duration::from_millis(20));
        paces.note(BCRYPT, Duration::from_millis(260));
        assert_eq!(paces.expected(BCRYPT), Duration::from_millis(260));
        assert_eq!(paces.expected(ARGON2), Duration::from_millis(20));
        assert_eq!(paces.expected(Kind { memory_kib: 65_536, ..ARGON2 }), Duration::from_millis(50));
        assert_eq!(
            paces.times(),
            [(ARGON2, 20), (BCRYPT, 260)].map(|(kind, ms)| HashTime {
                scheme: kind.scheme,
                count: 1,
                time: Duration::from_millis(ms)
            })
        );
    }

    #[test]
    fn kinds_without_end_are_not_all_remembered() {
        let mut paces = Paces::default();
        for memory_kib in 0..10_000 {
            paces.note(Kind { memory_kib, ..ARGON2 }, Duration::from_millis(20));
        }
        assert_eq!(paces.lately.len(), MOST_KINDS);
        assert_eq!(paces.times()[0].count, 10_000);
    }
}
