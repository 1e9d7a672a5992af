//! A guard that finds the keys of a running Countersign server by itself, and keeps them fresh.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use countersign_axum::Bearer;
//! use countersign_axum::remote::RemoteIssuer;
//!
//! async fn hello(Bearer(claims): Bearer) -> String {
//!     format!("Hello, {}!", claims.subject())
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let guard = RemoteIssuer::new("https://login.example.com", "https://api.example.com").guard()?;
//!     let app = Router::new().route("/hello", get(hello)).with_state(guard);
//!     axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?;
//!     Ok(())
//! }
//! ```
//!
//! The issuer's metadata (RFC 8414) names the place of its keys, which one task in the background fetches:
//!
//! | when | what |
//! |---|---|
//! | at the start | the keys are fetched; requests with a token wait for them, and get 503 while the issuer is away |
//! | the keys grow old | they are fetched again after the `max-age` of the answer, within 10 s and 1 h; 5 minutes where it says nothing. A key that is published no longer is refused from then on |
//! | a token names an unknown key | the request waits while the keys are fetched, 5 s at the most; all such requests share one fetch, and after it the next one has to wait for the [cool-down](RemoteIssuer::cool_down) |
//! | the issuer is away | the keys stay in use for [a day](RemoteIssuer::keep_keys_for), then requests with a token get 503; it is tried again after 1 s, 2 s, 4 s and so on up to a minute |
//! | the issuer publishes no key at all | none is used any more: 503 |
//!
//! A token that names its place in a list of statuses, as those of a Countersign server do, is refused once the issuer has taken it
//! back: when its session was ended, its user disabled, the password changed.
//!
//! | when | what |
//! |---|---|
//! | a token names a list for the first time | the request waits while the list is fetched, 5 s at the most |
//! | from then on | the list is asked for [every 5 seconds](RemoteIssuer::status_interval), by its entity tag: within this time a revocation is known here. After ten minutes without a token that names it, a list is let go |
//! | the issuer is away | what is known counts until it is [five minutes](RemoteIssuer::status_max_age) old; then tokens that were issued longer ago get 503. What was taken back stays so |
//!
//! Nothing that the header of a token names is ever fetched (R-067): only the metadata, and what that and verified claims name on the
//! same scheme, host and port. Redirects and proxies are not followed, and answers are limited to 64 KiB and 256 KiB.

mod error;
mod location;
mod client;
mod published;
mod keeper;
mod status;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::guard::Guard;
use crate::remote::client::Client;
use crate::remote::keeper::{Keeper, Orders};
use crate::remote::location::Location;
use crate::remote::status::{AT_ONCE, StatusLists, Terms};

pub use crate::remote::error::RemoteError;

/// An authorization server elsewhere, whose tokens an API takes.
#[derive(Clone, Debug)]
pub struct RemoteIssuer {
    issuer: String,
    audience: String,
    cool_down: Duration,
    keep_keys_for: Duration,
    leeway_s: i64,
    longest_lifetime: Duration,
    status_interval: Duration,
    status_max_age: Duration,
    clock: Clock,
    is_plain_http_allowed: bool,
}

/// Lists are not asked for more often than this.
const SHORTEST_STATUS_INTERVAL: Duration = Duration::from_millis(100);

