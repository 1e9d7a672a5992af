//! The two bodies of an exchange: the request's, read against the clock and a ceiling, and the answer's, which says when it is out.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Limited;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::transport::limits::Limits;
use crate::transport::link::InFlight;

/// What a handler reads: fails when the body is larger than any route takes, or is not there in time.
pub(crate) fn request_body(incoming: Incoming, limits: &Limits) -> (Body, BodyClock) {
    if incoming.is_end_stream() {
        return (Body::empty(), BodyClock(None));
    }
    let has_run_out = Arc::new(AtomicBool::new(false));
    let clock = BodyClock(Some(Arc::clone(&has_run_out)));
    let timed = TimedBody { incoming, limit: limits.body, deadline: None, has_run_out };
    (Body::new(Limited::new(timed, limits.body_bytes)), clock)
}

/// Tells whether a handler met the deadline of its body: what it then answers is beside the point.
#[derive(Debug)]
pub(crate) struct BodyClock(Option<Arc<AtomicBool>>);

impl BodyClock {
    pub(crate) fn has_run_out(&self) -> bool {
        self.0.as_ref().is_some_and(|has_run_out| has_run_out.load(Ordering::Relaxed))
    }
}

/// A body that must be there by a deadline; the clock starts when a handler first waits for it.
#[derive(Debug)]
struct TimedBody {
    incoming: Incoming,
    limit: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    has_run_out: Arc<AtomicBool>,
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => {
                let deadline = this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.limit)));
                ready!(deadline.as_mut().poll(cx));
                this.has_run_out.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

pin_project! {
    /// The body of an answer. It is dropped when the last of it has been handed to the socket, and its request with it.
    pub(crate) struct AnswerBody {
        #[pin]
        inner: Body,
        in_flight: InFlight,
    }
}

impl AnswerBody {
    pub(crate) fn new(inner: Body, in_flight: InFlight) -> Self {
        Self { inner, in_flight }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
