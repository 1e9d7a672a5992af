//! Hands lines to a thread that writes them: whoever logs never waits for a disk, a pipe or a terminal.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait; beyond that they are counted and lost, because an operator's full disk must not stop logins.
const QUEUE: usize = 16 * 1024;
/// Bytes that are written at once.
const BATCH_BYTES: usize = 64 * 1024;
/// How long the end waits for the last lines.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Takes lines. Clones write to the same place.
#[derive(Clone, Debug)]
pub(super) struct LineWriter {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// Everything before is written when this is answered.
    Flush(SyncSender<()>),
}

impl LineWriter {
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Self { queue, lost: Arc::clone(&lost) };
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&lines, to, &lost))?;
        Ok(writer)
    }

    /// Waits until what was logged is written, within reason.
    pub(super) fn finish(&self) {
        let (written, is_written) = sync_channel(1);
        if self.queue.try_send(Message::Flush(written)).is_ok() {
            let _ = is_written.recv_timeout(LAST_WAIT);
        }
    }
}

impl Write for LineWriter {
    /// Takes one whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Message::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LineWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn write_all(messages: &Receiver<Message>, mut to: impl Write, lost: &AtomicU64) {
    let mut batch = Vec::with_capacity(BATCH_BYTES);
    while let Ok(first) = messages.recv() {
        let mut flushed = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Line(line) => push_escaped(&mut batch, &line),
                Message::Flush(written) => flushed.push(written),
            }
            next = if batch.len() < BATCH_BYTES { messages.try_recv().ok() } else { None };
        }
        // Nobody is left to be told that standard error is gone.
        let _ = to.write_all(&batch);
        batch.clear();
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            super::complain(
                &mut to,
                format_args!("{{\"level\":\"WARN\",\"message\":\"lines of the log were lost\",\"lost\":{lost}}}\n"),
            );
        }
        for written in flushed {
            let _ = written.send(());
        }
    }
}

/// One line stays one line, and no byte in it speaks to a terminal. In JSON such bytes are escaped already.
fn push_escaped(batch: &mut Vec<u8>, line: &[u8]) {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    for byte in text {
        if byte.is_ascii_control() {
            batch.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        } else {
            batch.push(*byte);
        }
    }
    batch.push(b'\n');
}
