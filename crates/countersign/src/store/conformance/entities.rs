//! Things and the tokens for them.

use std::sync::Arc;

use countersign_token::Subject;

use crate::entity::{Entity, EntityToken, MOST_TOKENS, NewEntityToken};
use crate::session::{NewSession, Origin, Session, SessionId};
use crate::status::{StatusListId, StatusPlace};
use crate::store::conformance::injection::INJECTIONS;
use crate::store::conformance::samples::{LATER, THEN, at_once, hash, named, register, scopes};
use crate::store::{Declared, EntityStore, SessionStore, StatusStore, UserStore};
use crate::user::{User, UserChange, UserId};

const EXPIRY: i64 = THEN + 10_000;

fn subject(text: &str) -> Subject {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(super) fn thing(text: &str, owner: &User, permissions: &str) -> Entity {
    Entity { subject: subject(text), owner: owner.id, permissions: scopes(permissions), created_at: THEN }
}

pub(super) async fn declare(store: &dyn EntityStore, entity: &Entity) -> Declared {
    store.declare_entity(entity).await.unwrap().unwrap()
}

/// A login of this user, which outlives the tokens of these checks.
pub(super) async fn log_in(store: &dyn SessionStore, user: &User) -> SessionId {
    let session = Session {
        id: SessionId::random(),
        user: user.id,
        client: "first-party".to_owned(),
        scope: scopes(""),
        origin: Origin::default(),
        created_at: THEN,
        last_used_at: THEN,
        expires_at: EXPIRY,
        access_until: EXPIRY,
        status: None,
        refresh: None,
    };
    let new = NewSession { session, generation: user.generation, most: 100 };
    assert_eq!(store.begin_session(&new).await, Ok(Some(0)));
    new.session.id
}

pub(super) fn token(entity: &Entity, session: SessionId, permissions: &str) -> NewEntityToken {
    let id = SessionId::random();
    // A place that no other token of these checks has.
    let (list, index) = id.as_bytes().split_first_chunk().unwrap();
    let (index, _) = index.split_first_chunk().unwrap();
    let token = EntityToken {
        id,
        entity: entity.subject.clone(),
        name: "The 'mechanic'; \"x\" % \u{1F697}".to_owned(),
        permissions: scopes(permissions),
        created_at: THEN,
        expires_at: EXPIRY,
        status: StatusPlace { list: StatusListId::from_bytes(*list), index: u16::from_le_bytes(*index) },
    };
    NewEntityToken { token, entity: entity.clone(), session }
}

async fn mint(store: &dyn EntityStore, new: &NewEntityToken) -> EntityToken {
    assert_eq!(store.mint_entity_token(new).await, Ok(true));
    new.token.clone()
}

/// Who checks tokens elsewhere learns the same.
pub(super) async fn is_live<S: EntityStore + StatusStore>(store: &S, token: &EntityToken) -> bool {
    let found = store.find_entity_token(token.id, THEN).await.unwrap();
    assert!(found.is_none() || found.as_ref() == Some(token));
    assert_eq!(store.is_revoked(token.status).await, Ok(found.is_none()));
    found.is_some()
}

async fn change(store: &dyn UserStore, user: UserId, disabled: bool) {
    let change = UserChange { disabled: Some(disabled), ..UserChange::default() };
    store.update(user, &change, LATER).await.unwrap().unwrap();
}

pub(super) async fn things_are_found_and_listed_as_they_were_declared<S: EntityStore + UserStore>(store: Arc<S>) {
    let (alice, bob) = (register(&*store, &named("alice")).await, register(&*store, &named("bob")).await);
    let names = ["car:", "car:a", "car:\u{e9}\u{1F697}", "car:a:b", "car:a/b", "car:A", "post:a"];
    let names = names.map(|name| if name == "car:" { format!("car:{}", "x".repeat(251)) } else { name.to_owned() });
    for name in &names {
        let entity = thing(name, &alice, "drive unlock");
        assert_eq!(store.find_entity(&entity.subject).await, Ok(None));
        let declared = Declared { entity: entity.clone(), is_new: true, ended: 0 };
        assert_eq!(store.declare_entity(&entity).await, Ok(Some(declared)));
        assert_eq!(store.find_entity(&entity.subject).await, Ok(Some(entity)));
    }
    declare(&*store, &thing("car:b", &bob, "drive")).await;
    let list = async |owner: Option<&User>, after: Option<&str>, limit| -> Vec<String> {
        let found = store.list_entities(owner.map(|user| user.id), after.map(subject).as_ref(), limit).await.unwrap();
        found.into_iter().map(|entity| entity.subject.to_string()).collect()
    };
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    assert_eq!(list(Some(&alice), None, 100).await, sorted);
    assert_eq!(list(None, None, 100).await.len(), sorted.len() + 1);
    assert_eq!(list(Some(&bob), None, 100).await, ["car:b"]);
    for place in 0..sorted.len() {
        let (page, rest) = sorted.split_at(place + 1);
        let next = list(Some(&alice), page.last().map(String::as_str), 2).await;
        assert_eq!(next, rest.get(..2.min(rest.len())).unwrap_or_default());
    }
    assert_eq!(store.delete_entity(&subject("car:a")).await, Ok(true));
    assert_eq!(store.delete_entity(&subject("car:a")).await, Ok(false));
    assert_eq!(store.find_entity(&subject("car:a")).await, Ok(None));
    assert_eq!(list(None, None, 100).await.len(), sorted.len());
}

pub(super) async fn a_thing_is_somebodys_who_is_there<S: EntityStore + UserStore>(store: Arc<S>) {
    let (alice, bob) = (register(&*store, &named("alice")).await, register(&*store, &named("bob")).await);
    let entity = thing("car:foo", &alice, "drive");
    assert_eq!(store.declare_entity(&Entity { owner: UserId::new(THEN), ..entity.clone() }).await, Ok(None));
    assert_eq!(store.find_entity(&entity.subject).await, Ok(None));
    declare(&*store, &entity).await;
    let moved = Entity { created_at: LATER, ..thing("car:foo", &bob, "unlock") };
    let expected = Entity { created_at: THEN, ..moved.clone() };
    for _ in 0..2 {
        let declared = Declared { entity: expected.clone(), is_new: false, ended: 0 };
        assert_eq!(store.declare_entity(&moved).await, Ok(Some(declared)), "and once more");
    }
    assert_eq!(store.declare_entity(&Entity { owner: UserId::new(THEN), ..moved.clone() }).await, Ok(None));
    assert_eq!(store.find_entity(&entity.subject).await, Ok(Some(expected)));
    assert_eq!(store.delete(alice.id).await, Ok(true));
    assert!(store.find_entity(&entity.subject).await.unwrap().is_some());
    assert_eq!(store.delete(bob.id).await, Ok(true));
    assert_eq!(store.find_entity(&entity.subject).await, Ok(None), "it goes with its owner");
}

pub(super) async fn tokens_are_found_and_listed_until_they_expire<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    let alice = register(&*store, &named("alice")).await;
    let session = log_in(&*store, &alice).await;
    let (car, van) = (thing("car:foo", &alice, "drive unlock"), thing("car:bar", &alice, "drive"));
    declare(&*store, &car).await;
    declare(&*store, &van).await;
    assert_eq!(store.list_entity_tokens(&car.subject, THEN).await, Ok(Vec::new()));
    let older = mint(&*store, &token(&car, session, "drive unlock")).await;
    let mut younger = token(&car, session, "drive");
    younger.token.created_at += 1;
    younger.token.expires_at += 1;
    let younger = mint(&*store, &younger).await;
    let other = mint(&*store, &token(&van, session, "drive")).await;
    for token in [&older, &younger, &other] {
        let at = async |now| store.find_entity_token(token.id, now).await.unwrap();
        assert_eq!(at(token.expires_at - 1).await.as_ref(), Some(token));
        assert_eq!(at(token.expires_at).await, None);
    }
    assert_eq!(store.find_entity_token(SessionId::random(), THEN).await, Ok(None));
    assert_eq!(store.find_entity_token(session, THEN).await, Ok(None), "a login is no token");
    assert_eq!(store.find_session(older.id, THEN).await, Ok(None), "a token is no login");
    assert_eq!(store.list_entity_tokens(&car.subject, THEN).await, Ok(vec![younger.clone(), older]));
    assert_eq!(store.list_entity_tokens(&car.subject, EXPIRY).await, Ok(vec![younger]));
    assert_eq!(store.list_entity_tokens(&van.subject, THEN).await, Ok(vec![other]));
    assert_eq!(store.list_entity_tokens(&subject("car:fo"), THEN).await, Ok(Vec::new()));
}

