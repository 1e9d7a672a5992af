//! Throttles at work: on which counters a guess, a registration and a token for a thing are counted, before anything is hashed.

mod keys;
mod device;
mod refusal;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use countersign_axum::Clock;

use crate::refusal_log::RefusalLog;
use crate::sealing::{SealingError, SealingKey};
use crate::settings::Throttling;
use crate::store::{StoreError, ThrottleStore};
use crate::throttle::{Act, Charged, KNOWN_S, Place, Rule, Scope, Step, Tally, Verdict};
use crate::throttles::device::Device;
use crate::throttles::keys::{Keys, Kind, PLACES, network_of, source_of};
use crate::throttles::refusal::Refusals;
use crate::user::{EmailAddress, Login, User, UserId};

pub use crate::throttles::refusal::{Attempted, ThrottleError, Throttled};

/// For what one account may in a row, so many times as much is for an address, in an hour.
const ACCOUNTS_OF_AN_ADDRESS: u32 = 10;
/// For what one address may, so many times as much is for a network.
const ADDRESSES_OF_A_NETWORK: u32 = 10;
/// Tokens for things that one owner makes in a day: one that is revoked leaves a mark for as long as it would have lived.
pub const MINTS_A_DAY: u32 = 1000;
/// A client that proves itself again and again is noted as known no more often.
const KNOWN_ANEW_S: i64 = 24 * 60 * 60;
/// Expired counters that are deleted in one step: others who write wait for it.
const PURGED_AT_ONCE: usize = 500;

/// What counts attempts. Clones share it.
#[derive(Clone)]
pub struct Throttles {
    /// Nothing is counted without it.
    counting: Option<Counting>,
    clock: Clock,
    refusals: Arc<Refusals>,
    refusal_log: Arc<RefusalLog>,
}

#[derive(Clone)]
struct Counting {
    store: Arc<dyn ThrottleStore>,
    keys: Keys,
    limits: Throttling,
}

/// At whom somebody guesses.
#[derive(Clone, Copy)]
pub enum Whose<'g> {
    /// At this user, by what was typed.
    User(&'g Login, UserId),
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
    /// From a browser that was given this ([`Throttles::device`]); nothing of it has been checked.
    pub device: Option<String>,
}

/// An attempt that is counted. Whoever drops it has looked at it, and it was wrong.
#[must_use]
pub struct Attempt {
    /// None where nothing is counted.
    counted: Option<Counted>,
}

struct Counted {
    throttles: Throttles,
    step: Step,
    charged: Charged,
    pause: Option<(i64, Scope)>,
    about: About,
}

/// What the log says of an attempt.
#[derive(Clone)]
struct About {
    attempted: Attempted,
    /// A user that there is.
    user: Option<UserId>,
    /// A client that there is.
    client: Option<String>,
}

/// A guess that was not counted yet, because right ones of its kind are many and are not to be written down.
#[must_use]
pub struct Look {
    counted: Option<Counted>,
    /// Whether it need not be noted that it was right.
    is_known_lately: bool,
}

impl Throttles {
    /// What counts nothing.
    pub fn off(clock: Clock) -> Self {
        Self { counting: None, clock, refusals: Arc::default(), refusal_log: Arc::default() }
    }

    /// What counts in this store, under numbers that are made with a key of `sealing`.
    pub fn new(
        store: Arc<dyn ThrottleStore>,
        limits: Throttling,
        sealing: &SealingKey,
        clock: Clock,
    ) -> Result<Self, SealingError> {
        let secret = sealing.derive("counters of guesses")?;
        let counting = Counting { store, keys: Keys::new(secret.as_ref()), limits };
        Ok(Self { counting: limits.is_on.then_some(counting), ..Self::off(clock) })
    }

    /// Counts a guess before anybody looks at it, or refuses it.
    pub async fn guess(&self, guess: Guess<'_>) -> Result<Attempt, ThrottleError> {
        let Some(counting) = &self.counting else { return Ok(Attempt { counted: None }) };
        self.charge(counting.step_of(guess, self.clock.now()), About::from(guess)).await
    }

    /// Refuses a guess, or lets it be looked at; only a wrong one is counted, afterwards. This is for secrets that nobody can guess.
    pub async fn look(&self, guess: Guess<'_>) -> Result<Look, ThrottleError> {
        let Some(counting) = &self.counting else { return Ok(Look { counted: None, is_known_lately: true }) };
        let (step, about) = (counting.step_of(guess, self.clock.now()), About::from(guess));
        let found = counting.store.find_counters(&step.keys()).await?;
        if let (Verdict::Refused { wait_s, scope }, _) = step.apply(&found) {
            return Err(self.refuse(&about, wait_s, scope));
        }
        let known = step.place.as_ref().and_then(|place| place.find(&found, step.now));
        let is_known_lately = match (known, step.place) {
            (Some(known), _) => known.count == 0 && known.expires_at > step.now + KNOWN_S - KNOWN_ANEW_S,
            (None, Some(_)) => false,
            (None, None) => {
                step.tallies.iter().all(|tally| found.get(&tally.key).is_none_or(|counter| counter.count == 0))
            }
        };
        let charged = if known.is_some() { Charged::Place } else { Charged::Nothing };
        let counted = Counted { throttles: self.clone(), step, charged, pause: None, about };
        Ok(Look { counted: Some(counted), is_known_lately })
    }

