//! Counters of guesses: of many at once each sees what those before it have kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::store::ThrottleStore;
use crate::store::conformance::samples::{THEN, at_once};
use crate::throttle::{Act, Charged, Counter, CounterKey, Place, Rule, Scope, Step, Tally, Verdict};

const GUESSES: Rule = Rule::Growing { free: 10 };
const HOURLY: Rule = Rule::Refilling { most: 100, over_s: 3600 };

fn account(key: i64) -> Tally {
    Tally { key: CounterKey(key), rule: GUESSES, scope: Scope::Account }
}

fn address(key: i64) -> Tally {
    Tally { key: CounterKey(key), rule: HOURLY, scope: Scope::Address }
}

fn charge(tallies: &[Tally]) -> Step {
    Step { act: Act::Charge, place: None, tallies: tallies.to_vec(), now: THEN }
}

fn is_done(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Done { .. })
}

async fn found<S: ThrottleStore>(store: &S, key: i64) -> Option<Counter> {
    store.find_counters(&[CounterKey(key)]).await.unwrap().remove(&CounterKey(key))
}

pub(super) async fn counters_are_found_as_they_were_kept<S: ThrottleStore>(store: Arc<S>) {
    let keys = [1, 2, 3].map(CounterKey);
    assert_eq!(store.find_counters(&keys).await, Ok(BTreeMap::new()));
    let place = Place { key: CounterKey(3), rule: GUESSES, mark: i64::MIN, is_vouched_for: false };
    let step = Step { place: Some(place), ..charge(&[account(1), address(i64::MAX)]) };
    assert!(is_done(store.take_step(&step).await.unwrap()));
    let counter = found(&*store, 1).await.unwrap();
    assert_eq!((counter.count, counter.until_ms, counter.mark), (1, THEN * 1000, 0));
    assert_eq!(found(&*store, i64::MAX).await.unwrap().until_ms, THEN * 1000 + 36_000);
    assert_eq!(found(&*store, 3).await, None, "nobody is known before a guess was right");

    let step = Step { act: Act::Settle(Charged::Tallies), ..step };
    assert!(is_done(store.take_step(&step).await.unwrap()));
    let known = found(&*store, 3).await.unwrap();
    assert_eq!((known.count, known.mark), (0, i64::MIN));
    assert!(known.expires_at > THEN);
    for key in [1, i64::MAX] {
        assert_eq!(found(&*store, key).await.unwrap().expires_at, THEN, "{key}: it says nothing any more");
    }
    let step = Step { act: Act::Charge, ..step };
    let verdict = store.take_step(&step).await.unwrap();
    assert_eq!(verdict, Verdict::Done { charged: Charged::Place, pause: None });
    let all = store.find_counters(&keys).await.unwrap();
    assert_eq!(all.get(&CounterKey(3)), Some(&Counter { count: 1, until_ms: THEN * 1000, ..known }));
}

// S-025
pub(super) async fn of_two_hundred_guesses_at_once_as_many_are_counted_as_are_allowed<S>(store: Arc<S>)
where
    S: ThrottleStore,
{
    let verdicts = at_once((0..200).map(|number| {
        let store = Arc::clone(&store);
        async move { store.take_step(&charge(&[account(1), address(10 + number % 7)])).await.unwrap() }
    }))
    .await;
    assert_eq!(verdicts.iter().filter(|verdict| is_done(**verdict)).count(), 10);
    let refused = Verdict::Refused { wait_s: 1, scope: Scope::Account };
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == refused).count(), 190);
    assert_eq!(found(&*store, 1).await.unwrap().count, 10);
}

pub(super) async fn a_step_that_one_counter_refuses_changes_none<S: ThrottleStore>(store: Arc<S>) {
    for _ in 0..10 {
        assert!(is_done(store.take_step(&charge(&[account(1)])).await.unwrap()));
    }
    let refused = store.take_step(&charge(&[address(2), account(1), account(3)])).await.unwrap();
    assert_eq!(refused, Verdict::Refused { wait_s: 1, scope: Scope::Account });
    assert_eq!((found(&*store, 2).await, found(&*store, 3).await), (None, None));
}

/// Each names what others name as well, in another order.
pub(super) async fn guesses_that_share_some_counters_do_not_wait_in_a_circle<S: ThrottleStore>(store: Arc<S>) {
    let verdicts = at_once((0..60).map(|number: i64| {
        let store = Arc::clone(&store);
        let mut keys = vec![address(number % 3), address((number + 1) % 3), address(3)];
        if number % 2 == 0 {
            keys.reverse();
        }
        async move { store.take_step(&charge(&keys)).await.unwrap() }
    }))
    .await;
    assert!(verdicts.into_iter().all(is_done));
    for (key, counted) in [(0, 40), (1, 40), (2, 40), (3, 60)] {
        assert_eq!(found(&*store, key).await.unwrap().until_ms, THEN * 1000 + counted * 36_000, "{key}");
    }
}

pub(super) async fn expired_counters_are_purged_in_batches<S: ThrottleStore>(store: Arc<S>) {
    for key in 0..5 {
        store.take_step(&charge(&[address(key)])).await.unwrap();
    }
    store.take_step(&charge(&[account(5)])).await.unwrap();
    assert_eq!(store.purge_counters(THEN + 35, 10).await, Ok(0));
    assert_eq!(store.purge_counters(THEN + 36, 3).await, Ok(3));
    assert_eq!(store.purge_counters(THEN + 36, 3).await, Ok(2));
    assert!(found(&*store, 5).await.is_some());
}
