//! What the two ends of one connection's work share: the socket, which sees bytes, and the service, which sees requests.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::transport::gate::Place;
use crate::transport::refusal::Refusal;

/// The shared facts of one connection.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Requests whose answer has not gone out whole.
    in_flight: AtomicU32,
    /// Requests handed to the service so far.
    requests: AtomicU64,
    /// Where the input stands: see [`Stage::pack`].
    stage: AtomicU64,
    /// The server stops: every answer is the last of its connection.
    is_stopping: AtomicBool,
    /// The head that the socket refused, by its ordinal: always the last one of its connection.
    refused: OnceLock<(u64, Refusal)>,
}

/// A request in flight; dropping it says that its answer is out.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Link>);

impl Link {
    /// Counts a request in, and says whether the socket refused its head.
    pub(crate) fn begin(self: &Arc<Self>) -> (InFlight, Option<Refusal>) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let ordinal = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let refusal = self.refused.get().filter(|(refused, _)| *refused == ordinal).map(|(_, refusal)| *refusal);
        (InFlight(Arc::clone(self)), refusal)
    }

    /// Marks the head with this ordinal (the first is 1) as refused.
    pub(crate) fn refuse(&self, ordinal: u64, refusal: Refusal) {
        // A refused head is the last of its connection, so nothing can be set already.
        let _ = self.refused.set((ordinal, refusal));
    }

    /// From now on every answer is the last of its connection.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Says where the input stands after the bytes that came.
    pub(crate) fn stand(&self, ordinal: u64, place: Place) {
        let place = match place {
            Place::Between => 0,
            Place::Head => 1,
            Place::Body => 2,
            Place::Beyond => 3,
        };
        self.stage.store(ordinal << 2 | place, Ordering::Relaxed);
    }

    /// What the connection waits for now.
    pub(crate) fn wait(&self) -> Wait {
        let stage = self.stage.load(Ordering::Relaxed);
        let (ordinal, place) = (stage >> 2, stage & 3);
        let is_inside_head = place == 1;
        let is_inside_body = place == 2;
        let is_busy = self.in_flight.load(Ordering::Relaxed) > 0;
        let has_begun = self.requests.load(Ordering::Relaxed) > 0;
        match () {
            () if is_inside_head => Wait::Head(ordinal),
            () if is_busy => Wait::Answer,
            // The rest of a body that nobody wants any more takes no longer than a head.
            () if is_inside_body || !has_begun => Wait::Head(ordinal),
            () => Wait::Request(ordinal),
        }
    }
}

/// What a connection waits for. The ordinals tell one head, and one rest, from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The rest of a head, or the first one.
    Head(u64),
    /// Another request.
    Request(u64),
    /// Its own answer: the clocks of the handler, of the body and of the write run elsewhere.
    Answer,
}

impl InFlight {
    /// Whether the server stops meanwhile.
    pub(crate) fn is_last(&self) -> bool {
        self.0.is_stopping.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
