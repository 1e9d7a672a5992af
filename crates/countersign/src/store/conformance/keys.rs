//! Signing keys.

use std::sync::Arc;

use crate::store::conformance::samples::{LATER, THEN, at_once};
use crate::store::{KeyState, KeyStore, SigningKeyRecord};

fn key(kid: &str, state: KeyState, created_at: i64) -> SigningKeyRecord {
    let sealed = (0..=u8::MAX).collect();
    SigningKeyRecord { kid: kid.to_owned(), algorithm: "ES256".to_owned(), state, sealed, created_at }
}

pub(super) async fn keys_are_listed_as_they_were_kept(store: Arc<dyn KeyStore>) {
    assert_eq!(store.list_keys().await, Ok(vec![]));
    let young = key("a", KeyState::Retired, LATER);
    let old = key("b", KeyState::Retired, THEN);
    let active = key("c", KeyState::Active, LATER);
    for key in [&young, &old, &active] {
        assert_eq!(store.insert_if_none_active(key).await, Ok(true));
    }
    for state in [KeyState::Active, KeyState::Retired] {
        assert_eq!(store.insert_if_none_active(&key("d", state, LATER)).await, Ok(false));
    }
    assert_eq!(store.list_keys().await, Ok(vec![old, young, active]));
}

// F-12: one signing key
pub(super) async fn of_many_first_keys_one_wins(store: Arc<dyn KeyStore>) {
    let kept = key("old", KeyState::Retired, THEN);
    assert_eq!(store.insert_if_none_active(&kept).await, Ok(true));
    assert_eq!(store.insert_if_none_active(&SigningKeyRecord { created_at: LATER, ..kept.clone() }).await, Ok(false));
    let results = at_once((0..20).map(|n| {
        let store = Arc::clone(&store);
        async move {
            let key = key(&format!("key-{n}"), KeyState::Active, LATER);
            (key.kid.clone(), store.insert_if_none_active(&key).await.unwrap())
        }
    }))
    .await;
    let winners: Vec<String> = results.into_iter().filter(|(_, won)| *won).map(|(kid, _)| kid).collect();
    assert_eq!(winners.len(), 1);
    let kids: Vec<String> = store.list_keys().await.unwrap().into_iter().map(|key| key.kid).collect();
    assert_eq!(kids, [vec!["old".to_owned()], winners].concat());
}
