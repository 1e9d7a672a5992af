//! Guesses: at whom, from where, and what the log says of them.

use std::net::IpAddr;

use crate::session::SessionId;
use crate::throttle::Scope;
use crate::throttles::device::Device;
use crate::throttles::keys::Keys;
use crate::throttles::refusal::Attempted;
use crate::user::{Login, User, UserId};

/// At whom somebody guesses.
#[derive(Clone, Copy)]
pub enum Whose<'g> {
    /// At this user, by what was typed.
    User(&'g Login, &'g User),
    /// At nobody, by what was typed.
    NoUser(&'g Login, &'g str),
    /// At this client.
    Client(&'g str),
    /// At no client.
    NoClient(&'g str),
}

/// A guess: who it is about, and where it comes from, as far as that is known.
#[derive(Clone, Copy)]
pub struct Guess<'g> {
    /// What for.
    pub attempted: Attempted,
    /// At whom.
    pub whose: Whose<'g>,
    /// From where.
    pub whence: &'g Whence,
}

/// Where a request comes from, as far as that is known.
#[derive(Clone, Default)]
pub struct Whence {
    /// From this address.
    pub address: Option<IpAddr>,
    /// From a browser that was given this ([`super::Throttles::device`]); nothing of it has been checked.
    pub device: Option<String>,
    /// From who is logged in by this session, which has been checked.
    pub session: Option<SessionId>,
}

/// What the log says of an attempt.
#[derive(Clone)]
pub(super) struct About {
    pub(super) attempted: Attempted,
    /// A user that there is.
    pub(super) user: Option<UserId>,
    /// A client that there is.
    pub(super) client: Option<String>,
}

impl Guess<'_> {
    /// The browser that has proven to be one of whom somebody guesses at.
    pub(super) fn device(&self, keys: &Keys, now: i64) -> Option<Device> {
        let Whose::User(_, user) = self.whose else { return None };
        Device::read(self.whence.device.as_deref()?, user.into(), keys, now)
    }
}

/// What was typed, in the form in which it is looked for.
pub(super) fn name_of<'n>(login: &'n Login, typed: &'n str) -> &'n str {
    match login {
        Login::Username(name) => name.as_str(),
        Login::EmailAddress(address) => address.canonical(),
        Login::Nobody => typed,
    }
}

impl About {
    pub(super) fn log(&self, outcome: &str, scope: Scope, wait_s: i64, refused: u64) {
        let (kind, cause) = (self.attempted.name(), scope.name());
        let (user, client) = (self.user.as_ref().map(tracing::field::display), self.client.as_deref());
        let refused = (refused > 0).then_some(refused);
        tracing::info!(event = "throttle", outcome, kind, cause, user, client, wait_s, refused);
    }
}

impl From<Guess<'_>> for About {
    fn from(guess: Guess<'_>) -> Self {
        let (user, client) = match guess.whose {
            Whose::User(_, user) => (Some(user.id), None),
            Whose::Client(id) => (None, Some(id.to_owned())),
            Whose::NoUser(..) | Whose::NoClient(_) => (None, None),
        };
        Self { attempted: guess.attempted, user, client }
    }
}
