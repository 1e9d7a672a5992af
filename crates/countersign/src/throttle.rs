//! How often somebody may guess: counters, and the rules by which they grow, refill and are forgotten.
//!
//! No I/O and no clock: `now` is a parameter, in Unix seconds. A store reads the counters of a [`Step`], has it decide, and keeps what it
//! says, in one step.

use std::collections::BTreeMap;

/// The longest pause between two guesses, until there are [`MANY_FAILURES`] in a row; in seconds.
pub const LONGEST_PAUSE_S: i64 = 60 * 60;
/// From so many failures in a row on there is one guess in [`LONG_PAUSE_S`]. NIST SP 800-63B section 3.2.2 allows an account 100 of them,
/// and an account can be named in two ways, by its user name and by its e-mail address.
pub const MANY_FAILURES: u32 = 50;
/// In seconds.
pub const LONG_PAUSE_S: i64 = 24 * 60 * 60;
/// So much may a clock have been put back, or be behind that of another process, for what was written before to count, in seconds. What lies
/// still further in the future was written by a clock that was wrong, and says nothing (F-13).
const SKEW_S: i64 = 60 * 60;
/// How long failures are remembered after the last of them, in seconds.
pub const FAILURES_KEPT_S: i64 = 30 * 24 * 60 * 60;
/// How long a place is known from which somebody has logged in, in seconds.
pub const KNOWN_S: i64 = 90 * 24 * 60 * 60;

/// What is counted where, as a number that tells nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey(pub i64);

/// A counter as it is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Failures in a row, with guesses that are being looked at.
    pub count: u32,
    /// Until when one has to wait, or when all that was used will be had back; Unix milliseconds.
    pub until_ms: i64,
    /// Which of the places that share the counter it is of.
    pub mark: i64,
    /// When it says nothing any more.
    pub expires_at: i64,
}

/// By which rule a counter allows a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// So many are free; then each is followed by a pause, of one second, and twice as long each time.
    Growing {
        /// How many.
        free: u32,
    },
    /// So many at once, which are had back evenly over this time.
    Refilling {
        /// How many.
        most: u32,
        /// In seconds.
        over_s: i64,
    },
}

/// What a counter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// An account or a client, from wherever it is not known.
    Account,
    /// An account or a client, from a place where it is known.
    Known,
    /// An address; of IPv6 a network of 64 bits.
    Address,
    /// A network: 24 bits of IPv4, 48 of IPv6.
    Network,
}

impl Scope {
    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "too many at the account",
            Self::Known => "too many at the account where it is known",
            Self::Address => "too many from the address",
            Self::Network => "too many from the network",
        }
    }
}

/// One counter of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Which.
    pub key: CounterKey,
    /// By which rule.
    pub rule: Rule,
    /// What it is about.
    pub scope: Scope,
}

/// A place at which an account may be known. It has a counter of its own then, and no other says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which counter.
    pub key: CounterKey,
    /// By which rule.
    pub rule: Rule,
    /// [`Counter::mark`] if it is this place.
    pub mark: i64,
    /// Whether it is known without a counter, by what it has shown.
    pub is_vouched_for: bool,
}

/// What a guess was counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charged {
    /// On nothing.
    Nothing,
    /// On the counter of the place.
    Place,
    /// On all others.
    Tallies,
}

/// What is done with counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Counts a guess before it is looked at, or refuses it.
    Charge,
    /// The guess was right: failures are forgotten, the place is known, and what was counted on addresses is given back. It is no more than
    /// that, or who has an account could go on guessing at others by logging in from time to time.
    Settle(Charged),
    /// Nobody has looked at the guess.
    GiveBack(Charged),
}

/// What is done with some counters at one moment.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done.
    pub act: Act,
    /// The place, if the account may be known there.
    pub place: Option<Place>,
    /// The other counters.
    pub tallies: Vec<Tally>,
    /// When.
    pub now: i64,
}

