//! How far long work is, for whoever waits for it: one line that is drawn over and over on a terminal, and a line now and
//! then elsewhere.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often the line is drawn on a terminal.
const REDRAWN_AFTER: Duration = Duration::from_millis(100);
/// How often there is a line elsewhere. A run that is shorter has none.
const SAID_AFTER: Duration = Duration::from_secs(10);
/// The longest bar.
const LONGEST_BAR: usize = 30;
/// The columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;

/// How much of the work is done, and what was shown of that.
pub(super) struct Progress {
    /// What is counted.
    of: &'static str,
    /// In bytes of a file, or in what is counted; a pipe has none.
    size: Option<u64>,
    read: Arc<AtomicU64>,
    began: Instant,
    shown: Instant,
    is_terminal: bool,
    /// The columns that are drawn on.
    drawn: usize,
}

impl Progress {
    pub(super) fn through(file: &File) -> Self {
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        Self::of("users", size)
    }

    /// Of work whose size is in what is counted, and told as it goes.
    pub(super) fn of_rows() -> Self {
        Self::of("rows", None)
    }

    fn of(of: &'static str, size: Option<u64>) -> Self {
        let now = Instant::now();
        let read = Arc::default();
        Self { of, size, read, began: now, shown: now, is_terminal: stderr().is_terminal(), drawn: 0 }
    }

    /// Shows how many of how many are done, as [`Progress::show`] does.
    pub(super) fn show_of(&mut self, done: u64, total: u64) {
        self.size = Some(total);
        self.read.store(done, Ordering::Relaxed);
        self.show(done);
    }

    /// The file, of which each byte that is read counts.
    pub(super) fn counting(&self, file: File) -> impl Read + Send + 'static {
        Counting { file, read: Arc::clone(&self.read) }
    }

    /// Shows how far it is, unless that was done just now.
    pub(super) fn show(&mut self, count: u64) {
        if self.shown.elapsed() < if self.is_terminal { REDRAWN_AFTER } else { SAID_AFTER } {
            return;
        }
        self.shown = Instant::now();
        let so_far = SoFar { of: self.of, count, read: self.read.load(Ordering::Relaxed), took: self.began.elapsed() };
        if self.is_terminal {
            let line = so_far.drawn(self.size, columns());
            write(&format!("\r{line:width$}", width = self.drawn));
            self.drawn = line.len();
        } else {
            write(&format!("{}\n", so_far.text(self.size)));
        }
    }

    /// Says something in a line of its own.
    pub(super) fn say(&mut self, text: &str) {
        self.clear();
        write(&format!("{text}\n"));
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if self.drawn > 0 {
            write(&format!("\r{:width$}\r", "", width = self.drawn));
            self.drawn = 0;
        }
    }
}

fn write(text: &str) {
    // A terminal that is gone has nobody in front of it.
    let _ = stderr().write_all(text.as_bytes());
}

struct Counting {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(stderr());
    size.map(|size| usize::from(size.ws_col)).ok().filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

/// One moment of the work.
struct SoFar {
    of: &'static str,
    count: u64,
    read: u64,
    took: Duration,
}

impl SoFar {
    /// In words, with what is known of the end.
    fn text(&self, size: Option<u64>) -> String {
        let seconds = self.took.as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "nobody sees the last digits")]
        let rate = self.count as f64 / seconds;
        let text = format!("{} {}, {rate:.0}/s", self.count, self.of);
        let Some(percent) = self.percent(size) else { return text };
        let share = u128::from(percent);
        let left = (self.took.as_millis() * (100 - share)).checked_div(share * 1000).filter(|_| self.count > 0);
        let left = left.map(|left| format!(", {}:{:02} left", left / 60, left % 60)).unwrap_or_default();
        format!("{percent:3} %, {text}{left}")
    }

    /// The same behind a bar, within so many columns.
    fn drawn(&self, size: Option<u64>, columns: usize) -> String {
        let text = self.text(size);
        // The cursor stands in the last column.
        let room = columns.saturating_sub(1);
        let bar = room.saturating_sub(text.len() + 3).min(LONGEST_BAR);
        let full = self.percent(size).map(|percent| bar * usize::try_from(percent).unwrap_or(0) / 100);
        let mut line = match full {
            Some(full) if bar > 0 => format!("[{}{}] {text}", "#".repeat(full), "-".repeat(bar - full)),
            _ => text,
        };
        line.truncate(room);
        line
    }

    fn percent(&self, size: Option<u64>) -> Option<u64> {
        (self.read.min(size?) * 100).checked_div(size?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_is_done_how_fast_and_how_long_it_takes_still() {
        let so_far = SoFar { of: "users", count: 25_000, read: 250, took: Duration::from_secs(30) };
        assert_eq!(so_far.text(Some(1000)), " 25 %, 25000 users, 833/s, 1:30 left");
        assert_eq!(so_far.text(None), "25000 users, 833/s");
        let begun = SoFar { of: "users", count: 0, read: 0, took: Duration::ZERO };
        assert_eq!(begun.text(Some(1000)), "  0 %, 0 users, 0/s");
        // A file that has grown meanwhile.
        assert_eq!(so_far.text(Some(100)), "100 %, 25000 users, 833/s, 0:00 left");
        assert_eq!(so_far.text(Some(0)), "25000 users, 833/s");
    }

    #[test]
    fn a_line_fits_into_the_terminal() {
        let so_far = SoFar { of: "users", count: 25_000, read: 250, took: Duration::from_secs(30) };
        let text = so_far.text(Some(1000));
        assert_eq!(so_far.drawn(Some(1000), 200), format!("[{}{}] {text}", "#".repeat(7), "-".repeat(23)));
        assert_eq!(so_far.drawn(Some(1000), 48), format!("[##------] {text}"));
        assert_eq!(so_far.drawn(None, 80), "25000 users, 833/s");
        for columns in 0..100 {
            assert!(so_far.drawn(Some(1000), columns).len() < columns.max(1), "{columns}");
        }
    }
}
