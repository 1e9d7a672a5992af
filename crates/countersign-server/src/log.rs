//! Where events go: lines of text for a terminal, lines of JSON for everything else, written by a thread of their own.

mod lines;
mod time;
mod json;

use std::io::{self, IsTerminal};

use countersign::trail::Trail;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::log::json::Json;
use crate::log::lines::Lines;
use crate::traces::Traces;

/// Events of our own crates begin with this.
const OURS: &str = "countersign";

/// Writes what is left when it goes.
#[derive(Debug)]
pub struct Log {
    lines: Lines,
}

impl Log {
    /// Sends the events of this process to standard error, from now on, what was done to the trail, and spans to the collector of
    /// traces.
    ///
    /// Other people's crates never get below warnings: what they would tell of a request is not ours to vouch for.
    pub fn start(level: LevelFilter, trail: &Trail, traces: Option<&Traces>) -> io::Result<Self> {
        let stderr = io::stderr();
        let is_terminal = stderr.is_terminal();
        let lines = Lines::start(stderr)?;
        let filter = Targets::new().with_target(OURS, level).with_default(level.min(LevelFilter::WARN));
        let started = if is_terminal {
            let text = fmt::layer().with_ansi(false).with_target(false).with_writer(lines.clone());
            let registry = registry().with(text.with_filter(filter)).with(trail.layer());
            tracing::subscriber::set_global_default(registry.with(traces.map(Traces::layer)))
        } else {
            let json = Json::new(lines.clone()).with_filter(filter);
            let registry = registry().with(json).with(trail.layer());
            tracing::subscriber::set_global_default(registry.with(traces.map(Traces::layer)))
        };
        // Only a second log in one process could fail here.
        started.map_err(io::Error::other)?;
        Ok(Self { lines })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.finish();
    }
}

/// From now on a panic is an event that says where, and not with what: its message may hold anything.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        tracing::error!(place, thread, "a panic: this is a fault of the program, please report it");
    }));
}