/// What has come of a step, or would come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Done {
        /// On what it was counted.
        charged: Charged,
        /// How long the next one will have to wait, in seconds, and because of what.
        pause: Option<(i64, Scope)>,
    },
    /// A guess is not to be looked at, and nothing was counted.
    Refused {
        /// In how many seconds another one may be.
        wait_s: i64,
        /// Because of what.
        scope: Scope,
    },
}

impl Rule {
    /// The counter after one more, or how many seconds that has to wait.
    ///
    /// No wait is longer than the rule's longest and an hour, whatever a clock that was wrong has written (F-13).
    pub fn charge(self, counter: Option<&Counter>, now: i64) -> Result<Counter, i64> {
        let wait_s = self.wait_s(counter, now);
        if wait_s > 0 {
            return Err(wait_s);
        }
        match self {
            Self::Growing { free } => {
                let count = live(counter, now).map_or(0, |counter| counter.count).saturating_add(1);
                let until_ms = ms(now).saturating_add(ms(pause_s(count, free)));
                Ok(Counter { count, until_ms, mark: 0, expires_at: now.saturating_add(FAILURES_KEPT_S) })
            }
            Self::Refilling { .. } => {
                let until_ms = self.used_until_ms(counter, now).saturating_add(self.step_ms());
                Ok(Counter { count: 0, until_ms, mark: 0, expires_at: seconds(until_ms) })
            }
        }
    }

    /// How many seconds one more has to wait.
    pub fn wait_s(self, counter: Option<&Counter>, now: i64) -> i64 {
        let wait_ms = match self {
            Self::Growing { free } => live(counter, now).map_or(0, |counter| {
                let wait_ms = counter.until_ms.saturating_sub(ms(now));
                if wait_ms > ms(pause_s(counter.count, free) + SKEW_S) { 0 } else { wait_ms }
            }),
            Self::Refilling { .. } => {
                let next = self.used_until_ms(counter, now).saturating_add(self.step_ms());
                next.saturating_sub(ms(now)).saturating_sub(self.capacity_ms())
            }
        };
        seconds(wait_ms.max(0))
    }

    /// The counter as if there had been one less.
    fn give_back(self, counter: &Counter, now: i64) -> Counter {
        match self {
            Self::Growing { .. } => Counter { count: counter.count.saturating_sub(1), until_ms: 0, ..*counter },
            Self::Refilling { .. } => {
                let until_ms = self.used_until_ms(Some(counter), now).saturating_sub(self.step_ms()).max(ms(now));
                Counter { until_ms, expires_at: seconds(until_ms), ..*counter }
            }
        }
    }

    /// When all that was used will be had back: not before now.
    fn used_until_ms(self, counter: Option<&Counter>, now: i64) -> i64 {
        let until_ms = counter.map_or(i64::MIN, |counter| counter.until_ms);
        let latest = ms(now).saturating_add(self.capacity_ms()).saturating_add(ms(SKEW_S));
        if (ms(now)..=latest).contains(&until_ms) { until_ms } else { ms(now) }
    }

    /// After how many milliseconds one is had back.
    fn step_ms(self) -> i64 {
        match self {
            Self::Growing { .. } => 0,
            Self::Refilling { most, over_s } => (ms(over_s) / i64::from(most.max(1))).max(1),
        }
    }

    /// After how many milliseconds all are had back.
    fn capacity_ms(self) -> i64 {
        match self {
            Self::Growing { .. } => 0,
            Self::Refilling { most, .. } => self.step_ms().saturating_mul(i64::from(most.max(1))),
        }
    }
}

/// The pause after so many failures in a row, in seconds.
fn pause_s(count: u32, free: u32) -> i64 {
    match count.checked_sub(free) {
        None => 0,
        Some(_) if count >= MANY_FAILURES => LONG_PAUSE_S,
        Some(more) => {
            1_i64.checked_shl(more).filter(|pause| (1..LONGEST_PAUSE_S).contains(pause)).unwrap_or(LONGEST_PAUSE_S)
        }
    }
}