    /// What the device is to keep from which this user has just logged in, for 90 days: where it shows it, others who guess do not keep the
    /// user waiting (S-026). Nothing if what it has shown will do.
    pub fn device(&self, user: UserId, whence: &Whence) -> Option<String> {
        let keys = &self.counting.as_ref()?.keys;
        let now = self.clock.now();
        match whence.device.as_deref().and_then(|shown| Device::read(shown, user, keys, now)) {
            Some(device) => device.give_anew(user, keys, now),
            None => Device::give(user, keys, now),
        }
    }

    /// Counts a registration before its password is hashed, or refuses it.
    pub async fn register(&self, address: Option<IpAddr>) -> Result<Attempt, ThrottleError> {
        let Some((counting, address)) = self.counting.as_ref().zip(address) else {
            return Ok(Attempt { counted: None });
        };
        let most = counting.limits.registrations_per_hour;
        let kinds = (Kind::RegistrationAddress, Kind::RegistrationNetwork);
        let step = Step {
            act: Act::Charge,
            place: None,
            tallies: counting.of_address(address, kinds, most),
            now: self.clock.now(),
        };
        let about = About { attempted: Attempted::Registration, user: None, client: None };
        self.charge(step, about).await
    }

    /// Counts a token for a thing before it is made, or refuses it.
    pub async fn mint(&self, owner: UserId) -> Result<(), ThrottleError> {
        let Some(counting) = &self.counting else { return Ok(()) };
        let key = counting.keys.own(Kind::Owner, owner.as_bytes());
        let rule = Rule::Refilling { most: MINTS_A_DAY, over_s: 24 * 60 * 60 };
        let tallies = vec![Tally { key, rule, scope: Scope::Account }];
        let step = Step { act: Act::Charge, place: None, tallies, now: self.clock.now() };
        let about = About { attempted: Attempted::EntityToken, user: Some(owner), client: None };
        self.charge(step, about).await.map(drop)
    }

    /// Forgets all failures at an account, and from where it is known: the operator vouches for it.
    pub async fn forgive(&self, user: &User) -> Result<(), StoreError> {
        let Some(counting) = &self.counting else { return Ok(()) };
        let names = [user.username.as_str()].into_iter().chain(user.email.as_ref().map(EmailAddress::canonical));
        let names = names.map(|name| counting.keys.own(Kind::Account, name.as_bytes()));
        let places = (0..PLACES).map(|slot| counting.keys.slot(Kind::AccountPlace, user.id.as_bytes(), slot));
        let tallies = names.chain(places).map(|key| Tally { key, rule: counting.growing(), scope: Scope::Account });
        let step =
            Step { act: Act::Settle(Charged::Nothing), place: None, tallies: tallies.collect(), now: self.clock.now() };
        counting.store.take_step(&step).await.map(drop)
    }

