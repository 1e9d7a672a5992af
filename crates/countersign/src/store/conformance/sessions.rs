//! Sessions: begun, used, ended, expired.

use std::sync::Arc;

use crate::session::{NewSession, Origin, Refresh, RefreshLink, Session, SessionId};
use crate::status::{StatusListId, StatusPlace};
use crate::store::conformance::samples::{LATER, THEN, at_once, hash, named, register, scopes};
use crate::store::{Retry, Rotation, SessionStore, UserStore};
use crate::user::{User, UserChange};

const EXPIRY: i64 = THEN + 10_000;
/// Until when access tokens are good.
pub(super) const ACCESS: i64 = THEN + 1800;

fn link(number: u32) -> RefreshLink {
    RefreshLink { number, hash: [u8::try_from(number % 251).unwrap(); 32] }
}

fn refresh(number: u32) -> Refresh {
    Refresh { link: link(number), until: LATER + 500, ends_at: EXPIRY }
}

/// A session with every field set.
pub(super) fn session_of(user: &User) -> NewSession {
    let session = Session {
        id: SessionId::random(),
        user: user.id,
        client: "first-party".to_owned(),
        scope: scopes("items:read me"),
        origin: Origin { address: Some("2001:db8::1".to_owned()), user_agent: Some("curl/8; \"'%".to_owned()) },
        created_at: THEN,
        last_used_at: THEN,
        expires_at: EXPIRY,
        access_until: ACCESS,
        status: Some(StatusPlace { list: StatusListId::from_bytes([1; StatusListId::BYTES]), index: 0 }),
        refresh: Some(refresh(0)),
    };
    NewSession { session, generation: user.generation, most: 100 }
}

pub(super) async fn begin(store: &dyn SessionStore, new: &NewSession) -> SessionId {
    assert_eq!(store.begin_session(new).await, Ok(Some(0)));
    new.session.id
}

fn rotation(session: SessionId, used: u32) -> Rotation {
    Rotation {
        session,
        used: link(used),
        next: refresh(used + 1),
        expires_at: EXPIRY + 1,
        access_until: ACCESS + 1,
        now: LATER,
    }
}

pub(super) async fn a_session_is_found_with_its_user_until_it_expires<S: UserStore + SessionStore>(store: Arc<S>) {
    let user = register(&*store, &named("alice")).await;
    let full = session_of(&user);
    let mut plain = session_of(&user);
    plain.session =
        Session { refresh: None, status: None, origin: Origin::default(), scope: scopes(""), ..plain.session };
    for new in [full, plain] {
        let id = begin(&*store, &new).await;
        assert_eq!(store.find_session(id, EXPIRY - 1).await, Ok(Some((new.session, user.clone()))));
        assert_eq!(store.find_session(id, EXPIRY).await, Ok(None));
        assert_eq!(store.find_user_of(id, EXPIRY - 1).await, Ok(Some(user.clone())));
        assert_eq!(store.find_user_of(id, EXPIRY).await, Ok(None));
    }
    assert_eq!(store.find_session(SessionId::random(), THEN).await, Ok(None));
}

// S-009
pub(super) async fn a_session_begins_only_for_the_user_that_was_checked<S: UserStore + SessionStore>(store: Arc<S>) {
    let user = register(&*store, &named("alice")).await;
    let checked = session_of(&user);
    assert_eq!(store.set_password(user.id, &hash('b'), LATER).await, Ok(true));
    assert_eq!(store.begin_session(&checked).await, Ok(None), "the password was changed meanwhile");
    let user = store.find_by_id(user.id).await.unwrap().unwrap();
    let disable = UserChange { disabled: Some(true), ..UserChange::default() };
    let disabled = store.update(user.id, &disable, LATER).await.unwrap().unwrap();
    assert_eq!(store.begin_session(&session_of(&disabled)).await, Ok(None), "the user is disabled");
    assert_eq!(store.delete(user.id).await, Ok(true));
    assert_eq!(store.begin_session(&session_of(&user)).await, Ok(None), "the user is gone");
}

//
pub(super) async fn of_fifty_uses_of_a_link_one_wins<S: UserStore + SessionStore>(store: Arc<S>) {
    let user = register(&*store, &named("alice")).await;
    let id = begin(&*store, &session_of(&user)).await;
    for round in 0..5 {
        let rotated = at_once((0..50).map(|_| {
            let store = Arc::clone(&store);
            async move { store.rotate(&rotation(id, round)).await.unwrap() }
        }))
        .await;
        assert_eq!(rotated.into_iter().filter(|won| *won).count(), 1);
    }
    let (kept, _) = store.find_session(id, EXPIRY).await.unwrap().unwrap();
    assert_eq!(kept.refresh, Some(refresh(5)));
    assert_eq!((kept.last_used_at, kept.expires_at, kept.created_at), (LATER, EXPIRY + 1, THEN));
    assert_eq!(kept.access_until, ACCESS + 1);
}

