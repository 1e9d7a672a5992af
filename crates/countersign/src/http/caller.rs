//! Who asks, as far as the address tells.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use countersign_password::Source;

/// The caller's address, where whoever serves the router says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    address: Option<IpAddr>,
}

impl Caller {
    /// Whom the hashing is for.
    pub(crate) fn source(self) -> Source {
        self.address.map_or(Source::UNKNOWN, Source::from)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self { address: peer.map(|ConnectInfo(peer)| peer.ip()) })
    }
}
