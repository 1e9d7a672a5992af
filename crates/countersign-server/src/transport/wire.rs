//! A socket that shows its input to the gate, gives up on peers that take no answer, and closes without destroying the last one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::deadline::Deadline;
use crate::transport::gate::{Gate, Refused};
use crate::transport::limits::Limits;
use crate::transport::link::Link;
use crate::transport::refusal::Refusal;
use crate::transport::stream::Stream;

/// What makes a cut request line a whole request again, so that it reaches the service in its turn and is refused there.
const END_OF_CUT_HEAD: &[u8] = b" HTTP/1.1\r\n\r\n";
/// How much is thrown away at once while lingering.
const DISCARD_BYTES: usize = 8 * 1024;

/// The socket of one connection.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: Stream,
    limits: Arc<Limits>,
    link: Arc<Link>,
    gate: Gate,
    /// Bytes of our own that come before anything else is read.
    injected: &'static [u8],
    input: Input,
    write_deadline: Deadline<()>,
    linger_deadline: Deadline<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Open,
    /// A head was refused: nothing more is passed on.
    Refused,
    /// The peer has said all.
    Ended,
}

impl Wire {
    pub(crate) fn new(socket: Stream, limits: Arc<Limits>, link: Arc<Link>) -> Self {
        Self {
            socket,
            gate: Gate::new(limits.request_line_bytes),
            limits,
            link,
            injected: b"",
            input: Input::Open,
            write_deadline: Deadline::default(),
            linger_deadline: Deadline::default(),
        }
    }

    /// Shows the gate what came, and cuts what it refuses.
    fn inspect(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let Some(came) = buf.filled().get(before..) else { return };
        if came.is_empty() {
            self.input = Input::Ended;
            return;
        }
        if let Err(Refused { passed, refusal }) = self.gate.take(came) {
            self.link.refuse(self.gate.ordinal(), refusal);
            self.input = Input::Refused;
            if refusal == Refusal::RequestLineTooLong {
                self.injected = END_OF_CUT_HEAD;
            }
            buf.set_filled(before + passed);
        }
        self.link.stand(self.gate.ordinal(), self.gate.place());
    }

    fn inject(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let (now, later) = self.injected.split_at(self.injected.len().min(buf.remaining()));
        buf.put_slice(now);
        self.injected = later;
        !now.is_empty()
    }

    fn poll_write_deadline<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_deadline.forget();
            return written;
        }
        ready!(self.write_deadline.poll((), self.limits.write, cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.inject(buf) {
            return Poll::Ready(Ok(()));
        }
        if this.input == Input::Refused {
            // Not the end of the input: that would abort the answer to what was refused.
            return Poll::Pending;
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.socket).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                this.inspect(buf, before);
                if buf.filled().len() == before {
                    this.inject(buf);
                }
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.poll_write_deadline(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.poll_write_deadline(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    /// Says that no more answers come, then takes what the peer still sends: a close with unread input would make the
    /// kernel send a reset, which overtakes the last answer.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
        let mut discarded = [0; DISCARD_BYTES];
        while this.input != Input::Ended {
            let mut buf = ReadBuf::new(&mut discarded);
            match Pin::new(&mut this.socket).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    if this.linger_deadline.poll((), this.limits.linger, cx).is_ready() {
                        break;
                    }
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(this.linger_deadline.poll((), this.limits.linger, cx));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}
