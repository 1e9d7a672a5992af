//! The trail: whatever the log says of an act is kept in the audit log as well, with the request that it came by.
//!
//! An act is a `tracing` event of this program with a field `event`. The trail takes it up as a layer of the subscriber, and a task
//! writes what has come together a few times a second, so that no login waits for its record. What a crash cuts off within that time is
//! in the log alone.

mod layer;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_axum::Clock;
use tokio::sync::Notify;
use tracing::field::Empty;
use tracing::{Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;
use uuid::ContextV7;

use crate::audit::{AuditId, AuditRecord};
use crate::store::{AuditStore, StoreError};
use crate::trail::layer::Keeping;

/// How long records come together before they are written.
const PAUSE: Duration = Duration::from_millis(250);
/// How long to wait with what could not be written.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Records that wait to be written, some 400 bytes each. Beyond it they are counted and lost, and the log has them alone.
const MOST_WAITING: usize = 10_000;
/// Records that are written in one step.
const WRITTEN_AT_ONCE: usize = 500;
/// Records have ids in the order in which they were made while the clock goes back by no more than this, in milliseconds. After more, a clock
/// that was wrong has been put right: what happens now is not of the time that it said (F-13).
const STEP_BACK_MS: i64 = 1000;
/// How far back a refusal is compared with those that wait.
const COMPARED: usize = 64;
/// The act of a trail that could not keep others.
const LOST: &str = "audit records lost";

/// What was done and is yet to be written. Clones share it.
#[derive(Clone)]
pub struct Trail {
    shared: Arc<Shared>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    is_there_more: Notify,
    /// Held by whoever writes: records stay in order.
    writing: tokio::sync::Mutex<()>,
    clock: Clock,
    kept: AtomicU64,
    lost: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<AuditRecord>,
    context: ContextV7,
    /// How many at the front were given to the store to write: they change no more.
    offered: usize,
    /// Not told of yet.
    lost: u64,
}

/// What has become of records since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrailStats {
    /// Records that are in the audit log.
    pub kept: u64,
    /// Acts that only the log has: the store was away for too long.
    pub lost: u64,
    /// Records that wait.
    pub waiting: usize,
}

/// The span of a request: what happens in it is kept with what the span knows.
///
/// Requests are told apart by `request_id`. `peer` is the address of whoever asks. The token endpoint adds which client asks.
pub fn request_span(request_id: &str, peer: &str) -> Span {
    tracing::info_span!(
        "request",
        request_id,
        peer,
        client = Empty,
        via = Empty,
        // For whoever sends traces.
        otel.kind = Empty
    )
}

/// Says which client asks in the span of this request.
pub(crate) fn of_client(client: &str) {
    Span::current().record("client", client);
}

/// Says by which registered client the bearer of this request's token asks.
pub(crate) fn via_client(client: &str) {
    Span::current().record("via", client);
}