// S-008
pub(super) async fn a_retry_is_noted_while_the_link_is_good<S: UserStore + SessionStore>(store: Arc<S>) {
    let user = register(&*store, &named("alice")).await;
    let id = begin(&*store, &session_of(&user)).await;
    let retry = Retry { session: id, current: link(0), expires_at: EXPIRY + 2, access_until: ACCESS + 2 };
    assert_eq!(store.note_retry(&retry).await, Ok(true));
    let (kept, _) = store.find_session(id, THEN).await.unwrap().unwrap();
    let expected = Session { id, expires_at: EXPIRY + 2, access_until: ACCESS + 2, ..session_of(&user).session };
    assert_eq!(kept, expected);
    let shorter = Retry { expires_at: THEN, access_until: THEN, ..retry.clone() };
    assert_eq!(store.note_retry(&shorter).await, Ok(true));
    assert_eq!(store.find_session(id, THEN).await.unwrap().unwrap().0, expected, "a token from before may live on");
    assert_eq!(store.note_retry(&Retry { current: link(1), ..retry.clone() }).await, Ok(false));
    assert_eq!(store.end_session(id, None).await, Ok(true));
    assert_eq!(store.note_retry(&retry).await, Ok(false), "the session was ended meanwhile");
}

//
pub(super) async fn a_link_is_good_for_its_time_and_its_session<S: UserStore + SessionStore>(store: Arc<S>) {
    let user = register(&*store, &named("alice")).await;
    let id = begin(&*store, &session_of(&user)).await;
    let plain =
        NewSession { session: Session { refresh: None, ..session_of(&user).session }, generation: 0, most: 100 };
    let plain = begin(&*store, &plain).await;
    let late = Rotation { now: LATER + 500, ..rotation(id, 0) };
    let other_hash = Rotation { used: RefreshLink { hash: [9; 32], ..link(0) }, ..rotation(id, 0) };
    for wrong in [late, other_hash, rotation(id, 1), rotation(SessionId::random(), 0), rotation(plain, 0)] {
        assert_eq!(store.rotate(&wrong).await, Ok(false), "{wrong:?}");
    }
    let mut longer = rotation(id, 0);
    longer.next.ends_at += 1;
    assert_eq!(store.rotate(&longer).await, Ok(true));
    let (kept, _) = store.find_session(id, THEN).await.unwrap().unwrap();
    assert_eq!(kept.refresh, Some(rotation(id, 0).next), "the end of a chain does not move");
}

pub(super) async fn sessions_are_listed_by_user_and_ended_one_by_one_or_all<S: UserStore + SessionStore>(
    store: Arc<S>,
) {
    let alice = register(&*store, &named("alice")).await;
    let bob = register(&*store, &named("bob")).await;
    let mut older = session_of(&alice);
    older.session.created_at -= 1;
    let older = begin(&*store, &older).await;
    let younger = begin(&*store, &session_of(&alice)).await;
    let bobs = begin(&*store, &session_of(&bob)).await;
    let ids = async |user, now| -> Vec<SessionId> {
        store.list_sessions(user, now, 100).await.unwrap().into_iter().map(|session| session.id).collect()
    };
    assert_eq!(ids(Some(alice.id), THEN).await, [younger, older]);
    assert_eq!(ids(None, THEN).await.len(), 3);
    assert_eq!(store.list_sessions(None, THEN, 2).await.unwrap().len(), 2);
    assert_eq!(ids(None, EXPIRY).await, []);

    assert_eq!(store.end_session(bobs, Some(alice.id)).await, Ok(false), "it is another's");
    assert_eq!(store.end_session(older, Some(alice.id)).await, Ok(true));
    assert_eq!(store.end_session(older, None).await, Ok(false));
    assert_eq!(store.end_session(bobs, None).await, Ok(true));
    assert_eq!(ids(None, THEN).await, [younger]);
    begin(&*store, &session_of(&alice)).await;
    assert_eq!(store.end_sessions(alice.id).await, Ok(2));
    assert_eq!(store.end_sessions(alice.id).await, Ok(0));
}

//
pub(super) async fn what_voids_a_password_or_a_user_ends_the_sessions<S: UserStore + SessionStore>(store: Arc<S>) {
    let other = register(&*store, &named("bob")).await;
    let others = begin(&*store, &session_of(&other)).await;
    let user = register(&*store, &named("alice")).await;
    let ended_by = async |what: &str| {
        assert_eq!(store.list_sessions(Some(user.id), THEN, 10).await, Ok(Vec::new()), "{what}");
        assert!(store.find_session(others, THEN).await.unwrap().is_some(), "{what}");
    };
    let begin_again = async || {
        let now = store.find_by_id(user.id).await.unwrap().unwrap();
        begin(&*store, &session_of(&now)).await
    };
    begin_again().await;
    assert_eq!(store.change_password(user.id, &hash('x'), &hash('b'), LATER).await, Ok(false));
    assert_eq!(store.replace_password_hash(user.id, &hash('a'), &hash('b')).await, Ok(true));
    let renamed = UserChange { full_name: crate::user::Change::Clear, ..UserChange::default() };
    store.update(user.id, &renamed, LATER).await.unwrap();
    assert_eq!(store.list_sessions(Some(user.id), THEN, 10).await.unwrap().len(), 1, "none of these ends a session");

    assert_eq!(store.change_password(user.id, &hash('b'), &hash('c'), LATER).await, Ok(true));
    ended_by("a password that was changed").await;
    begin_again().await;
    assert_eq!(store.set_password(user.id, &hash('d'), LATER).await, Ok(true));
    ended_by("a password that was set").await;
    begin_again().await;
    store.update(user.id, &UserChange { disabled: Some(true), ..UserChange::default() }, LATER).await.unwrap();
    ended_by("disabling").await;
    store.update(user.id, &UserChange { disabled: Some(false), ..UserChange::default() }, LATER).await.unwrap();
    begin_again().await;
    assert_eq!(store.delete(user.id).await, Ok(true));
    ended_by("deleting").await;
}

