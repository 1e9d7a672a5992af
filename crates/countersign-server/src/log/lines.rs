//! Lines on their way to standard error. They are gathered and written by a thread of their own, so that whoever logs
//! neither makes a system call nor waits for a disk, a pipe or a terminal.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait. Lines beyond are counted and lost: an operator's full disk must not stop logins.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How long lines are gathered: a wake-up for each would cost more than the lines.
const GATHERING: Duration = Duration::from_millis(5);
/// How long the end waits for the last lines.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Takes lines. Clones write to the same place.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Something waits, or the end has come.
    news: Condvar,
    /// Everything is written.
    quiet: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    lost: u64,
    is_writing: bool,
    is_ending: bool,
}

impl Lines {
    /// Starts the thread that writes to `to`.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let lines = Self { shared: Arc::clone(&shared) };
        std::thread::Builder::new().name("log".to_owned()).spawn(move || shared.write_for_ever(to))?;
        Ok(lines)
    }

    /// Takes one line with its end.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.shared.lock();
        if state.waiting.len() + line.len() > MOST_BYTES {
            state.lost += 1;
            return;
        }
        if state.waiting.is_empty() {
            self.shared.news.notify_one();
        }
        state.waiting.extend_from_slice(line);
    }

    /// Waits until what was logged is written, within reason.
    pub(super) fn finish(&self) {
        let mut state = self.shared.lock();
        state.is_ending = true;
        self.shared.news.notify_one();
        let is_busy = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        // What comes back is the lock, which is given up at once.
        let _ = self.shared.quiet.wait_timeout_while(state, LAST_WAIT, is_busy);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_for_ever(&self, mut to: impl Write) {
        let mut batch = Vec::new();
        loop {
            let lost = self.gather(&mut batch);
            // Nobody is left to be told when standard error is gone.
            let _ = to.write_all(&batch);
            if lost > 0 {
                let _ = writeln!(to, r#"{{"level":"WARN","message":"lines of the log were lost","lost":{lost}}}"#);
            }
            batch.clear();
        }
    }

    /// Waits for lines, takes all there are, and says how many were lost.
    fn gather(&self, batch: &mut Vec<u8>) -> u64 {
        let mut state = self.lock();
        state.is_writing = false;
        self.quiet.notify_all();
        let waited = self.news.wait_while(state, |state| state.waiting.is_empty());
        state = waited.unwrap_or_else(PoisonError::into_inner);
        let gathered = self.news.wait_timeout_while(state, GATHERING, |state| !state.is_ending);
        state = gathered.unwrap_or_else(PoisonError::into_inner).0;
        state.is_writing = true;
        std::mem::swap(&mut state.waiting, batch);
        std::mem::take(&mut state.lost)
    }
}

/// For text: one line stays one line, and no byte in it speaks to a terminal (R-177).
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let mut escaped = String::with_capacity(line.len() + 1);
        for c in String::from_utf8_lossy(text).chars() {
            if c.is_control() { escaped.extend(c.escape_unicode()) } else { escaped.push(c) }
        }
        escaped.push('\n');
        self.push(escaped.as_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

    use super::*;

    /// Hands on what is written.
    pub(in crate::log) struct Outlet(pub(in crate::log) SyncSender<Vec<u8>>);

    impl Write for Outlet {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_out_in_their_order_and_the_end_waits_for_them() {
        let (outlet, written) = sync_channel(1000);
        let lines = Lines::start(Outlet(outlet)).unwrap();
        for number in 0..1000 {
            lines.push(format!("{number}\n").as_bytes());
        }
        lines.finish();
        let all = written.try_iter().collect::<Vec<_>>().concat();
        let wanted: Vec<_> = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(all).unwrap(), wanted.concat());
    }

    // R-177
    #[test]
    fn text_cannot_begin_a_line_or_speak_to_a_terminal() {
        let (outlet, written) = sync_channel(1000);
        let mut lines = Lines::start(Outlet(outlet)).unwrap();
        lines.write_all("a\r\nb\x1b[31m\u{9b}1mü\n".as_bytes()).unwrap();
        lines.finish();
        let all = written.try_iter().collect::<Vec<_>>().concat();
        assert_eq!(String::from_utf8(all).unwrap(), "a\\u{d}\\u{a}b\\u{1b}[31m\\u{9b}1mü\n");
    }

    #[test]
    fn what_nobody_takes_is_lost_and_counted_and_nobody_waits_for_it() {
        // Nothing is written before somebody takes it.
        let (outlet, written) = sync_channel(0);
        let lines = Lines::start(Outlet(outlet)).unwrap();
        let line = vec![b'a'; MOST_BYTES / 8];
        for _ in 0..100 {
            lines.push(&line);
        }
        // The time is never reached unless nothing is told.
        let mut told = std::iter::from_fn(|| written.recv_timeout(Duration::from_mins(1)).ok());
        assert!(told.any(|bytes| String::from_utf8(bytes).unwrap().contains("lines of the log were lost")));
    }
}