// S-009
pub(super) async fn a_token_is_kept_only_for_what_was_checked<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    let (alice, bob) = (register(&*store, &named("alice")).await, register(&*store, &named("bob")).await);
    let (session, bobs) = (log_in(&*store, &alice).await, log_in(&*store, &bob).await);
    let car = thing("car:foo", &alice, "drive unlock");
    let refused = async |new: NewEntityToken, why: &str| {
        assert_eq!(store.mint_entity_token(&new).await, Ok(false), "{why}");
        assert_eq!(store.find_entity_token(new.token.id, THEN).await, Ok(None), "{why}");
    };
    refused(token(&car, session, "drive"), "there is no such thing").await;
    declare(&*store, &car).await;
    refused(token(&car, bobs, "drive"), "the session is another's").await;
    refused(token(&car, SessionId::random(), "drive"), "there is no such session").await;
    let mut late = token(&car, session, "drive");
    late.token.created_at = EXPIRY;
    refused(late, "the session is over").await;
    let others = thing("car:foo", &bob, "drive unlock");
    refused(token(&others, bobs, "drive"), "it is another's").await;
    refused(token(&thing("car:foo", &alice, "drive"), session, "drive"), "it had other permissions").await;
    mint(&*store, &token(&car, session, "drive")).await;

    assert_eq!(store.end_session(session, None).await, Ok(true));
    refused(token(&car, session, "drive"), "the login has ended").await;
    let session = log_in(&*store, &alice).await;
    assert_eq!(store.set_password(alice.id, &hash('b'), LATER).await, Ok(true));
    refused(token(&car, session, "drive"), "the password was changed").await;
    let alice = store.find_by_id(alice.id).await.unwrap().unwrap();
    let session = log_in(&*store, &alice).await;
    mint(&*store, &token(&car, session, "drive")).await;
    change(&*store, alice.id, true).await;
    refused(token(&car, session, "drive"), "the owner is disabled").await;
    assert_eq!(store.delete(alice.id).await, Ok(true));
    refused(token(&car, session, "drive"), "the owner is gone").await;
}

