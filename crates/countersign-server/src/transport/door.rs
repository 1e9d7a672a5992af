//! Where callers come in: a listener, and the certificate that it shows, if any.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::transport::certificate::Certificate;
use crate::transport::limits::Limits;
use crate::transport::stream::Stream;

/// A listener, with or without TLS.
#[derive(Debug)]
pub struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) certificate: Option<Certificate>,
}

impl Door {
    /// One at which TLS is spoken.
    pub fn encrypted(listener: TcpListener, certificate: Certificate) -> Self {
        Self { listener, certificate: Some(certificate) }
    }
}

impl From<TcpListener> for Door {
    fn from(listener: TcpListener) -> Self {
        Self { listener, certificate: None }
    }
}

/// Shakes hands, if there is a certificate. `None` if the peer does not do so in time, as it has to send a request head in time, or
/// goes; a server that stops waits no longer for it than for a request that is on its way.
pub(crate) async fn enter(
    socket: TcpStream,
    peer: SocketAddr,
    certificate: Option<Certificate>,
    limits: &Limits,
    mut stop: watch::Receiver<bool>,
) -> Option<Stream> {
    let Some(certificate) = certificate else { return Some(Stream::Plain(socket)) };
    let farewell: Duration = limits.farewell;
    let stopped = async move {
        // The sender never goes before the connections do.
        let _ = stop.wait_for(|stop| *stop).await;
        tokio::time::sleep(farewell).await;
    };
    let handshake = TlsAcceptor::from(certificate.current()).accept(socket);
    tokio::select! {
        shaken = tokio::time::timeout(limits.head, handshake) => match shaken {
            Ok(Ok(stream)) => return Some(Stream::Encrypted(Box::new(stream))),
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS with this peer"),
            Err(_) => tracing::debug!(%peer, "no TLS with this peer: it was too slow"),
        },
        () = stopped => {}
    }
    None
}
