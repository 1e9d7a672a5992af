//! The lists in which an issuer says which of its tokens it has taken back: fetched when a token names one, and kept fresh.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use countersign_token::{
    Claims, MAX_STATUS_LIST_TOKEN_BYTES, PublishedStatusList, StatusList, StatusReference, Verifier, VerifyError,
};
use http::{HeaderValue, Uri};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, timeout};

use crate::clock::Clock;
use crate::demand::Demand;
use crate::remote::client::{Ask, Client};
use crate::remote::error::FetchError;
use crate::remote::location::Location;
use crate::revocation::{IsRevoked, Revocations, Unavailable};

/// How long an attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// After an attempt that failed, requests go without another one for so long.
const COOL_DOWN: Duration = Duration::from_secs(1);
/// A list is let go when no token has named it for so long, and what it says is too old besides.
const FORGET_AFTER: Duration = Duration::from_mins(10);
/// Lists that are kept at the most; an issuer fills one with 65,536 logins.
const MOST_LISTS: usize = 4096;
/// Lists that are fetched at the same time.
pub(super) const AT_ONCE: usize = 8;

/// What a follower is told once.
pub(super) struct Terms {
    pub(super) location: Location,
    pub(super) clock: Clock,
    pub(super) interval: Duration,
    pub(super) max_age: Duration,
}

/// The lists that tokens have named of late; fetching ends when this is dropped.
pub(super) struct StatusLists {
    lists: Arc<Lists>,
    keeper: AbortHandle,
}

struct Lists {
    client: Client,
    terms: Terms,
    /// The guard's: lists are signed with the keys of tokens.
    verifier: Arc<ArcSwapOption<Verifier>>,
    demand: Arc<Demand>,
    followed: ArcSwap<HashMap<String, Arc<Followed>>>,
}

/// A list that is kept fresh.
struct Followed {
    uri: String,
    url: Uri,
    held: ArcSwapOption<Held>,
    /// Held by whoever fetches the list for the first time; when that failed.
    first: Mutex<Option<Instant>>,
    failures: AtomicU32,
    /// How many rounds it is since a token has named it.
    idle_rounds: AtomicU32,
}

/// What is known of a list.
#[derive(Clone)]
struct Held {
    list: Arc<StatusList>,
    etag: Option<HeaderValue>,
    expires_at: Option<i64>,
    /// When the issuer was asked for it last, of the times that it answered.
    confirmed_at: Instant,
}

impl StatusLists {
    /// Follows whatever lists tokens name.
    pub(super) fn start(
        runtime: &Handle,
        client: Client,
        terms: Terms,
        verifier: Arc<ArcSwapOption<Verifier>>,
        demand: Arc<Demand>,
    ) -> Self {
        let lists = Arc::new(Lists { client, terms, verifier, demand, followed: ArcSwap::default() });
        let keeper = runtime.spawn(Arc::clone(&lists).keep_fresh()).abort_handle();
        Self { lists, keeper }
    }
}

impl Drop for StatusLists {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Revocations for StatusLists {
    fn is_revoked<'a>(&'a self, claims: &'a Claims, now: i64) -> IsRevoked<'a> {
        Box::pin(async move {
            match claims.status() {
                Some(reference) => self.lists.is_revoked(reference, claims, now).await,
                None => Ok(false),
            }
        })
    }
}

impl Lists {
    async fn is_revoked(&self, reference: &StatusReference, claims: &Claims, now: i64) -> Result<bool, Unavailable> {
        let followed = self.find(&reference.uri)?;
        let held = match followed.held.load_full() {
            Some(held) => Some(held),
            None => self.fetch_first(&followed).await,
        };
        if let Some(held) = held {
            // Nobody takes a revocation back: it counts however old the list is.
            let is_revoked = !held.list.is_valid(reference.index);
            if is_revoked || held.is_good(self.terms.max_age, now) {
                return Ok(is_revoked);
            }
        }
        // A token holds when it is issued: that is worth as much as a list of the same age.
        let age_s = claims.issued_at().and_then(|issued_at| u64::try_from(now - issued_at).ok());
        match age_s {
            Some(age_s) if age_s <= self.terms.max_age.as_secs() => Ok(false),
            _ => Err(Unavailable::because("the list of statuses that a token names is not there, or too old")),
        }
    }