pub(super) async fn of_many_tokens_at_once_as_many_are_kept_as_there_is_room_for<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    let alice = register(&*store, &named("alice")).await;
    let session = log_in(&*store, &alice).await;
    let (car, van) = (thing("car:foo", &alice, "drive"), thing("car:bar", &alice, "drive"));
    declare(&*store, &car).await;
    declare(&*store, &van).await;
    // One that has expired takes no room.
    let mut expired = token(&car, session, "drive");
    expired.token.expires_at = THEN;
    mint(&*store, &expired).await;
    let minted = at_once((0..MOST_TOKENS + 20).map(|_| {
        let (store, new) = (Arc::clone(&store), token(&car, session, "drive"));
        async move { store.mint_entity_token(&new).await.unwrap() }
    }))
    .await;
    assert_eq!(minted.into_iter().filter(|minted| *minted).count(), MOST_TOKENS);
    let kept = store.list_entity_tokens(&car.subject, THEN).await.unwrap();
    assert_eq!(kept.len(), MOST_TOKENS);
    mint(&*store, &token(&van, session, "drive")).await;
    let first = kept.first().unwrap();
    assert_eq!(store.end_entity_token(first.id, None).await, Ok(true));
    mint(&*store, &token(&car, session, "drive")).await;
    assert_eq!(store.mint_entity_token(&token(&car, session, "drive")).await, Ok(false));
}

