//! Somebody who asks for the same again and again while others suffer, and notes the answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::http::{Reply, Request};

/// One answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    /// 0 where there was none.
    pub(crate) status: u16,
    pub(crate) took: Duration,
    /// Whether a 503 says when to try again; true for all others.
    pub(crate) is_polite: bool,
}

/// Asks until it is told to stop, once each `every`.
pub(crate) fn ask_again(address: SocketAddr, request: &Request, every: Duration, stop: &AtomicBool) -> Vec<Note> {
    let mut notes = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        notes.push(ask(address, request));
        std::thread::sleep(every);
    }
    notes
}

pub(crate) fn ask(address: SocketAddr, request: &Request) -> Note {
    let asked = Instant::now();
    let reply = request.send(address);
    let is_polite = match &reply {
        Reply::Answer(answer) => answer.status != 503 || answer.says_when_to_try_again(),
        _ => true,
    };
    Note { status: reply.status(), took: asked.elapsed(), is_polite }
}

/// How long it takes until this is answered with 200, for at most a minute.
pub(crate) fn time_until_good(address: SocketAddr, request: &Request) -> Option<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(1) {
        if ask(address, request).status == 200 {
            return Some(begun.elapsed());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// As people read it.
pub(crate) fn in_ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// The time within which 99 of 100 were answered.
pub(crate) fn p99(notes: &[Note]) -> Duration {
    let mut times: Vec<_> = notes.iter().map(|note| note.took).collect();
    times.sort_unstable();
    times.get((times.len() * 99 / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}
