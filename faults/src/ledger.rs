//! The ledger: a file outside the system, in which stands what was asked before it is sent, and what was answered.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::account::Act;

/// How many odd answers are told; all are counted.
const MOST_EXAMPLES: usize = 8;

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server said that it has happened.
    Acknowledged,
    /// It has not: it was never sent, or it was refused before it was looked at.
    Refused,
    /// No answer, or 503.
    Unknown,
    /// An answer that should not be.
    Odd,
}

/// The ledger of one fault.
pub(crate) struct Ledger {
    file: Mutex<BufWriter<File>>,
    begun: Instant,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    unknown: AtomicU64,
    cut_off: AtomicU64,
    odd: AtomicU64,
    examples: Mutex<Vec<String>>,
    slowest_ms: AtomicU64,
}

/// How many acts had which outcome.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    /// Of these, those that were not answered at all.
    pub(crate) cut_off: u64,
    pub(crate) odd: u64,
    /// The longest that an act took to its answer, or to the end of the wait for one.
    pub(crate) slowest_ms: u64,
}

impl Ledger {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot make the ledger {}", path.display()))?;
        Ok(Self {
            file: Mutex::new(BufWriter::new(file)),
            begun: Instant::now(),
            acknowledged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            cut_off: AtomicU64::new(0),
            odd: AtomicU64::new(0),
            examples: Mutex::default(),
            slowest_ms: AtomicU64::new(0),
        })
    }

    /// Before it is sent.
    pub(crate) fn ask(&self, account: &str, act: &Act) {
        self.write(account, "asks", act);
    }

    /// After the answer, or the end of the wait for one; `status` is 0 where there was none.
    pub(crate) fn note(&self, account: &str, act: &Act, outcome: Outcome, (status, took_ms): (u16, u64)) {
        let (count, word) = match outcome {
            Outcome::Acknowledged => (&self.acknowledged, "has"),
            Outcome::Refused => (&self.refused, "is refused"),
            Outcome::Unknown => (&self.unknown, "does not know of"),
            Outcome::Odd => (&self.odd, "is oddly answered to"),
        };
        count.fetch_add(1, Ordering::Relaxed);
        if outcome == Outcome::Unknown && status == 0 {
            self.cut_off.fetch_add(1, Ordering::Relaxed);
        }
        self.slowest_ms.fetch_max(took_ms, Ordering::Relaxed);
        self.write(account, &format!("{word} [{status}, {took_ms} ms]"), act);
        if outcome == Outcome::Odd {
            self.tell(format!("{account}: {status} to {act:?}"));
        }
    }

    /// Something that somebody should read.
    pub(crate) fn tell(&self, what: String) {
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() < MOST_EXAMPLES {
            examples.push(what);
        }
    }

    pub(crate) fn examples(&self) -> Vec<String> {
        self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The longest that an act took since this was asked last.
    pub(crate) fn take_slowest(&self) -> Duration {
        Duration::from_millis(self.slowest_ms.swap(0, Ordering::Relaxed))
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            acknowledged: read(&self.acknowledged),
            refused: read(&self.refused),
            unknown: read(&self.unknown),
            cut_off: read(&self.cut_off),
            odd: read(&self.odd),
            slowest_ms: read(&self.slowest_ms),
        }
    }

    fn write(&self, account: &str, word: &str, act: &Act) {
        let at = self.begun.elapsed();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A ledger that cannot be written is noticed at once: the run is worth nothing then.
        if let Err(error) = writeln!(file, "{at:?} {account} {word} {act:?}").and_then(|()| file.flush()) {
            drop(file);
            self.odd.fetch_add(1, Ordering::Relaxed);
            self.tell(format!("the ledger cannot be written: {error}"));
        }
    }
}
