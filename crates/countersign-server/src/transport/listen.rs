//! Accepts connections, no more than allowed at one time, until told to stop; then waits for the requests in flight.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::transport::certificate::Certificate;
use crate::transport::connection;
use crate::transport::door::{self, Door};
use crate::transport::limits::Limits;
use crate::transport::site::{Presentation, Site};

/// How long to wait when the system has no descriptor or memory for another connection: one that ends gives some back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every request that had arrived was answered.
    Drained,
    /// Some were cut off: they took longer than [`Limits::drain`].
    CutOff,
}

/// Serves the router at the door, which may be a mere listener, until `stop` is ready.
pub async fn serve(
    door: impl Into<Door>,
    router: Router,
    presentation: Presentation,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> Stopped {
    let drain = limits.drain;
    let Door { listener, certificate } = door.into();
    let house = House::new(router, presentation, limits, certificate);
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            (socket, peer, place) = house.next(&listener) => house.admit(socket, peer, place),
        }
    }
    house.admit_the_last(listener);
    house.close(drain).await
}

/// The connections and what they share.
struct House {
    site: Arc<Site>,
    protocol: Arc<hyper_util::server::conn::auto::Builder<connection::StreamTasks>>,
    stop: watch::Sender<bool>,
    places: Arc<Semaphore>,
    size: u32,
    certificate: Option<Certificate>,
}

impl House {
    fn new(router: Router, presentation: Presentation, limits: Limits, certificate: Option<Certificate>) -> Self {
        let size = u32::try_from(limits.connections).unwrap_or(u32::MAX);
        Self {
            protocol: Arc::new(connection::protocol(&limits)),
            site: Arc::new(Site::new(router, presentation, Arc::new(limits))),
            stop: watch::Sender::new(false),
            places: Arc::new(Semaphore::new(size as usize)),
            size,
            certificate,
        }
    }

    /// The next connection, as soon as there is a place for it.
    async fn next(&self, listener: &TcpListener) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                // The semaphore is never closed.
                return std::future::pending().await;
            };
            match listener.accept().await {
                Ok((socket, peer)) => return (socket, peer, place),
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::error!(error = %error, "cannot accept connections, trying again");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, socket: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        // Answers are written whole; waiting for more of them only costs time.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%peer, error = %error, "connection lost at once");
            return;
        }
        let (site, protocol) = (Arc::clone(&self.site), Arc::clone(&self.protocol));
        let (certificate, stop) = (self.certificate.clone(), self.stop.subscribe());
        tokio::spawn(async move {
            let limits = site.limits();
            if let Some(stream) = door::enter(socket, peer, certificate, &limits, stop.clone()).await {
                connection::serve(stream, peer, site, protocol, stop).await;
            }
            drop(place);
        });
    }

    /// Takes in those whom the kernel has promised service already; closing the listener would reset them.
    fn admit_the_last(&self, listener: TcpListener) {
        // The listener itself is asked: the runtime may not have heard yet that somebody waits.
        let Ok(listener) = listener.into_std() else { return };
        while let Ok(place) = Arc::clone(&self.places).try_acquire_owned()
            && let Ok((socket, peer)) = listener.accept()
        {
            let socket = socket.set_nonblocking(true).and_then(|()| TcpStream::from_std(socket));
            if let Ok(socket) = socket {
                self.admit(socket, peer, place);
            }
        }
    }

    async fn close(self, drain: Duration) -> Stopped {
        self.stop.send_replace(true);
        match tokio::time::timeout(drain, self.places.acquire_many(self.size)).await {
            Ok(_) => Stopped::Drained,
            Err(_) => Stopped::CutOff,
        }
    }
}

/// Whether accepting failed for a reason that concerns one peer alone.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