    /// The list at a URI that a verified token names, if it is one of the issuer's own.
    fn find(&self, uri: &str) -> Result<Arc<Followed>, Unavailable> {
        if let Some(followed) = self.followed.load().get(uri) {
            if followed.idle_rounds.load(Ordering::Relaxed) != 0 {
                followed.idle_rounds.store(0, Ordering::Relaxed);
            }
            return Ok(Arc::clone(followed));
        }
        let url = self.terms.location.own(uri);
        let url =
            url.ok_or_else(|| Unavailable::because("a token's list of statuses leads away from the issuer's host"))?;
        if self.followed.load().len() >= MOST_LISTS {
            return Err(Unavailable::because("tokens name more lists of statuses than are followed"));
        }
        let new = Arc::new(Followed::new(uri, url));
        self.followed.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.entry(uri.to_owned()).or_insert_with(|| Arc::clone(&new));
            all
        });
        Ok(self.followed.load().get(uri).cloned().unwrap_or(new))
    }

    /// Fetches a list that was never there; whoever else wants it waits for this.
    async fn fetch_first(&self, followed: &Followed) -> Option<Arc<Held>> {
        let mut failed_at = followed.first.lock().await;
        let held = followed.held.load_full();
        if held.is_some() || failed_at.is_some_and(|at| at.elapsed() < COOL_DOWN) {
            return held;
        }
        self.refresh(followed).await;
        let held = followed.held.load_full();
        *failed_at = held.is_none().then(Instant::now);
        held
    }

    async fn keep_fresh(self: Arc<Self>) {
        let mut rounds = tokio::time::interval(self.terms.interval);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            rounds.tick().await;
            self.forget();
            let mut under_way = JoinSet::new();
            for followed in self.followed.load_full().values() {
                if under_way.len() >= AT_ONCE {
                    under_way.join_next().await;
                }
                let (lists, followed) = (Arc::clone(&self), Arc::clone(followed));
                under_way.spawn(async move { lists.refresh(&followed).await });
            }
            while under_way.join_next().await.is_some() {}
        }
    }

    /// Lets go of the lists that no token names any more.
    fn forget(&self) {
        let most = FORGET_AFTER.max(self.terms.max_age).as_millis() / self.terms.interval.as_millis().max(1);
        let is_wanted =
            |followed: &Arc<Followed>| u128::from(followed.idle_rounds.fetch_add(1, Ordering::Relaxed)) < most;
        let unwanted: Vec<String> = {
            let all = self.followed.load();
            all.iter().filter(|(_, followed)| !is_wanted(followed)).map(|(uri, _)| uri.clone()).collect()
        };
        if !unwanted.is_empty() {
            self.followed.rcu(|all| {
                let mut all = HashMap::clone(all);
                all.retain(|uri, _| !unwanted.contains(uri));
                all
            });
        }
    }

    /// Asks once for what has changed.
    async fn refresh(&self, followed: &Followed) {
        match timeout(ATTEMPT, self.fetch(followed)).await.unwrap_or(Err(FetchError::TooSlow)) {
            Ok(held) => {
                let failures = followed.failures.swap(0, Ordering::Relaxed);
                if failures > 0 {
                    tracing::info!(uri = followed.uri, failures, "the list of statuses is there again");
                }
                let held = Arc::new(held);
                // An answer that was long on its way does not put an older state in place of a newer one.
                followed.held.rcu(|before| match before {
                    Some(before) if before.confirmed_at > held.confirmed_at => Some(Arc::clone(before)),
                    _ => Some(Arc::clone(&held)),
                });
            }
            Err(reason) => {
                let failures = followed.failures.fetch_add(1, Ordering::Relaxed) + 1;
                let max_age = self.terms.max_age;
                tracing::warn!(
                    uri = followed.uri, %reason, failures, ?max_age,
                    "a list of statuses could not be fetched: what is known of its tokens counts until it is too old"
                );
            }
        }
    }

    async fn fetch(&self, followed: &Followed) -> Result<Held, FetchError> {
        let (asked_at, now) = (Instant::now(), self.terms.clock.now());
        let held = followed.held.load_full().filter(|held| held.expires_at.is_none_or(|expires_at| now < expires_at));
        let unless = held.as_ref().and_then(|held| held.etag.as_ref());
        let ask = Ask { accept: "application/statuslist+jwt", unless, limit: MAX_STATUS_LIST_TOKEN_BYTES };
        let answer = self.client.get_if_changed(followed.url.clone(), ask).await?;
        let Some(answer) = answer else {
            let held = held.ok_or(FetchError::Status(http::StatusCode::NOT_MODIFIED))?;
            return Ok(Held { confirmed_at: asked_at, ..Held::clone(&held) });
        };
        let token = std::str::from_utf8(&answer.body).map_err(|_| VerifyError::Malformed)?;
        let PublishedStatusList { list, expires_at, .. } = self.verify(token, &followed.uri).await?;
        Ok(Held { list: Arc::new(list), etag: answer.etag, expires_at, confirmed_at: asked_at })
    }

    /// The keys may have changed as well.
    async fn verify(&self, token: &str, uri: &str) -> Result<PublishedStatusList, FetchError> {
        let verify = || {
            let verifier = self.verifier.load_full().ok_or(FetchError::NoKeys)?;
            Ok(verifier.verify_status_list(token, uri, self.terms.clock.now())?)
        };
        match verify() {
            Err(FetchError::NoKeys | FetchError::StatusList(VerifyError::UnknownKey)) => {
                self.demand.newer_keys().await;
                verify()
            }
            answer => answer,
        }
    }
}

impl Followed {
    fn new(uri: &str, url: Uri) -> Self {
        Self {
            uri: uri.to_owned(),
            url,
            held: ArcSwapOption::empty(),
            first: Mutex::default(),
            failures: AtomicU32::new(0),
            idle_rounds: AtomicU32::new(0),
        }
    }
}

impl Held {
    fn is_good(&self, max_age: Duration, now: i64) -> bool {
        self.confirmed_at.elapsed() <= max_age && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}