fn live(counter: Option<&Counter>, now: i64) -> Option<&Counter> {
    counter.filter(|counter| counter.expires_at > now)
}

fn ms(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}

/// Rounded up: whoever waits so long has waited long enough.
fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000).saturating_add(i64::from(ms.rem_euclid(1000) > 0))
}

impl Counter {
    /// One that says nothing.
    fn cleared(now: i64) -> Self {
        Self { expires_at: now, ..Self::default() }
    }

    /// A place that is known from now on.
    fn of_known(mark: i64, now: i64) -> Self {
        Self { mark, expires_at: now.saturating_add(KNOWN_S), ..Self::default() }
    }
}

impl Place {
    /// Its counter, if the account is known there.
    pub fn find(&self, found: &BTreeMap<CounterKey, Counter>, now: i64) -> Option<Counter> {
        let kept = live(found.get(&self.key), now).filter(|counter| counter.mark == self.mark).copied();
        kept.or_else(|| self.is_vouched_for.then(|| Counter::of_known(self.mark, now)))
    }
}

impl Step {
    /// The counters that it is about.
    pub fn keys(&self) -> Vec<CounterKey> {
        self.place.iter().map(|place| place.key).chain(self.tallies.iter().map(|tally| tally.key)).collect()
    }

    /// What comes of it when the counters are as found, and the counters that are other from then on.
    pub fn apply(&self, found: &BTreeMap<CounterKey, Counter>) -> (Verdict, Vec<(CounterKey, Counter)>) {
        match self.act {
            Act::Charge => self.charge(found),
            Act::Settle(charged) => (Verdict::Done { charged, pause: None }, self.settle(charged, found)),
            Act::GiveBack(charged) => (Verdict::Done { charged, pause: None }, self.give_back(charged, found)),
        }
    }

    fn charge(&self, found: &BTreeMap<CounterKey, Counter>) -> (Verdict, Vec<(CounterKey, Counter)>) {
        let now = self.now;
        let known = self.place.as_ref().and_then(|place| Some((place, place.find(found, now)?)));
        if let Some((place, counter)) = known {
            let (scope, charged) = (Scope::Known, Charged::Place);
            return match place.rule.charge(Some(&counter), now) {
                Err(wait_s) => (Verdict::Refused { wait_s, scope }, Vec::new()),
                Ok(next) => {
                    let next = Counter { mark: counter.mark, expires_at: counter.expires_at, ..next };
                    let pause = Some((place.rule.wait_s(Some(&next), now), scope)).filter(|(pause, _)| *pause > 0);
                    (Verdict::Done { charged, pause }, vec![(place.key, next)])
                }
            };
        }
        let (mut kept, mut pause, mut refusal) = (Vec::new(), None, None);
        for Tally { key, rule, scope } in &self.tallies {
            match rule.charge(found.get(key), now) {
                Ok(next) => {
                    longer(&mut pause, (rule.wait_s(Some(&next), now), *scope));
                    kept.push((*key, next));
                }
                Err(wait_s) => longer(&mut refusal, (wait_s, *scope)),
            }
        }
        match refusal {
            Some((wait_s, scope)) => (Verdict::Refused { wait_s, scope }, Vec::new()),
            None => (Verdict::Done { charged: Charged::Tallies, pause }, kept),
        }
    }

    fn settle(&self, charged: Charged, found: &BTreeMap<CounterKey, Counter>) -> Vec<(CounterKey, Counter)> {
        let known = self.place.map(|place| (place.key, Counter::of_known(place.mark, self.now)));
        // What happens where the account is known says nothing of failures elsewhere.
        let others = self.tallies.iter().filter(|_| charged != Charged::Place).filter_map(|tally| {
            let counter = found.get(&tally.key)?;
            match tally.rule {
                // That it is known there stays.
                Rule::Growing { .. } if tally.scope == Scope::Known => {
                    Some((tally.key, Counter { count: 0, until_ms: 0, ..*counter }))
                }
                Rule::Growing { .. } => Some((tally.key, Counter::cleared(self.now))),
                rule @ Rule::Refilling { .. } => {
                    (charged == Charged::Tallies).then(|| (tally.key, rule.give_back(counter, self.now)))
                }
            }
        });
        known.into_iter().chain(others).collect()
    }