pub(super) async fn a_change_of_a_thing_ends_the_tokens_that_it_voids<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    let (alice, bob) = (register(&*store, &named("alice")).await, register(&*store, &named("bob")).await);
    let session = log_in(&*store, &alice).await;
    let (car, van) = (thing("car:foo", &alice, "drive unlock"), thing("car:bar", &alice, "drive"));
    declare(&*store, &car).await;
    declare(&*store, &van).await;
    let other = mint(&*store, &token(&van, session, "drive")).await;
    let both = mint(&*store, &token(&car, session, "drive unlock")).await;
    let drive = mint(&*store, &token(&car, session, "drive")).await;
    let unlock = mint(&*store, &token(&car, session, "unlock")).await;
    let lives = async |token: &EntityToken| is_live(&*store, token).await;

    assert_eq!(declare(&*store, &car).await.ended, 0, "nothing has changed");
    assert_eq!(declare(&*store, &thing("car:foo", &alice, "drive park unlock")).await.ended, 0, "it is wider now");
    assert!(lives(&both).await && lives(&drive).await && lives(&unlock).await);
    assert_eq!(declare(&*store, &thing("car:foo", &alice, "drive park")).await.ended, 2);
    assert!(!lives(&both).await && lives(&drive).await && !lives(&unlock).await);
    assert_eq!(declare(&*store, &thing("car:foo", &bob, "drive park")).await.ended, 1, "it is another's");
    assert!(!lives(&drive).await);
    assert_eq!(declare(&*store, &car).await.ended, 0);
    let last = mint(&*store, &token(&car, session, "unlock")).await;
    assert_eq!(store.delete_entity(&car.subject).await, Ok(true));
    assert!(!lives(&last).await);
    declare(&*store, &car).await;
    assert!(!lives(&last).await && !lives(&drive).await, "a thing of the same name is another");
    assert_eq!(store.list_entity_tokens(&car.subject, THEN).await, Ok(Vec::new()));
    assert!(lives(&other).await);
}

pub(super) async fn tokens_are_ended_one_by_one_or_all_of_a_thing<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    let alice = register(&*store, &named("alice")).await;
    let session = log_in(&*store, &alice).await;
    let (car, van) = (thing("car:foo", &alice, "drive"), thing("car:bar", &alice, "drive"));
    declare(&*store, &car).await;
    declare(&*store, &van).await;
    let other = mint(&*store, &token(&van, session, "drive")).await;
    let mut cars = Vec::new();
    for _ in 0..4 {
        cars.push(mint(&*store, &token(&car, session, "drive")).await);
    }
    let [one, two, ..] = cars.as_slice() else { panic!("there are four") };
    assert_eq!(store.end_entity_token(one.id, Some(&van.subject)).await, Ok(false), "it is for another thing");
    assert!(is_live(&*store, one).await);
    assert_eq!(store.end_entity_token(one.id, Some(&car.subject)).await, Ok(true));
    assert_eq!(store.end_entity_token(one.id, Some(&car.subject)).await, Ok(false));
    assert_eq!(store.end_entity_token(two.id, None).await, Ok(true));
    assert_eq!(store.end_entity_token(session, None).await, Ok(false));
    assert_eq!(store.end_entity_tokens(&car.subject).await, Ok(2));
    assert_eq!(store.end_entity_tokens(&car.subject).await, Ok(0));
    assert!(is_live(&*store, &other).await);
    assert!(store.find_session(session, THEN).await.unwrap().is_some());
}

