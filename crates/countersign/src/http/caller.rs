//! Who asks, as far as the request tells.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::{COOKIE, SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue};

use crate::session::Origin;
use crate::settings::Settings;
use crate::throttle::KNOWN_S;
use crate::throttles::Whence;

/// More of the name of a program tells nobody anything.
const LONGEST_USER_AGENT: usize = 200;

/// The cookie by which a browser shows that somebody has logged in there. Its prefix binds it to this very host, and to TLS.
const DEVICE: &str = "__Host-countersign-device";

/// The caller's address, where whoever serves the router says it, what its browser shows, and what the program calls itself.
pub(crate) struct Caller {
    whence: Whence,
    user_agent: Option<String>,
}

impl Caller {
    /// What of a request tells who asks.
    pub(crate) fn of(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        // Visible ASCII alone: it is shown to people.
        let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            whence: Whence { address: peer.map(|ConnectInfo(peer)| peer.ip()), device: device(headers), session: None },
            user_agent: user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect()),
        }
    }

    /// From where it asks.
    pub(crate) fn whence(&self) -> &Whence {
        &self.whence
    }

    /// From where a session is begun.
    pub(crate) fn origin(&self) -> Origin {
        let address = self.whence.address.map(|address| address.to_string());
        Origin { address, user_agent: self.user_agent.clone() }
    }
}

/// What the browser shows.
fn device(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find(|(name, _)| *name == DEVICE).map(|(_, value)| value.to_owned())
}

/// Has the browser keep what shows that somebody has logged in there; browsers take it over TLS alone.
pub(crate) fn keep_device(headers: &mut HeaderMap, device: Option<String>, settings: &Settings) {
    let Some(device) = device.filter(|_| settings.issuer.starts_with("https://")) else { return };
    let cookie = format!("{DEVICE}={device}; Path=/; Max-Age={KNOWN_S}; Secure; HttpOnly; SameSite=Strict");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.append(SET_COOKIE, cookie);
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &parts.extensions))
    }
}
