//! Signing keys.

use std::sync::Arc;

use crate::store::conformance::samples::{LATER, THEN, at_once};
use crate::store::{KeyState, KeyStore, SigningKeyRecord};

fn key(kid: &str, state: KeyState, created_at: i64) -> SigningKeyRecord {
    let sealed = (0..=u8::MAX).collect();
    let since = created_at + 1;
    SigningKeyRecord { kid: kid.to_owned(), algorithm: "ES256".to_owned(), state, sealed, created_at, since }
}

/// Each key and its state, oldest first.
async fn states(store: &dyn KeyStore) -> Vec<(String, KeyState)> {
    store.list_keys().await.unwrap().into_iter().map(|key| (key.kid, key.state)).collect()
}

async fn insert(store: &dyn KeyStore, kid: &str, state: KeyState, created_at: i64) {
    assert_eq!(store.insert_key(&key(kid, state, created_at)).await, Ok(true), "{kid}");
}

pub(super) async fn keys_are_listed_as_they_were_kept(store: Arc<dyn KeyStore>) {
    assert_eq!(store.list_keys().await, Ok(vec![]));
    let young = key("a", KeyState::Retiring, LATER);
    let old = key("b", KeyState::Retiring, THEN);
    let active = key("c", KeyState::Active, LATER);
    let next = key("d", KeyState::Next, LATER);
    for key in [&young, &old, &active, &next] {
        assert_eq!(store.insert_key(key).await, Ok(true));
    }
    for (kid, state) in [("e", KeyState::Active), ("e", KeyState::Next), ("a", KeyState::Retiring)] {
        assert_eq!(store.insert_key(&key(kid, state, LATER)).await, Ok(false), "{kid} {state:?}");
    }
    assert_eq!(store.list_keys().await, Ok(vec![old, young, active, next]));
}

// F-12: one signing key
pub(super) async fn of_many_keys_of_one_state_one_wins(store: Arc<dyn KeyStore>) {
    for state in [KeyState::Active, KeyState::Next] {
        let results = at_once((0..20).map(|n| {
            let store = Arc::clone(&store);
            async move { store.insert_key(&key(&format!("{state:?}-{n}"), state, LATER)).await.unwrap() }
        }))
        .await;
        assert_eq!(results.into_iter().filter(|won| *won).count(), 1, "{state:?}");
    }
    assert_eq!(store.list_keys().await.unwrap().len(), 2);
}

// R-083, F-12
pub(super) async fn of_many_promotions_one_wins_and_both_keys_change_together(store: Arc<dyn KeyStore>) {
    insert(&*store, "old", KeyState::Active, THEN).await;
    insert(&*store, "new", KeyState::Next, THEN + 1).await;
    assert_eq!(store.promote_key("other", "old", LATER).await, Ok(false));
    assert_eq!(store.promote_key("new", "other", LATER).await, Ok(false));
    assert_eq!(store.promote_key("old", "new", LATER).await, Ok(false));
    let results = at_once((0..20).map(|_| {
        let store = Arc::clone(&store);
        async move { store.promote_key("new", "old", LATER).await.unwrap() }
    }))
    .await;
    assert_eq!(results.into_iter().filter(|won| *won).count(), 1);
    let old = SigningKeyRecord { state: KeyState::Retiring, since: LATER, ..key("old", KeyState::Active, THEN) };
    let new = SigningKeyRecord { state: KeyState::Active, since: LATER, ..key("new", KeyState::Next, THEN + 1) };
    assert_eq!(store.list_keys().await, Ok(vec![old, new]));
    insert(&*store, "third", KeyState::Next, LATER).await;
}

pub(super) async fn a_key_is_removed_and_the_active_one_only_for_another(store: Arc<dyn KeyStore>) {
    use KeyState::{Active, Next, Retiring};
    insert(&*store, "a", Active, THEN).await;
    insert(&*store, "b", Next, THEN + 1).await;
    insert(&*store, "c", Retiring, THEN + 2).await;
    assert_eq!(store.remove_key("a", None).await, Ok(false), "somebody has to sign");
    let substitute = key("d", Active, LATER);
    assert_eq!(store.remove_key("c", Some(&substitute)).await, Ok(true));
    assert_eq!(store.remove_key("c", None).await, Ok(false));
    let named = |states: &[(&str, KeyState)]| -> Vec<(String, KeyState)> {
        states.iter().map(|(kid, state)| ((*kid).to_owned(), *state)).collect()
    };
    assert_eq!(states(&*store).await, named(&[("a", Active), ("b", Next)]), "no substitute where none is needed");
    assert_eq!(store.remove_key("a", Some(&substitute)).await, Ok(true));
    assert_eq!(states(&*store).await, named(&[("b", Next), ("d", Active)]));
    assert_eq!(store.remove_key("b", None).await, Ok(true));
    assert_eq!(states(&*store).await, named(&[("d", Active)]));
}
