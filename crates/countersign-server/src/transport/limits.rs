//! What one peer may cost: sizes, counts and times, all in one place.

use std::time::Duration;

/// The bounds that the server holds every connection to. [`Limits::default`] is what the server runs with; tests shorten the times.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest request line, in bytes, the line end included; beyond it the answer is 414.
    pub request_line_bytes: usize,
    /// The largest header block, in bytes; beyond it the answer is 431.
    pub header_bytes: usize,
    /// The most header fields; beyond it the answer is 431.
    pub header_fields: usize,
    /// The largest request body of any route, in bytes; beyond it the answer is 413. Routes may take less.
    pub body_bytes: usize,
    /// From the first byte of a request head (or from the start of the connection) to its last; and for a TLS handshake.
    pub head: Duration,
    /// From the moment that a handler waits for a body to its last byte. With bodies of at least a kilobyte this also
    /// demands more than 100 bytes a second.
    pub body: Duration,
    /// How long a connection may rest between two requests.
    pub idle: Duration,
    /// How long a handler may work; beyond it the answer is 503.
    pub handler: Duration,
    /// How long a peer may refuse to take the bytes of an answer.
    pub write: Duration,
    /// How long bytes that nobody reads are taken from a peer after the last answer, so that closing does not destroy it.
    pub linger: Duration,
    /// How long connections at rest are kept after the signal to stop, for requests that are on their way.
    pub farewell: Duration,
    /// How long requests in flight may go on after the signal to stop.
    pub drain: Duration,
    /// Connections at one time; the others wait in the kernel's queue.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line_bytes: 8 * 1024,
            header_bytes: 16 * 1024,
            header_fields: 100,
            body_bytes: 64 * 1024,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            handler: Duration::from_secs(30),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            farewell: Duration::from_millis(200),
            drain: Duration::from_secs(8),
            connections: 8192,
        }
    }
}