    fn give_back(&self, charged: Charged, found: &BTreeMap<CounterKey, Counter>) -> Vec<(CounterKey, Counter)> {
        let back = |key: &CounterKey, rule: Rule| Some((*key, rule.give_back(found.get(key)?, self.now)));
        match charged {
            Charged::Nothing => Vec::new(),
            Charged::Place => self.place.iter().filter_map(|place| back(&place.key, place.rule)).collect(),
            Charged::Tallies => self.tallies.iter().filter_map(|tally| back(&tally.key, tally.rule)).collect(),
        }
    }
}

/// Keeps the longer of two waits.
fn longer(kept: &mut Option<(i64, Scope)>, (wait_s, scope): (i64, Scope)) {
    if wait_s > kept.map_or(0, |(longest, _)| longest) {
        *kept = Some((wait_s, scope));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const GUESSES: Rule = Rule::Growing { free: 10 };
    const HOURLY: Rule = Rule::Refilling { most: 100, over_s: 3600 };
    const ACCOUNT: Tally = Tally { key: CounterKey(1), rule: GUESSES, scope: Scope::Account };
    const ADDRESS: Tally = Tally { key: CounterKey(2), rule: HOURLY, scope: Scope::Address };
    const PLACE: Place = Place { key: CounterKey(3), rule: GUESSES, mark: 7, is_vouched_for: false };

    /// Counters without a store.
    #[derive(Clone, Default)]
    struct Kept(BTreeMap<CounterKey, Counter>);

    impl Kept {
        fn take(&mut self, act: Act, now: i64) -> Verdict {
            let step = Step { act, place: Some(PLACE), tallies: vec![ACCOUNT, ADDRESS], now };
            let (verdict, kept) = step.apply(&self.0);
            self.0.extend(kept);
            verdict
        }

        /// Whether a guess is looked at, and how long one has to wait if not.
        fn guess(&mut self, now: i64) -> Result<Charged, i64> {
            match self.take(Act::Charge, now) {
                Verdict::Done { charged, .. } => Ok(charged),
                Verdict::Refused { wait_s, .. } => Err(wait_s),
            }
        }

        fn count(&self, key: i64) -> u32 {
            self.0.get(&CounterKey(key)).map_or(0, |counter| counter.count)
        }
    }

    //
    #[test]
    fn ten_guesses_are_free_and_then_each_waits_twice_as_long() {
        let (mut kept, mut now) = (Kept::default(), NOW);
        for _ in 0..10 {
            assert_eq!(kept.guess(now), Ok(Charged::Tallies));
        }
        for pause in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600] {
            assert_eq!(kept.guess(now), Err(pause));
            assert_eq!(kept.guess(now + pause - 1), Err(1));
            now += pause;
            assert_eq!(kept.guess(now), Ok(Charged::Tallies), "after {pause} s");
        }
    }

    // no more than 100 in a row for an account, which has two names, without a pause of a day.
    #[test]
    fn after_fifty_failures_of_a_name_there_is_one_guess_a_day() {
        let (mut kept, mut now, mut guesses) = (Kept::default(), NOW, 0);
        while now < NOW + 2 * LONG_PAUSE_S {
            match kept.guess(now) {
                Ok(_) => guesses += 1,
                Err(wait_s) => now += wait_s,
            }
        }
        assert_eq!(guesses, MANY_FAILURES);
        let begun = now;
        while now < begun + 100 * LONG_PAUSE_S {
            match kept.guess(now) {
                Ok(_) => guesses += 1,
                Err(wait_s) => now += wait_s,
            }
        }
        assert!(guesses <= MANY_FAILURES + 101, "{guesses}");
    }

    // S-026
    #[test]
    fn a_known_place_has_a_budget_of_its_own_whatever_others_do() {
        let mut kept = Kept::default();
        assert_eq!(kept.guess(NOW), Ok(Charged::Tallies));
        kept.take(Act::Settle(Charged::Tallies), NOW);
        let mut elsewhere = kept.clone();
        elsewhere.0.remove(&PLACE.key);
        for _ in 0..10_000 {
            let _ = elsewhere.guess(NOW + 1);
        }
        elsewhere.0.insert(PLACE.key, kept.0[&PLACE.key]);
        for _ in 0..10 {
            assert_eq!(elsewhere.guess(NOW + 2), Ok(Charged::Place));
        }
        assert_eq!(elsewhere.guess(NOW + 2), Err(1), "and no more than that");
        assert_eq!(elsewhere.guess(NOW + KNOWN_S), Ok(Charged::Tallies), "after 90 days it is a place like any other");
    }

    #[test]
    fn a_place_that_is_vouched_for_is_known_without_a_counter() {
        let mut kept = Kept::default();
        let vouched = |kept: &mut Kept| {
            let place = Some(Place { is_vouched_for: true, ..PLACE });
            let (verdict, next) = Step { act: Act::Charge, place, tallies: vec![ACCOUNT], now: NOW }.apply(&kept.0);
            kept.0.extend(next);
            verdict
        };
        for _ in 0..10 {
            assert!(matches!(vouched(&mut kept), Verdict::Done { charged: Charged::Place, .. }));
        }
        assert_eq!(vouched(&mut kept), Verdict::Refused { wait_s: 1, scope: Scope::Known });
        assert_eq!(kept.count(1), 0);
    }

    #[test]
    fn another_place_that_shares_the_counter_is_not_known() {
        let mut kept = Kept::default();
        kept.guess(NOW).unwrap();
        kept.take(Act::Settle(Charged::Tallies), NOW);
        let other =
            Step { act: Act::Charge, place: Some(Place { mark: 8, ..PLACE }), tallies: vec![ACCOUNT], now: NOW };
        assert!(matches!(other.apply(&kept.0).0, Verdict::Done { charged: Charged::Tallies, .. }));
    }

    #[test]
    fn a_right_guess_clears_the_account_and_gives_the_address_one_back_and_no_more() {
        let mut kept = Kept::default();
        let elsewhere = |kept: &mut Kept, act| {
            let step = Step { act, place: None, tallies: vec![ACCOUNT, ADDRESS], now: NOW };
            let (verdict, next) = step.apply(&kept.0);
            kept.0.extend(next);
            verdict
        };
        for _ in 0..9 {
            elsewhere(&mut kept, Act::Charge);
        }
        let before = kept.0[&ADDRESS.key];
        elsewhere(&mut kept, Act::Charge);
        elsewhere(&mut kept, Act::Settle(Charged::Tallies));
        assert_eq!(kept.count(1), 0);
        assert_eq!(kept.0[&ADDRESS.key], before);
        // At a known place nothing is said about failures elsewhere.
        for _ in 0..5 {
            elsewhere(&mut kept, Act::Charge);
        }
        kept.take(Act::Settle(Charged::Place), NOW);
        assert_eq!(kept.count(1), 5);
    }

    #[test]
    fn what_nobody_looked_at_does_not_count() {
        let mut kept = Kept::default();
        for _ in 0..1000 {
            let charged = kept.guess(NOW).unwrap();
            kept.take(Act::GiveBack(charged), NOW);
        }
        assert_eq!((kept.count(1), kept.0[&ADDRESS.key].until_ms), (0, ms(NOW)));
        kept.guess(NOW).unwrap();
        kept.take(Act::Settle(Charged::Tallies), NOW);
        for _ in 0..1000 {
            assert_eq!(kept.guess(NOW), Ok(Charged::Place));
            kept.take(Act::GiveBack(Charged::Place), NOW);
        }
        assert_eq!(kept.count(3), 0);
    }

    #[test]
    fn a_refusal_counts_nowhere() {
        let mut kept = Kept::default();
        while kept.guess(NOW).is_ok() {}
        let before = kept.0.clone();
        assert_eq!(kept.guess(NOW), Err(1));
        assert_eq!(kept.0, before);
    }

    // F-13
    #[test]
    fn a_clock_that_jumps_back_locks_nobody_out_for_long() {
        for (back, waits) in [(1, 3), (SKEW_S, 2 + SKEW_S), (SKEW_S + 3, 0), (10 * 365 * 24 * 3600, 0)] {
            let mut kept = Kept::default();
            let mut guess_until = |now| while kept.guess(now).is_ok() {};
            guess_until(NOW);
            guess_until(NOW + 1);
            let then = NOW + 1 - back;
            assert_eq!(GUESSES.wait_s(kept.0.get(&ACCOUNT.key), then), waits, "{back}");
            assert!(HOURLY.wait_s(kept.0.get(&ADDRESS.key), then) <= SKEW_S);
            assert!(kept.guess(then + SKEW_S + 60).is_ok(), "{back}");
        }
        assert_eq!(HOURLY.wait_s(Some(&Counter { until_ms: i64::MAX, ..Counter::default() }), NOW), 0);
    }

    proptest! {
        #[test]
        fn a_budget_is_never_exceeded(
            most in 1_u32..200, over_s in 1_i64..100_000, pauses in prop::collection::vec(0_i64..500, 1..400),
        ) {
            let rule = Rule::Refilling { most, over_s };
            let (mut counter, mut now, mut taken) = (None, NOW, 0_i64);
            for pause in pauses {
                now += pause;
                if let Ok(next) = rule.charge(counter.as_ref(), now) {
                    counter = Some(next);
                    taken += 1;
                }
            }
            prop_assert!(taken <= i64::from(most) + ms(now - NOW) / rule.step_ms());
        }

        #[test]
        fn who_waits_as_long_as_told_is_let_in(
            counter in any_counter(), now in -10_000_000_000_i64..10_000_000_000, most in 1_u32..1_000_000, free in 1_u32..60,
        ) {
            for rule in [Rule::Growing { free }, Rule::Refilling { most, over_s: 3600 }] {
                let wait_s = rule.wait_s(Some(&counter), now);
                let longest = SKEW_S + if matches!(rule, Rule::Growing { .. }) { LONG_PAUSE_S } else { 3601 };
                prop_assert!((0..=longest).contains(&wait_s), "{rule:?}: {wait_s}");
                match rule.charge(Some(&counter), now) {
                    Ok(_) => prop_assert_eq!(wait_s, 0),
                    Err(told) => prop_assert_eq!(told, wait_s),
                }
                prop_assert!(rule.charge(Some(&counter), now.saturating_add(wait_s)).is_ok());
            }
        }

        #[test]
        fn pauses_only_grow_while_there_are_failures(free in 1_u32..=MANY_FAILURES, count in 0_u32..200) {
            prop_assert!(pause_s(count, free) <= pause_s(count + 1, free));
            prop_assert_eq!(pause_s(count, free) == 0, count < free);
        }

        #[test]
        fn nothing_is_too_large_to_be_counted(counter in any_counter(), now: i64, most: u32, over_s: i64, free: u32) {
            for rule in [Rule::Growing { free }, Rule::Refilling { most, over_s: over_s.max(0) }] {
                let _ = rule.charge(Some(&counter), now);
                let _ = rule.give_back(&counter, now);
            }
        }
    }

    fn any_counter() -> impl Strategy<Value = Counter> {
        (any::<u32>(), any::<i64>(), any::<i64>(), any::<i64>())
            .prop_map(|(count, until_ms, mark, expires_at)| Counter { count, until_ms, mark, expires_at })
    }
}