//
pub(super) async fn a_user_who_is_disabled_or_gone_leaves_no_token<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    let (alice, bob) = (register(&*store, &named("alice")).await, register(&*store, &named("bob")).await);
    let (car, van) = (thing("car:foo", &alice, "drive"), thing("car:bar", &bob, "drive"));
    declare(&*store, &car).await;
    declare(&*store, &van).await;
    let session = log_in(&*store, &bob).await;
    let bobs = mint(&*store, &token(&van, session, "drive")).await;
    let mint_again = async || {
        let alice = store.find_by_id(alice.id).await.unwrap().unwrap();
        let session = log_in(&*store, &alice).await;
        mint(&*store, &token(&car, session, "drive")).await
    };
    let kept = mint_again().await;
    // A token for a thing is its own: who wants it to end with a password says so.
    assert_eq!(store.set_password(alice.id, &hash('b'), LATER).await, Ok(true));
    assert_eq!(store.change_password(alice.id, &hash('b'), &hash('c'), LATER).await, Ok(true));
    store.end_sessions(alice.id).await.unwrap();
    let renamed = UserChange { full_name: crate::user::Change::Clear, ..UserChange::default() };
    store.update(alice.id, &renamed, LATER).await.unwrap();
    assert!(is_live(&*store, &kept).await);

    change(&*store, alice.id, true).await;
    assert!(!is_live(&*store, &kept).await);
    change(&*store, alice.id, false).await;
    assert!(!is_live(&*store, &kept).await, "what has ended does not come back");
    let again = mint_again().await;
    assert_eq!(store.delete(alice.id).await, Ok(true));
    assert!(!is_live(&*store, &again).await && is_live(&*store, &bobs).await);
}

pub(super) async fn a_token_that_is_minted_while_its_owner_is_disabled_does_not_live<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    for round in 0..8 {
        let alice = register(&*store, &named(&format!("alice{round}"))).await;
        let session = log_in(&*store, &alice).await;
        let car = thing(&format!("car:{round}"), &alice, "drive");
        declare(&*store, &car).await;
        let disabling = round % 2 == 0;
        let mut jobs = tokio::task::JoinSet::new();
        for place in 0..10 {
            let (store, new, id) = (Arc::clone(&store), token(&car, session, "drive"), alice.id);
            jobs.spawn(async move {
                match (place == 5, disabling) {
                    (true, true) => change(&*store, id, true).await,
                    (true, false) => assert_eq!(store.delete(id).await, Ok(true)),
                    // Before it or after it: either way the token is not there in the end.
                    _ => return Some((store.mint_entity_token(&new).await.unwrap(), new.token)),
                }
                None
            });
        }
        for (is_minted, token) in jobs.join_all().await.into_iter().flatten() {
            assert_eq!(store.is_revoked(token.status).await, Ok(is_minted));
        }
        assert_eq!(store.list_entity_tokens(&car.subject, THEN).await, Ok(Vec::new()), "{round}");
    }
}

pub(super) async fn expired_tokens_are_purged_in_batches<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    let alice = register(&*store, &named("alice")).await;
    let session = log_in(&*store, &alice).await;
    let car = thing("car:foo", &alice, "drive");
    declare(&*store, &car).await;
    let mut expired = Vec::new();
    for _ in 0..3 {
        expired.push(mint(&*store, &token(&car, session, "drive")).await);
    }
    let mut longer = token(&car, session, "drive");
    longer.token.expires_at += 1;
    let longer = mint(&*store, &longer).await;
    assert_eq!(store.purge_entity_tokens(EXPIRY - 1, 10).await, Ok(0));
    assert_eq!(store.purge_entity_tokens(EXPIRY, 2).await, Ok(2));
    assert_eq!(store.purge_entity_tokens(EXPIRY, 2).await, Ok(1));
    assert_eq!(store.list_entity_tokens(&car.subject, THEN).await, Ok(vec![longer]));
    for token in expired {
        assert_eq!(store.is_revoked(token.status).await, Ok(false), "nobody takes it any more");
    }
}

// R-180, S-035
pub(super) async fn injected_text_in_a_thing_is_kept_as_text<S>(store: Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    let alice = register(&*store, &named("alice")).await;
    let session = log_in(&*store, &alice).await;
    for (place, text) in INJECTIONS.into_iter().enumerate() {
        let id: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let car = thing(&format!("car:{place}{id}"), &alice, "drive");
        declare(&*store, &car).await;
        let mut new = token(&car, session, "drive");
        text.clone_into(&mut new.token.name);
        let kept = mint(&*store, &new).await;
        assert_eq!(store.list_entity_tokens(&car.subject, THEN).await, Ok(vec![kept]), "{text}");
        assert_eq!(store.find_entity(&car.subject).await, Ok(Some(car)), "{text}");
    }
    let all = store.list_entities(Some(alice.id), None, 100).await.unwrap();
    assert_eq!(all.len(), INJECTIONS.len());
}
