//! The one task that fetches an issuer's keys: when they grow old, after a failure, and on demand.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use countersign_token::{KeySet, VerificationKey, Verifier};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use crate::demand::{Demand, Progress};
use crate::remote::client::Client;
use crate::remote::error::FetchError;
use crate::remote::location::Location;
use crate::remote::published::Published;

/// How long an attempt may take: connecting, the metadata and the keys.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Between attempts that fail; twice as long each time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What a keeper is told once.
pub(super) struct Orders {
    pub(super) location: Location,
    pub(super) audience: String,
    pub(super) leeway_s: i64,
    pub(super) longest_lifetime_s: i64,
    pub(super) cool_down: Duration,
    pub(super) keep_for: Duration,
}

pub(super) struct Keeper {
    client: Client,
    orders: Orders,
    /// The guard's; empty while there are no keys that may be used.
    verifier: Arc<ArcSwapOption<Verifier>>,
    wanted: Arc<Notify>,
    progress: watch::Sender<Progress>,
    held: Option<Held>,
    failures: u32,
}

/// The keys in use.
struct Held {
    jwks: Value,
    until: Instant,
}

impl Keeper {
    /// Sets a keeper to work on `verifier`, until what is returned is dropped.
    pub(super) fn start(
        runtime: &Handle,
        client: Client,
        orders: Orders,
        verifier: Arc<ArcSwapOption<Verifier>>,
    ) -> Demand {
        let (progress, seen) = watch::channel(Progress::new());
        let (wanted, cool_down) = (Arc::new(Notify::new()), orders.cool_down);
        let keeper = Self { client, orders, verifier, wanted: Arc::clone(&wanted), progress, held: None, failures: 0 };
        let keeper = runtime.spawn(keeper.run()).abort_handle();
        Demand { wanted, progress: seen, cool_down, patience: ATTEMPT, keeper }
    }

    async fn run(mut self) {
        loop {
            self.progress.send_modify(Progress::begin);
            let pause = self.attempt().await;
            self.progress.send_modify(Progress::end);
            let _ = timeout(pause, self.demand()).await;
        }
    }

    /// A request asks for newer keys, and the cool-down is over.
    async fn demand(&self) {
        loop {
            self.wanted.notified().await;
            if !self.progress.borrow().is_cooling_down(self.orders.cool_down) {
                return;
            }
        }
    }

    /// Fetches once; how long to pause before the next time.
    async fn attempt(&mut self) -> Duration {
        let fetched = timeout(ATTEMPT, Published::fetch(&self.client, &self.orders.location)).await;
        let pause = match fetched.unwrap_or(Err(FetchError::TooSlow)) {
            Ok(published) => {
                self.take(&published.keys);
                published.fresh_for
            }
            Err(reason) => {
                self.note(&reason);
                pause_after(self.failures)
            }
        };
        let left = self.held.as_ref().map(|held| held.until.saturating_duration_since(Instant::now()));
        left.map_or(pause, |left| pause.min(left)).max(SHORTEST_PAUSE)
    }

    /// Keys that are the same stay in place: a guard remembers tokens by its verifier.
    fn take(&mut self, keys: &KeySet) {
        let issuer = self.orders.location.issuer();
        let jwks = keys.to_jwks();
        if self.held.as_ref().is_some_and(|held| held.jwks == jwks) {
            tracing::debug!(issuer, "the issuer's keys were fetched and are the same");
        } else {
            let kids: Vec<&str> = keys.keys().iter().map(VerificationKey::kid).collect();
            let before = if self.held.is_some() { "have changed" } else { "are there" };
            tracing::info!(issuer, ?kids, "the issuer's keys {before}");
            let Orders { audience, leeway_s, longest_lifetime_s, .. } = &self.orders;
            let verifier = Verifier::new(issuer, audience, keys.clone()).leeway_s(*leeway_s);
            let verifier = verifier.longest_lifetime_s(*longest_lifetime_s);
            self.verifier.store(Some(Arc::new(verifier)));
        }
        if self.failures > 0 {
            tracing::info!(issuer, failures = self.failures, "the issuer answers again");
        }
        self.failures = 0;
        self.held = Some(Held { jwks, until: Instant::now() + self.orders.keep_for });
    }

    /// Keys that were fetched once are used on, but not for ever, and not when the issuer takes them back.
    fn note(&mut self, reason: &FetchError) {
        self.failures = self.failures.saturating_add(1);
        let is_over = self.held.as_ref().is_some_and(|held| held.until <= Instant::now());
        if is_over || reason.is_withdrawal() {
            self.held = None;
            self.verifier.store(None);
        }
        let consequence = match &self.held {
            Some(_) => "the ones from before stay in use",
            None => "requests with a token are answered 503",
        };
        let issuer = self.orders.location.issuer();
        tracing::warn!(issuer, %reason, failures = self.failures, "the issuer's keys could not be fetched: {consequence}");
    }
}

fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(6);
    (SHORTEST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_a_second_to_a_minute() {
        for (failures, seconds) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (u32::MAX, 60)] {
            assert_eq!(pause_after(failures), Duration::from_secs(seconds));
        }
    }
}
