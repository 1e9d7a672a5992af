//! Who asks, as far as the request tells.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use countersign_password::Source;

use crate::session::Origin;

/// More of the name of a program tells nobody anything.
const LONGEST_USER_AGENT: usize = 200;

/// The caller's address, where whoever serves the router says it, and what the program calls itself.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    address: Option<IpAddr>,
    user_agent: Option<String>,
}

impl Caller {
    /// Whom the hashing is for.
    pub(crate) fn source(&self) -> Source {
        self.address.map_or(Source::UNKNOWN, Source::from)
    }

    /// From where a session is begun.
    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.address.map(|address| address.to_string()), user_agent: self.user_agent.clone() }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // Visible ASCII alone: it is shown to people.
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            address: peer.map(|ConnectInfo(peer)| peer.ip()),
            user_agent: user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect()),
        })
    }
}
