//! Tokens for things that are made while what they rest on changes.

use std::sync::Arc;

use crate::entity::Entity;
use crate::store::conformance::entities::{declare, is_live, log_in, thing, token};
use crate::store::conformance::samples::{THEN, at_once, named, register, scopes};
use crate::store::{EntityStore, SessionStore, StatusStore, UserStore};

/// The thing gets another owner, loses the permission, or goes, before or after.
pub(super) async fn no_token_outlives_a_change_that_voids_it<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    const MINTED: usize = 6;
    let (alice, bob) = (register(&*store, &named("alice")).await, register(&*store, &named("bob")).await);
    let session = log_in(&*store, &alice).await;
    for round in 0..12 {
        let car = thing(&format!("car:{round}"), &alice, "drive unlock");
        declare(&*store, &car).await;
        let tokens = at_once((0..=MINTED).map(|n| {
            let (store, car, bob) = (Arc::clone(&store), car.clone(), bob.clone());
            async move {
                let new = token(&car, session, "drive");
                if n != round % MINTED {
                    return store.mint_entity_token(&new).await.unwrap().then_some(new.token);
                }
                match round % 3 {
                    0 => drop(declare(&*store, &Entity { owner: bob.id, ..car }).await),
                    1 => drop(declare(&*store, &Entity { permissions: scopes("unlock"), ..car }).await),
                    _ => assert_eq!(store.delete_entity(&car.subject).await, Ok(true)),
                }
                None
            }
        }))
        .await;
        assert_eq!(store.list_entity_tokens(&car.subject, THEN).await, Ok(Vec::new()), "round {round}");
        for minted in tokens.iter().flatten() {
            assert!(!is_live(&*store, minted).await, "round {round}");
        }
    }
}
