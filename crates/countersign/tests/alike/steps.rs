//! The steps: each thing that can be asked of a store, about values of chance.

mod users;
mod sessions;
mod clients;
mod entities;
mod others;

use countersign::audit::AuditQuery;

use crate::choice::{Choice, status_list, user_id};
use crate::steps::clients::{client, insert_client};
use crate::steps::entities::{entity, entity_token};
use crate::steps::others::{COUNTERS, counter, key, record};
use crate::steps::sessions::{change_session, read_session, status};
use crate::steps::users::{change_user, import, read_user};
use crate::{Step, samples, step};

/// Users that are more than SQLite and PostgreSQL look at before they ask their indexes.
const CROWD: u64 = 1300;

const STEPS: usize = 250;

type Area = fn(&mut Choice) -> Step;
/// What has to do with one another, and how many ids users have.
const AREAS: [(&[Area], u64); 7] = [
    (&[read_user, change_user], 12),
    SESSIONS,
    THINGS,
    (&[counter, key, record], 1),
    SESSIONS,
    THINGS,
    (&[read_user, change_user], CROWD),
];
const SESSIONS: (&[Area], u64) =
    (&[change_user, read_session, change_session, change_session, change_session, client, status], 5);
const THINGS: (&[Area], u64) = (&[change_user, change_session, entity, entity_token, entity_token, status], 5);

/// Steps of one area, and then a look at everything.
pub(crate) fn of(seed: u64) -> Vec<Step> {
    let (area, users) = AREAS[usize::try_from(seed).unwrap() % AREAS.len()];
    let mut choice = Choice::new(seed, users);
    let mut steps = vec![import(&mut choice, users), insert_client(&mut choice), insert_client(&mut choice)];
    steps.extend((0..STEPS).map(|_| choice.of(area)(&mut choice)));
    steps.extend(everything(&choice));
    steps
}

/// Some that change nothing, about what these leave.
pub(crate) fn that_read(seed: u64) -> Vec<Step> {
    let (_, users) = AREAS[usize::try_from(seed).unwrap() % AREAS.len()];
    let mut choice = Choice::new(!seed, users);
    let mut steps: Vec<Step> = (0..STEPS).map(|_| read_user(&mut choice)).collect();
    steps.extend(everything(&choice));
    steps
}

/// All that is kept.
fn everything(c: &Choice) -> Vec<Step> {
    let mut steps = vec![
        step("list_hashes", (), |store, ()| store.list_hashes(None, usize::MAX)),
        step("list_sessions", (), |store, ()| store.list_sessions(None, i64::MIN, usize::MAX)),
        step("list_clients", (), |store, ()| store.list_clients()),
        step("list_entities", (), |store, ()| store.list_entities(None, None, usize::MAX)),
        step("find_counters", (), |store, ()| store.find_counters(&COUNTERS)),
        step("list_keys", (), |store, ()| store.list_keys()),
        step("list_records", AuditQuery { limit: 1000, ..AuditQuery::default() }, |store, all| store.list_records(all)),
    ];
    steps.extend((0..c.users).map(|number| step("find_by_id", user_id(number), |store, id| store.find_by_id(*id))));
    steps.extend((0..3).map(|list| step("list_revoked", status_list(list), |store, list| store.list_revoked(*list))));
    steps.extend(samples::SUBJECTS.iter().map(|subject| {
        step("list_entity_tokens", subject.parse().unwrap(), |store, subject| {
            store.list_entity_tokens(subject, i64::MIN)
        })
    }));
    steps
}
