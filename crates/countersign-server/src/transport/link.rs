//! What the two ends of one connection's work share: the socket, which sees bytes, and the service, which sees requests.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::transport::gate::Place;
use crate::transport::refusal::Refusal;

const INSIDE_HEAD: u64 = 1;
const INSIDE_BODY: u64 = 2;

/// The shared facts of one connection.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Requests whose answer has not gone out whole.
    in_flight: AtomicU32,
    /// Requests handed to the service so far.
    requests: AtomicU64,
    /// Where the input stands: the ordinal of the head, and in the lowest two bits the place.
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
            Place::Head => INSIDE_HEAD,
            Place::Body => INSIDE_BODY,
            Place::Beyond => 3,
        };
        self.stage.store(ordinal << 2 | place, Ordering::Relaxed);
    }

    /// What the connection waits for now.
    pub(crate) fn wait(&self) -> Wait {
        let stage = self.stage.load(Ordering::Relaxed);
        let (ordinal, place) = (stage >> 2, stage & 3);
        let requests = self.requests.load(Ordering::Relaxed);
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            // Also inside the next head: it is not read on before this answer is out.
            Wait::Answer
        } else if place == INSIDE_HEAD {
            Wait::Head(ordinal)
        } else if place == INSIDE_BODY {
            Wait::Leftover(requests)
        } else if requests == 0 {
            Wait::Head(ordinal)
        } else {
            Wait::Request(requests)
        }
    }
}

/// What a connection waits for. The numbers tell each time from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The rest of a head, or the first one.
    Head(u64),
    /// Another request.
    Request(u64),
    /// The rest of a body that nobody wants any more.
    Leftover(u64),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_waits_for_heads_answers_and_requests_in_turn() {
        let link = Arc::new(Link::default());
        assert_eq!(link.wait(), Wait::Head(0));
        link.stand(1, Place::Head);
        assert_eq!(link.wait(), Wait::Head(1));
        link.stand(2, Place::Between);
        let (in_flight, _) = link.begin();
        assert_eq!(link.wait(), Wait::Answer);
        link.stand(2, Place::Head);
        assert_eq!(link.wait(), Wait::Answer, "the next head is not read on meanwhile");
        drop(in_flight);
        assert_eq!(link.wait(), Wait::Head(2));
        link.stand(2, Place::Between);
        assert_eq!(link.wait(), Wait::Request(1));
        drop(link.begin());
        assert_eq!(link.wait(), Wait::Request(2));
    }

    #[test]
    fn each_rest_between_streams_of_http2_is_a_new_one() {
        let link = Arc::new(Link::default());
        link.stand(1, Place::Beyond);
        assert_eq!(link.wait(), Wait::Head(1));
        let (first, second) = (link.begin(), link.begin());
        drop(first);
        assert_eq!(link.wait(), Wait::Answer);
        drop(second);
        assert_eq!(link.wait(), Wait::Request(2));
    }

    #[test]
    fn a_body_that_nobody_wants_is_waited_for_by_itself() {
        let link = Arc::new(Link::default());
        link.stand(1, Place::Body);
        drop(link.begin());
        assert_eq!(link.wait(), Wait::Leftover(1));
    }

    #[test]
    fn only_the_refused_head_is_refused() {
        let link = Arc::new(Link::default());
        link.refuse(2, Refusal::AmbiguousLength);
        assert_eq!(link.begin().1, None);
        assert_eq!(link.begin().1, Some(Refusal::AmbiguousLength));
    }
}
