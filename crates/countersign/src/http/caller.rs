//! Who asks, as far as the request tells.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

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
    /// What of a request tells who asks.
    pub(crate) fn of(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        // Visible ASCII alone: it is shown to people.
        let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            address: peer.map(|ConnectInfo(peer)| peer.ip()),
            user_agent: user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect()),
        }
    }

    /// The address.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// From where a session is begun.
    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.address.map(|address| address.to_string()), user_agent: self.user_agent.clone() }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &parts.extensions))
    }
}
