//! Two stores on one database: the same promises for every engine.
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use countersign::import::Record;
use countersign::store::{Imported, StoreError, UserStore};
use countersign::token::ScopeSet;
use countersign::user::{NewUser, ScopesChange, UserChange, Username};
use tokio::task::JoinSet;

const NOW: i64 = 1_700_000_000;

fn alice() -> NewUser {
    NewUser::new(Username::new("alice").unwrap(), NOW)
}

pub(crate) async fn see_each_other_and_give_one_name_once<S: UserStore>(stores: [Arc<S>; 2]) {
    let mut registrations = JoinSet::new();
    for n in 0..50 {
        let store = Arc::clone(&stores[n % 2]);
        registrations.spawn(async move { store.insert(&alice()).await });
    }
    let results = registrations.join_all().await;
    let users: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(users.len(), 1);
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(StoreError::UsernameTaken))), "{results:?}");
    for store in &stores {
        assert_eq!(store.find_by_id(users[0].id).await, Ok(Some(users[0].clone())));
    }
    stores[0].delete(users[0].id).await.unwrap();
    assert_eq!(stores[1].find_by_id(users[0].id).await, Ok(None));
}

pub(crate) async fn lose_no_grants<S: UserStore>(stores: [Arc<S>; 2]) {
    let user = stores[0].insert(&alice()).await.unwrap();
    let mut grants = JoinSet::new();
    for n in 0..40 {
        let store = Arc::clone(&stores[n % 2]);
        let scopes = ScopesChange::Grant(ScopeSet::parse(&format!("s:{n}")).unwrap());
        grants.spawn(async move { store.update(user.id, &UserChange { scopes, ..UserChange::default() }, NOW).await });
    }
    for outcome in grants.join_all().await {
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    let scopes = stores[0].find_by_id(user.id).await.unwrap().unwrap().scopes;
    assert!((0..40).all(|n| scopes.contains(&format!("s:{n}"))), "{scopes}");
}

/// Two imports that meet in opposite order, which could make each wait for the other.
pub(crate) async fn take_each_user_over_once<S: UserStore>(stores: [Arc<S>; 2]) {
    let newcomers: Vec<_> = (0..100)
        .map(|n| Record { username: Some(format!("user-{n:03}")), ..Record::default() }.to_newcomer(NOW).unwrap())
        .collect();
    let reversed: Vec<_> = newcomers.iter().rev().cloned().collect();
    let (ahead, back) = tokio::join!(stores[0].import(&newcomers), stores[1].import(&reversed));
    let outcomes: Vec<_> = ahead.unwrap().into_iter().chain(back.unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Imported::Added).count(), 100);
    assert!(outcomes.iter().all(|outcome| !matches!(outcome, Imported::AddedAs(_))), "{outcomes:?}");
}