// S-009, R-090: logins are under way while the user is disabled, gets another password or goes, whoever is faster.
pub(super) async fn no_session_outlives_what_voids_it<S: UserStore + SessionStore>(store: Arc<S>) {
    const LOGINS: usize = 6;
    for round in 0..24 {
        let user = register(&*store, &named(&format!("alice-{round}"))).await;
        let begun = at_once((0..=LOGINS).map(|n| {
            let (store, new) = (Arc::clone(&store), session_of(&user));
            let id = user.id;
            async move {
                // Neither always first nor always last.
                if n != round % LOGINS {
                    return store.begin_session(&new).await.unwrap().is_some();
                }
                match round % 3 {
                    0 => {
                        let disable = UserChange { disabled: Some(true), ..UserChange::default() };
                        store.update(id, &disable, LATER).await.unwrap().is_none()
                    }
                    1 => !store.set_password(id, &hash('b'), LATER).await.unwrap(),
                    _ => !store.delete(id).await.unwrap(),
                }
            }
        }))
        .await;
        let left = store.list_sessions(Some(user.id), THEN, LOGINS).await.unwrap();
        assert_eq!(left, Vec::new(), "round {round}: {begun:?}");
    }
}

pub(super) async fn the_least_recently_used_sessions_end_when_there_are_too_many<S: UserStore + SessionStore>(
    store: Arc<S>,
) {
    let (alice, bob) = (register(&*store, &named("alice")).await, register(&*store, &named("bob")).await);
    let bobs = begin(&*store, &session_of(&bob)).await;
    let begin_at = async |last_used_at: i64, with_refresh: bool, most: usize| {
        let mut new = NewSession { most, ..session_of(&alice) };
        new.session.last_used_at = last_used_at;
        new.session.refresh = new.session.refresh.filter(|_| with_refresh);
        let ended = store.begin_session(&new).await.unwrap().unwrap();
        (new.session.id, ended)
    };
    // One that has expired takes nobody's place, however lately it was used.
    let mut expired = session_of(&alice);
    (expired.session.last_used_at, expired.session.expires_at) = (THEN + 9, THEN);
    begin(&*store, &expired).await;
    let [used, _, used_more, _, used_last] = [
        begin_at(THEN + 3, true, 5).await.0,
        begin_at(THEN + 1, true, 5).await.0,
        begin_at(THEN + 4, true, 5).await.0,
        begin_at(THEN + 1, true, 5).await.0,
        begin_at(THEN + 5, true, 5).await.0,
    ];
    let left = async || -> Vec<SessionId> {
        let sessions = store.list_sessions(Some(alice.id), THEN, 10).await.unwrap();
        sessions.into_iter().map(|session| session.id).collect()
    };
    assert_eq!(left().await.len(), 5, "there is room for five");
    let (plain, ended) = begin_at(THEN + 9, false, 6).await;
    assert_eq!(ended, 0);
    let (seldom, ended) = begin_at(THEN, true, 6).await;
    assert_eq!(ended, 1);
    assert!(!left().await.contains(&plain), "one without a refresh token ends first");
    assert!(left().await.contains(&seldom), "the new one stays");
    let (this, ended) = begin_at(THEN, true, 4).await;
    assert_eq!(ended, 3);
    let mut expected = vec![used, used_more, used_last, this];
    expected.sort();
    assert_eq!(left().await, expected);
    let (this, ended) = begin_at(THEN, true, 1).await;
    assert_eq!((ended, left().await), (4, vec![this]));
    assert!(store.find_session(bobs, LATER).await.unwrap().is_some());
}

pub(super) async fn expired_sessions_are_purged_in_batches<S: UserStore + SessionStore>(store: Arc<S>) {
    let user = register(&*store, &named("alice")).await;
    for _ in 0..3 {
        begin(&*store, &session_of(&user)).await;
    }
    let mut longer = session_of(&user);
    longer.session.expires_at += 1;
    let longer = begin(&*store, &longer).await;
    assert_eq!(store.purge_sessions(EXPIRY - 1, 10).await, Ok(0));
    assert_eq!(store.purge_sessions(EXPIRY, 2).await, Ok(2));
    assert_eq!(store.purge_sessions(EXPIRY, 2).await, Ok(1));
    let left = store.list_sessions(None, THEN, 10).await.unwrap();
    assert_eq!(left.into_iter().map(|session| session.id).collect::<Vec<_>>(), [longer]);
}
