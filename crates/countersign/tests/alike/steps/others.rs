//! Counters, signing keys and the audit log.

use countersign::audit::{AuditQuery, AuditRecord};
use countersign::store::{KeyState, SigningKeyRecord};
use countersign::throttle::{self, Act, Charged, CounterKey, Place, Rule, Scope, Tally};

use crate::choice::{Choice, bytes};
use crate::{Step, step};

pub(super) const COUNTERS: [CounterKey; 6] =
    [CounterKey(i64::MIN), CounterKey(-1), CounterKey(0), CounterKey(1), CounterKey(7), CounterKey(i64::MAX)];

fn guess(c: &mut Choice) -> throttle::Step {
    let rules = [
        Rule::Growing { free: 0 },
        Rule::Growing { free: 2 },
        Rule::Refilling { most: 3, over_s: 10 },
        Rule::Refilling { most: 0, over_s: i64::MAX },
    ];
    let charged = c.of(&[Charged::Nothing, Charged::Place, Charged::Tallies]);
    let mut keys = COUNTERS.to_vec();
    keys.retain(|_| c.one_in(2));
    let place = keys.pop().filter(|_| c.one_in(2)).map(|key| Place {
        key,
        rule: c.of(&rules),
        mark: c.of(&[i64::MIN, 0, 1]),
        is_vouched_for: c.one_in(4),
    });
    let scopes = [Scope::Account, Scope::Known, Scope::Address, Scope::Network];
    throttle::Step {
        act: c.of(&[Act::Charge, Act::Charge, Act::Settle(charged), Act::GiveBack(charged)]),
        place,
        tallies: keys.into_iter().map(|key| Tally { key, rule: c.of(&rules), scope: c.of(&scopes) }).collect(),
        now: c.time(),
    }
}

pub(super) fn counter(c: &mut Choice) -> Step {
    match c.below(5) {
        0..3 => step("take_step", guess(c), |store, guess| store.take_step(guess)),
        3 => step("find_counters", c.several(5, |c| c.of(&COUNTERS)), |store, keys| store.find_counters(keys)),
        _ => step("purge_counters", (c.time(), c.limit()), |store, (now, limit)| {
            Box::pin(async {
                Ok((store.purge_counters(*now, *limit).await?, store.purge_counters(*now, usize::MAX).await?))
            })
        }),
    }
}

fn key_record(c: &mut Choice) -> SigningKeyRecord {
    SigningKeyRecord {
        kid: c.text(),
        algorithm: c.text(),
        state: c.of(&[KeyState::Next, KeyState::Active, KeyState::Retiring]),
        sealed: bytes::<12>(c.below(9)).to_vec(),
        created_at: c.time(),
        since: c.time(),
    }
}

fn audit_record(c: &mut Choice) -> AuditRecord {
    AuditRecord {
        outcome: c.some(Choice::text),
        cause: c.some(Choice::text),
        user: c.some(Choice::text),
        by: c.some(Choice::text),
        client: c.some(Choice::text),
        source: c.some(Choice::text),
        request_id: c.some(Choice::text),
        times: c.of(&[0, 1, u32::MAX]),
        detail: c.detail(),
        ..AuditRecord::new(c.audit_id(), &c.text())
    }
}

/// What a query asks for may hold a NUL: nobody has looked at it.
fn audit_query(c: &mut Choice) -> AuditQuery {
    let asked = |c: &mut Choice| {
        let is_asked = c.one_in(4);
        is_asked.then(|| c.text() + if c.one_in(4) { "\0" } else { "" })
    };
    let query = AuditQuery {
        event: asked(c),
        user: asked(c),
        by: asked(c),
        client: asked(c),
        source: asked(c),
        oldest_first: c.one_in(2),
        limit: c.limit(),
        ..AuditQuery::default()
    };
    let query = if c.one_in(3) { query.since(c.time()) } else { query };
    let query = if c.one_in(3) { query.until(c.time()) } else { query };
    if c.one_in(3) { query.go_on(c.audit_id()) } else { query }
}

pub(super) fn key(c: &mut Choice) -> Step {
    match c.below(4) {
        0 => step("insert_key", key_record(c), |store, key| store.insert_key(key)),
        1 => step("list_keys", (), |store, ()| store.list_keys()),
        2 => step("promote_key", (c.text(), c.some(Choice::text), c.time()), |store, (next, active, now)| {
            Box::pin(async move {
                let keys = store.list_keys().await?;
                let of = |state| keys.iter().find(|key| key.state == state).map(|key| key.kid.as_str());
                let next = if active.is_none() { of(KeyState::Next) } else { None }.unwrap_or(next);
                store.promote_key(next, active.as_deref().or(of(KeyState::Active)).unwrap_or_default(), *now).await
            })
        }),
        _ => {
            step("remove_key", (c.text(), c.some(key_record)), |store, (kid, key)| store.remove_key(kid, key.as_ref()))
        }
    }
}

pub(super) fn record(c: &mut Choice) -> Step {
    match c.below(4) {
        0 | 1 => step("keep_records", c.several(5, audit_record), |store, records| store.keep_records(records)),
        2 => step("list_records", audit_query(c), |store, query| store.list_records(query)),
        _ => step("purge_records", (c.time(), c.limit()), |store, (before, limit)| {
            Box::pin(async {
                Ok((store.purge_records(*before, *limit).await?, store.purge_records(*before, usize::MAX).await?))
            })
        }),
    }
}
