//! Where events go: lines of text for a terminal, lines of JSON for everything else, written by a thread of their own.

mod line_writer;

use std::io::{self, IsTerminal, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

use crate::log::line_writer::LineWriter;

/// Events of our own crates begin with this.
const OURS: &str = "countersign";

/// Writes what is left when it goes.
#[derive(Debug)]
pub struct Log {
    writer: LineWriter,
}

impl Log {
    /// Sends the events of this process to standard error, from now on.
    pub fn start(level: LevelFilter) -> io::Result<Self> {
        let stderr = io::stderr();
        let is_terminal = stderr.is_terminal();
        let writer = LineWriter::start(stderr)?;
        let subscriber = subscriber(level, is_terminal, writer.clone());
        // Only a second log in one process could fail here.
        tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)?;
        Ok(Self { writer })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.writer.finish();
    }
}

/// A subscriber that writes lines to `writer`. Other people's crates never get below warnings: what they would tell of a
/// request is not ours to vouch for.
fn subscriber(level: LevelFilter, is_terminal: bool, writer: LineWriter) -> impl tracing::Subscriber + Send + Sync {
    let filter = Targets::new().with_target(OURS, level).with_default(level.min(LevelFilter::WARN));
    let (text, json) = if is_terminal {
        // No colours: the writer escapes every control character, so that no event can speak to the terminal.
        (Some(tracing_subscriber::fmt::layer().with_ansi(false).with_target(false).with_writer(writer)), None)
    } else {
        let json =
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(writer);
        (None, Some(json))
    };
    tracing_subscriber::registry().with(text.with_filter(filter.clone())).with(json.with_filter(filter))
}

/// From now on a panic is an event that says where, and not with what: its message may hold anything.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        tracing::error!(place, thread, "a panic: this is a fault of the program, please report it");
    }));
}

/// Writes a line about the log itself, past the log.
fn complain(mut to: impl Write, text: std::fmt::Arguments<'_>) {
    let _ = to.write_fmt(text);
}
