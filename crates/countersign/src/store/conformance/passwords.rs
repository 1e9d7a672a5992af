//! Password hashes: compare-and-set, times, races.

use std::sync::Arc;

use countersign_password::PasswordHash;

use crate::store::conformance::samples::{LATER, THEN, at_once, hash, named, register, username};
use crate::store::{HashRecord, UserStore};
use crate::user::{NewUser, UserId};

async fn stored_hash(store: &dyn UserStore, id: UserId) -> Option<PasswordHash> {
    store.find_credentials_by_id(id).await.unwrap().unwrap().password_hash
}

/// `updated_at` and `generation`.
async fn state(store: &dyn UserStore, id: UserId) -> (i64, i64) {
    let user = store.find_by_id(id).await.unwrap().unwrap();
    (user.updated_at, user.generation)
}

//
pub(super) async fn a_hash_is_replaced_only_if_it_is_the_expected_one(store: Arc<dyn UserStore>) {
    let user = register(&*store, &named("alice")).await;
    let other = register(&*store, &named("bob")).await;
    assert_eq!(store.replace_password_hash(user.id, &hash('x'), &hash('b')).await, Ok(false));
    assert_eq!(stored_hash(&*store, user.id).await, Some(hash('a')));
    assert_eq!(store.replace_password_hash(user.id, &hash('a'), &hash('b')).await, Ok(true));
    assert_eq!(store.replace_password_hash(user.id, &hash('a'), &hash('c')).await, Ok(false));
    assert_eq!(stored_hash(&*store, user.id).await, Some(hash('b')));
    // The password is the same as before, so no time moves and no token ends.
    assert_eq!(state(&*store, user.id).await, (THEN, 0));
    assert_eq!(stored_hash(&*store, other.id).await, Some(hash('a')));

    // A user without a password has nothing to replace.
    let without = register(&*store, &NewUser::new(username("carol"), THEN)).await;
    assert_eq!(store.replace_password_hash(without.id, &hash('a'), &hash('b')).await, Ok(false));
    assert_eq!(stored_hash(&*store, without.id).await, None);
}

pub(super) async fn a_password_is_changed_only_on_the_one_that_was_checked(store: Arc<dyn UserStore>) {
    let user = register(&*store, &named("alice")).await;
    assert_eq!(store.change_password(user.id, &hash('x'), &hash('b'), LATER).await, Ok(false));
    assert_eq!(state(&*store, user.id).await, (THEN, 0));
    let results = at_once(('b'..='u').map(|letter| {
        let store = Arc::clone(&store);
        async move { (letter, store.change_password(user.id, &hash('a'), &hash(letter), LATER).await.unwrap()) }
    }))
    .await;
    let winners: Vec<char> = results.into_iter().filter(|(_, changed)| *changed).map(|(letter, _)| letter).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(stored_hash(&*store, user.id).await, winners.first().copied().map(hash));
    assert_eq!(state(&*store, user.id).await, (LATER, 1));
}

pub(super) async fn a_password_is_set_whatever_stood_before(store: Arc<dyn UserStore>) {
    let with = register(&*store, &named("alice")).await;
    let without = register(&*store, &NewUser::new(username("bob"), THEN)).await;
    // Hashes of other programs keep their text to the letter.
    let foreign = PasswordHash::parse("$2b$12$PQO42dMponRoPGWyt5co5OiZCQJcpKDFxet8n5MnkUHNNHAg/mioS").unwrap();
    for user in [with, without] {
        assert_eq!(store.set_password(user.id, &foreign, LATER).await, Ok(true));
        assert_eq!(stored_hash(&*store, user.id).await, Some(foreign.clone()));
        assert_eq!(state(&*store, user.id).await, (LATER, 1));
    }
}

pub(super) async fn hashes_are_listed_with_what_an_upgrade_has_replaced(store: Arc<dyn UserStore>) {
    let foreign = PasswordHash::parse("$2b$12$PQO42dMponRoPGWyt5co5OiZCQJcpKDFxet8n5MnkUHNNHAg/mioS").unwrap();
    let with = |name| NewUser { password_hash: Some(foreign.clone()), ..named(name) };
    let upgraded = register(&*store, &with("alice")).await.id;
    let changed = register(&*store, &with("bob")).await.id;
    let as_it_came = register(&*store, &with("carol")).await.id;
    let without = register(&*store, &NewUser::new(username("dave"), THEN)).await.id;
    assert_eq!(store.replace_password_hash(upgraded, &foreign, &hash('b')).await, Ok(true));
    assert_eq!(store.replace_password_hash(upgraded, &hash('b'), &hash('c')).await, Ok(true));
    assert_eq!(store.replace_password_hash(changed, &foreign, &hash('b')).await, Ok(true));
    assert_eq!(store.change_password(changed, &hash('b'), &hash('c'), LATER).await, Ok(true));

    let record = |id, hash: Option<PasswordHash>, upgraded_from: Option<&str>| HashRecord {
        id,
        hash: hash.map(Ok),
        upgraded_from: upgraded_from.map(str::to_owned),
    };
    let mut expected = [
        record(upgraded, Some(hash('c')), Some("bcrypt")),
        record(changed, Some(hash('c')), None),
        record(as_it_came, Some(foreign), None),
        record(without, None, None),
    ];
    expected.sort_by_key(|record| record.id);
    let (first, rest) = expected.split_at(2);
    assert_eq!(store.list_hashes(None, 2).await.unwrap(), first);
    assert_eq!(store.list_hashes(first.last().map(|record| record.id), 10).await.unwrap(), rest);
    assert_eq!(store.list_hashes(rest.last().map(|record| record.id), 10).await, Ok(Vec::new()));
}

// S-031, R-123
pub(super) async fn an_upgrade_never_undoes_a_change_of_the_password(store: Arc<dyn UserStore>) {
    let user = register(&*store, &named("alice")).await;
    let upgrades = at_once((0..20).map(|n| {
        let store = Arc::clone(&store);
        async move {
            if n == 10 {
                store.set_password(user.id, &hash('c'), LATER).await
            } else {
                store.replace_password_hash(user.id, &hash('a'), &hash('b')).await
            }
        }
    }))
    .await;
    assert!(upgrades.iter().filter(|done| **done == Ok(true)).count() <= 2, "{upgrades:?}");
    assert!(upgrades.iter().all(Result::is_ok));
    assert_eq!(stored_hash(&*store, user.id).await, Some(hash('c')));
}