impl Trail {
    /// An empty one.
    pub fn new(clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                waiting: Mutex::default(),
                is_there_more: Notify::new(),
                writing: tokio::sync::Mutex::new(()),
                clock,
                kept: AtomicU64::new(0),
                lost: AtomicU64::new(0),
            }),
        }
    }

    /// The layer that takes up what is done; whatever the log leaves out, it does not.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Keeping::new(self.clone())
    }

    /// Takes a record that has the id, and whatever else the act says, from `describe`.
    fn take(&self, describe: impl FnOnce(AuditId) -> AuditRecord) {
        let now = self.shared.clock.now_ms();
        let mut waiting = self.waiting();
        let record = describe(waiting.id(now));
        let behind = waiting.offered;
        let like = waiting.records.iter_mut().skip(behind).rev().take(COMPARED).find(|other| record.repeats(other));
        if let Some(like) = like {
            like.times = like.times.saturating_add(1);
            return;
        }
        if waiting.records.len() >= MOST_WAITING {
            waiting.lost += 1;
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.records.push_back(record);
        drop(waiting);
        self.shared.is_there_more.notify_one();
    }

    /// Writes records as they come, for ever.
    pub async fn keep_in(self, store: Arc<dyn AuditStore>) {
        loop {
            self.shared.is_there_more.notified().await;
            tokio::time::sleep(PAUSE).await;
            if let Err(error) = self.flush(store.as_ref()).await {
                tracing::warn!(%error, waiting = self.stats().waiting, "the audit log could not be written: it will be tried again");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                self.shared.is_there_more.notify_one();
            }
        }
    }

    /// Writes all that waits. What could not be written waits on.
    pub async fn flush<S: AuditStore + ?Sized>(&self, store: &S) -> Result<(), StoreError> {
        let _turn = self.shared.writing.lock().await;
        loop {
            let batch = self.next_batch();
            if batch.is_empty() {
                return Ok(());
            }
            store.keep_records(&batch).await?;
            self.shared.kept.fetch_add(batch.len() as u64, Ordering::Relaxed);
            let mut waiting = self.waiting();
            // Records come behind these, and nobody else takes them away.
            waiting.records.drain(..batch.len());
            waiting.offered = 0;
        }
    }

    /// The oldest ones, which stay until they are written.
    fn next_batch(&self) -> Vec<AuditRecord> {
        let mut waiting = self.waiting();
        if waiting.lost > 0 && waiting.records.len() < MOST_WAITING {
            let mut told = AuditRecord::new(waiting.id(self.shared.clock.now_ms()), LOST);
            told.times = u32::try_from(waiting.lost).unwrap_or(u32::MAX);
            waiting.lost = 0;
            waiting.records.push_back(told);
        }
        let batch: Vec<AuditRecord> = waiting.records.iter().take(WRITTEN_AT_ONCE).cloned().collect();
        waiting.offered = waiting.offered.max(batch.len());
        batch
    }

    /// What has happened since the start.
    pub fn stats(&self) -> TrailStats {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        TrailStats { kept: of(&self.shared.kept), lost: of(&self.shared.lost), waiting: self.waiting().records.len() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The id of what happens now.
    fn id(&mut self, now_ms: i64) -> AuditId {
        let id = AuditId::new(&self.context, now_ms);
        if id.millis() <= now_ms.saturating_add(STEP_BACK_MS) {
            return id;
        }
        self.context = ContextV7::new();
        AuditId::new(&self.context, now_ms)
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::audit::{AuditPage, AuditQuery};
    use crate::store::memory::MemoryStore;

    const NOW: i64 = 1_800_000_000;

    /// Runs `work` with a trail, and gives the trail.
    fn trail_of(work: impl FnOnce()) -> Trail {
        let trail = Trail::new(Clock::fixed(NOW));
        with_default(tracing_subscriber::registry().with(trail.layer()), work);
        trail
    }

    async fn written(trail: &Trail) -> Vec<AuditRecord> {
        let store = MemoryStore::new();
        trail.flush(&store).await.unwrap();
        let all = AuditQuery { oldest_first: true, limit: usize::MAX, ..AuditQuery::default() };
        store.list_records(&all).await.unwrap().records
    }

    //
    #[tokio::test]
    async fn an_act_is_kept_with_the_request_that_it_came_by() {
        let trail = trail_of(|| {
            let _request = request_span("r1", "192.0.2.7").entered();
            of_client("web");
            tracing::warn!(event = "login", outcome = "refused", cause = %"because", user = ?7, extra = 5, "a sentence");
            tracing::info!(outcome = "good", "no act");
            tracing::debug!(event = "too small");
            tracing::info!(target: "hyper", event = "of others");
        });
        let [record] = written(&trail).await.try_into().unwrap();
        let AuditRecord { id, event, outcome, cause, user, client, source, request_id, detail, by, times } = record;
        assert_eq!(id.millis(), NOW * 1000);
        assert_eq!((event.as_str(), outcome.as_deref(), cause.as_deref()), ("login", Some("refused"), Some("because")));
        assert_eq!((user.as_deref(), client.as_deref(), by), (Some("7"), Some("web"), None));
        assert_eq!((source.as_deref(), request_id.as_deref(), times), (Some("192.0.2.7"), Some("r1"), 1));
        assert_eq!(detail.into_iter().collect::<Vec<_>>(), [("extra".to_owned(), "5".to_owned())]);
    }

    #[tokio::test]
    async fn a_client_that_the_act_is_about_counts_more_than_the_one_that_asks() {
        let trail = trail_of(|| {
            let _request = request_span("r1", "192.0.2.7").entered();
            via_client("console");
            tracing::info!(event = "delete client", client = "web");
            tracing::info!(event = "delete user", user = "7");
        });
        let clients: Vec<_> = written(&trail).await.into_iter().map(|record| record.client.unwrap()).collect();
        assert_eq!(clients, ["web", "console"]);
    }

    #[tokio::test]
    async fn refusals_that_are_alike_are_counted_and_good_acts_are_not() {
        let trail = trail_of(|| {
            for _ in 0..1000 {
                tracing::info!(event = "login", outcome = "refused", cause = "wrong password", user = "7");
                tracing::info!(event = "login", outcome = "refused", cause = "wrong password", user = "8");
            }
            for _ in 0..2 {
                tracing::info!(event = "login", outcome = "good", user = "7");
            }
        });
        let times: Vec<_> = written(&trail).await.into_iter().map(|record| record.times).collect();
        assert_eq!(times, [1000, 1000, 1, 1]);
    }

    //
    #[tokio::test]
    async fn no_record_has_a_character_that_an_engine_cannot_keep() {
        let trail = trail_of(|| tracing::info!(event = "client", cause = "a\0b", claimed = %"\0"));
        let record = &written(&trail).await[0];
        assert_eq!((record.cause.as_deref(), &*record.detail["claimed"]), (Some("a\u{FFFD}b"), "\u{FFFD}"));
    }

    // F-13
    #[tokio::test]
    async fn records_are_of_the_time_that_the_clock_says_after_it_was_put_right() {
        let (clock, hand) = Clock::settable(NOW + 1_000_000);
        let trail = Trail::new(clock);
        let subscriber = tracing_subscriber::registry().with(trail.layer());
        with_default(subscriber, || {
            tracing::info!(event = "register", user = 1);
            hand.set(NOW);
            tracing::info!(event = "register", user = 2);
            tracing::info!(event = "register", user = 3);
        });
        let mut written = written(&trail).await;
        assert!(written.is_sorted_by_key(|record| record.id));
        let told = written.iter_mut().map(|record| (record.user.take().unwrap(), record.id.millis() / 1000));
        let expected = [("2", NOW), ("3", NOW), ("1", NOW + 1_000_000)].map(|(user, second)| (user.to_owned(), second));
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    //
    #[tokio::test]
    async fn a_long_text_is_cut() {
        let trail = trail_of(|| tracing::info!(event = "client", claimed = "ü".repeat(100_000)));
        assert_eq!(written(&trail).await[0].detail["claimed"].chars().count(), 200);
    }

    /// A store that is away.
    struct Away;

    #[async_trait]
    impl AuditStore for Away {
        async fn keep_records(&self, _: &[AuditRecord]) -> Result<(), StoreError> {
            Err(StoreError::Unavailable("away".to_owned()))
        }

        async fn list_records(&self, _: &AuditQuery) -> Result<AuditPage, StoreError> {
            Err(StoreError::Unavailable("away".to_owned()))
        }

        async fn purge_records(&self, _: i64, _: usize) -> Result<usize, StoreError> {
            Err(StoreError::Unavailable("away".to_owned()))
        }
    }

    #[tokio::test]
    async fn what_cannot_be_written_waits_and_what_is_too_much_is_told_of() {
        let trail = trail_of(|| {
            for number in 0..MOST_WAITING + 3 {
                tracing::info!(event = "register", user = number);
            }
        });
        assert!(trail.flush(&Away).await.is_err());
        let stats = TrailStats { kept: 0, lost: 3, waiting: MOST_WAITING };
        assert_eq!(trail.stats(), stats);
        let store = MemoryStore::new();
        trail.flush(&store).await.unwrap();
        assert_eq!((trail.stats().waiting, trail.stats().lost), (0, 3));
        let told = store.list_records(&AuditQuery::default()).await.unwrap().records.remove(0);
        assert_eq!((told.event.as_str(), told.times), (LOST, 3));
    }

    #[tokio::test]
    async fn a_refusal_while_the_others_are_written_is_a_record_of_its_own() {
        let trail = Trail::new(Clock::fixed(NOW));
        let refuse = || tracing::info!(event = "login", outcome = "refused");
        let subscriber = Arc::new(tracing_subscriber::registry().with(trail.layer()));
        let subscriber = tracing::Dispatch::from(subscriber);
        tracing::dispatcher::with_default(&subscriber, refuse);
        assert!(trail.flush(&Away).await.is_err());
        tracing::dispatcher::with_default(&subscriber, refuse);
        tracing::dispatcher::with_default(&subscriber, refuse);
        let times: Vec<_> = written(&trail).await.into_iter().map(|record| record.times).collect();
        assert_eq!(times, [1, 2]);
    }
}