    /// Deletes the counters that have expired, in steps.
    pub async fn purge(&self) -> Result<(), StoreError> {
        let Some(counting) = &self.counting else { return Ok(()) };
        while counting.store.purge_counters(self.clock.now(), PURGED_AT_ONCE).await? == PURGED_AT_ONCE {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// How often what was refused since the start, for metrics.
    pub fn refusals(&self) -> [(Attempted, u64); Attempted::ALL.len()] {
        self.refusals.counts()
    }

    async fn charge(&self, step: Step, about: About) -> Result<Attempt, ThrottleError> {
        let Some(counting) = &self.counting else { return Ok(Attempt { counted: None }) };
        match counting.store.take_step(&step).await? {
            Verdict::Refused { wait_s, scope } => Err(self.refuse(&about, wait_s, scope)),
            Verdict::Done { charged, pause } => {
                Ok(Attempt { counted: Some(Counted { throttles: self.clone(), step, charged, pause, about }) })
            }
        }
    }

    /// One line in a while, since whoever is refused may try again very often.
    fn refuse(&self, about: &About, wait_s: i64, scope: Scope) -> ThrottleError {
        self.refusals.count(about.attempted);
        if let Some(refused) = self.refusal_log.count(Instant::now()) {
            about.log("refused", scope, wait_s, refused);
        }
        let retry_after_s = u32::try_from(wait_s).unwrap_or(u32::MAX).max(1);
        Throttled { retry_after_s }.into()
    }
}

impl Counting {
    fn growing(&self) -> Rule {
        Rule::Growing { free: self.limits.login_attempts }
    }

    /// Where a guess is counted.
    fn step_of(&self, guess: Guess<'_>, now: i64) -> Step {
        let Self { keys, limits, .. } = self;
        let (account, place_kind, owner) = match guess.whose {
            Whose::User(login, user) => {
                let name = name_of(login, "");
                (keys.own(Kind::Account, name.as_bytes()), Kind::AccountPlace, user.as_bytes().to_vec())
            }
            Whose::NoUser(login, typed) => {
                let name = name_of(login, typed).as_bytes();
                (keys.shared(Kind::Account, name), Kind::AccountPlace, name.to_vec())
            }
            Whose::Client(id) => (keys.own(Kind::Client, id.as_bytes()), Kind::ClientPlace, id.as_bytes().to_vec()),
            Whose::NoClient(id) => {
                (keys.shared(Kind::Client, id.as_bytes()), Kind::ClientPlace, id.as_bytes().to_vec())
            }
        };
        let mut tallies = vec![Tally { key: account, rule: self.growing(), scope: Scope::Account }];
        if let Some(address) = guess.whence.address {
            let most = limits.login_attempts.saturating_mul(ACCOUNTS_OF_AN_ADDRESS);
            tallies.extend(self.of_address(address, (Kind::GuessAddress, Kind::GuessNetwork), most));
        }
        let device = guess.device(keys, now);
        let named = device.as_ref().map(|device| device.id).or_else(|| guess.whence.address.map(source_of));
        let place = named.map(|named| {
            let (key, mark) = keys.place(place_kind, &owner, &named);
            Place { key, rule: self.growing(), mark, is_vouched_for: device.is_some() }
        });
        Step { act: Act::Charge, place, tallies, now }
    }

    /// So many in an hour for an address, and more for its network.
    fn of_address(&self, address: IpAddr, (of_address, of_network): (Kind, Kind), most: u32) -> Vec<Tally> {
        const HOUR_S: i64 = 60 * 60;
        let network_most = most.saturating_mul(ADDRESSES_OF_A_NETWORK);
        let tally = |kind, of: &[u8], most, scope| {
            let rule = Rule::Refilling { most, over_s: HOUR_S };
            Tally { key: self.keys.shared(kind, of), rule, scope }
        };
        vec![
            tally(of_address, &source_of(address), most, Scope::Address),
            tally(of_network, &network_of(address), network_most, Scope::Network),
        ]
    }
}

impl Guess<'_> {
    fn device(&self, keys: &Keys, now: i64) -> Option<Device> {
        let Whose::User(_, user) = self.whose else { return None };
        Device::read(self.whence.device.as_deref()?, user, keys, now)
    }
}

/// What was typed, in the form in which it is looked for.
fn name_of<'n>(login: &'n Login, typed: &'n str) -> &'n str {
    match login {
        Login::Username(name) => name.as_str(),
        Login::EmailAddress(address) => address.canonical(),
        Login::Nobody => typed,
    }
}

impl Attempt {
    /// The guess was right. That it was cannot be noted is no reason to refuse it.
    pub async fn right(self) {
        let Some(counted) = self.counted else { return };
        counted.settle().await;
    }

    /// The guess was wrong.
    pub fn wrong(self) {
        let Some(Counted { about, pause: Some((pause_s, scope)), .. }) = self.counted else { return };
        about.log("paused", scope, pause_s, 0);
    }

    /// Nobody has looked at it.
    pub async fn undone(self) {
        let Some(counted) = self.counted else { return };
        let act = Act::GiveBack(counted.charged);
        counted.take(act).await;
    }
}

impl Look {
    /// The secret was right.
    pub async fn right(self) {
        match self.counted {
            Some(counted) if !self.is_known_lately => counted.settle().await,
            _ => {}
        }
    }

    /// The secret was wrong: whether there were too many by now, and nobody is to hear it.
    pub async fn wrong(self) -> Result<(), ThrottleError> {
        let Some(Counted { throttles, step, about, .. }) = self.counted else { return Ok(()) };
        throttles.charge(step, about).await?.wrong();
        Ok(())
    }
}

impl Counted {
    async fn settle(self) {
        let act = Act::Settle(self.charged);
        self.take(act).await;
    }

    async fn take(self, act: Act) {
        let Some(counting) = &self.throttles.counting else { return };
        let step = Step { act, now: self.throttles.clock.now(), ..self.step };
        if let Err(error) = counting.store.take_step(&step).await {
            tracing::warn!(%error, "a good attempt counts as a bad one");
        }
    }
}

impl About {
    fn log(&self, outcome: &str, scope: Scope, wait_s: i64, refused: u64) {
        let (kind, cause) = (self.attempted.name(), scope.name());
        let (user, client) = (self.user.as_ref().map(tracing::field::display), self.client.as_deref());
        let refused = (refused > 0).then_some(refused);
        tracing::info!(event = "throttle", outcome, kind, cause, user, client, wait_s, refused);
    }
}

impl From<Guess<'_>> for About {
    fn from(guess: Guess<'_>) -> Self {
        let (user, client) = match guess.whose {
            Whose::User(_, user) => (Some(user), None),
            Whose::Client(id) => (None, Some(id.to_owned())),
            Whose::NoUser(..) | Whose::NoClient(_) => (None, None),
        };
        Self { attempted: guess.attempted, user, client }
    }
}

impl fmt::Debug for Throttles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttles").field("is_on", &self.counting.is_some()).finish_non_exhaustive()
    }
}