impl RemoteIssuer {
    /// The server with this issuer URL, whose tokens for this audience are taken; both are compared byte for byte.
    ///
    /// A Countersign server says in its metadata what its issuer is; its audience is the issuer, unless it is told otherwise.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            cool_down: Duration::from_secs(10),
            keep_keys_for: Duration::from_hours(24),
            leeway_s: 0,
            longest_lifetime: Duration::from_hours(31 * 24),
            status_interval: Duration::from_secs(5),
            status_max_age: Duration::from_mins(5),
            clock: Clock::system(),
            is_plain_http_allowed: false,
        }
    }

    /// How long after an attempt no token with an unknown key causes another one: 10 s unless set.
    ///
    /// So much later than its first token is a key known here, at the worst, that was not published ahead of its use.
    #[must_use]
    pub fn cool_down(self, cool_down: Duration) -> Self {
        Self { cool_down, ..self }
    }

    /// How long keys stay in use that cannot be fetched again, since they were fetched last: 24 h unless set.
    ///
    /// That is also how long a key which the issuer takes back may be of use to who can cut the API off from the issuer.
    #[must_use]
    pub fn keep_keys_for(self, keep_keys_for: Duration) -> Self {
        Self { keep_keys_for, ..self }
    }

    /// How many seconds the clocks of issuer and API may differ, as [`Verifier::leeway_s`](crate::Verifier::leeway_s): 0
    /// to 300, 0 unless set.
    #[must_use]
    pub fn leeway_s(self, leeway_s: i64) -> Self {
        Self { leeway_s, ..self }
    }

    /// The longest lifetime of a token that is taken: 31 days unless set.
    ///
    /// An issuer whose tokens live longer, such as a server that makes tokens for things for a year, says so in its settings.
    #[must_use]
    pub fn longest_lifetime(self, longest_lifetime: Duration) -> Self {
        Self { longest_lifetime, ..self }
    }

    /// How often the lists of statuses are asked for whose tokens come: every 5 s unless set, every 100 ms at the most.
    ///
    /// So much later, and by the time that an answer takes, is a token refused here that its issuer has taken back.
    #[must_use]
    pub fn status_interval(self, interval: Duration) -> Self {
        Self { status_interval: interval.max(SHORTEST_STATUS_INTERVAL), ..self }
    }

    /// For how long tokens are still taken while the issuer does not say whether it has taken them back, since it last did:
    /// 5 minutes unless set. Afterwards they are answered 503.
    ///
    /// That is also how long a token that was taken back may be of use to who can cut the API off from the issuer. Less than
    /// two [intervals](Self::status_interval) refuses tokens as soon as the issuer is away.
    #[must_use]
    pub fn status_max_age(self, max_age: Duration) -> Self {
        Self { status_max_age: max_age, ..self }
    }

    /// Reads the time from `clock`.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Takes an `http` issuer on another machine as well. Whoever sits in between can then put keys of their own in place
    /// and make tokens for everybody: only for networks in which nobody does.
    #[must_use]
    pub fn insecurely_over_plain_http(self) -> Self {
        Self { is_plain_http_allowed: true, ..self }
    }

    /// A guard that lets pass the tokens of this issuer; fetching begins at once, in the tokio
    /// runtime in which this is called.
    ///
    /// The issuer need not be up. The runtime has I/O and time enabled, as that of `#[tokio::main]`; fetching ends with the last
    /// clone of the guard.
    pub fn guard(self) -> Result<Guard, RemoteError> {
        let location = Location::new(&self.issuer)?;
        if !location.is_https() && !location.is_loopback() && !self.is_plain_http_allowed {
            return Err(RemoteError::PlainHttp);
        }
        let runtime = Handle::try_current().map_err(|_| RemoteError::NoRuntime)?;
        let client = Client::new(location.is_https(), 0)?;
        let terms = Terms {
            location: location.clone(),
            clock: self.clock.clone(),
            interval: self.status_interval,
            max_age: self.status_max_age,
        };
        let status_client = Client::new(location.is_https(), AT_ONCE)?;
        let orders = Orders {
            location,
            audience: self.audience,
            leeway_s: self.leeway_s,
            longest_lifetime_s: i64::try_from(self.longest_lifetime.as_secs()).unwrap_or(i64::MAX),
            cool_down: self.cool_down,
            keep_for: self.keep_keys_for,
        };
        let verifier = Arc::new(ArcSwapOption::empty());
        let demand = Arc::new(Keeper::start(&runtime, client, orders, Arc::clone(&verifier)));
        let lists = StatusLists::start(&runtime, status_client, terms, Arc::clone(&verifier), Arc::clone(&demand));
        Ok(Guard::of_remote(verifier, demand).clock(self.clock).revocations(lists))
    }
}
