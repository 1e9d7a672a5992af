//! Statuses of tokens: lists that are known for a time, and marks that the end of a session leaves.

use std::sync::Arc;

use crate::client::{ClientChange, ClientId};
use crate::session::{NewSession, Session};
use crate::status::{StatusListId, StatusPlace};
use crate::store::conformance::clients::bare;
use crate::store::conformance::samples::{LATER, THEN, hash, named, register};
use crate::store::conformance::sessions::{ACCESS, begin, session_of};
use crate::store::{ClientStore, SessionStore, StatusStore, UserStore};
use crate::user::{User, UserChange};

const LIST: StatusListId = StatusListId::from_bytes([0xff; StatusListId::BYTES]);

fn place(index: u16) -> StatusPlace {
    StatusPlace { list: LIST, index }
}

fn session_at(user: &User, index: u16) -> NewSession {
    let new = session_of(user);
    NewSession { session: Session { status: Some(place(index)), ..new.session }, ..new }
}

fn session_by_web(user: &User, index: u16) -> NewSession {
    let new = session_at(user, index);
    NewSession { session: Session { client: "web".to_owned(), ..new.session }, ..new }
}

pub(super) async fn a_list_is_known_until_its_longest_time<S: StatusStore>(store: Arc<S>) {
    assert_eq!(store.list_revoked(LIST).await, Ok(None));
    for until in [THEN + 10, THEN + 20, THEN + 5] {
        assert_eq!(store.keep_status_list(LIST, until).await, Ok(()));
    }
    assert_eq!(store.purge_statuses(THEN + 19, 10).await, Ok(0));
    assert_eq!(store.list_revoked(LIST).await, Ok(Some(Vec::new())));
    assert_eq!(store.purge_statuses(THEN + 20, 10).await, Ok(0));
    assert_eq!(store.list_revoked(LIST).await, Ok(None));
}

//
pub(super) async fn a_session_that_ends_before_its_time_leaves_a_mark<S>(store: Arc<S>)
where
    S: StatusStore + SessionStore + ClientStore + UserStore,
{
    store.keep_status_list(LIST, LATER).await.unwrap();
    let user = register(&*store, &named("alice")).await;
    let others = register(&*store, &named("bob")).await;
    begin(&*store, &session_at(&others, 65_535)).await;
    let begin_again = async |index: u16| {
        let now = store.find_by_id(user.id).await.unwrap().unwrap();
        let new = session_at(&now, index);
        begin(&*store, &new).await;
        assert_eq!(store.is_revoked(place(index)).await, Ok(false));
        new.session.id
    };
    let is_marked = async |index: u16, what: &str| {
        assert_eq!(store.is_revoked(place(index)).await, Ok(true), "{what}");
        assert_eq!(store.list_revoked(LIST).await, Ok(Some((0..=index).collect())), "{what}");
    };
    let first = begin_again(0).await;
    assert_eq!(store.end_session(first, Some(others.id)).await, Ok(false));
    assert_eq!(store.is_revoked(place(0)).await, Ok(false), "it is another's");
    assert_eq!(store.end_session(first, Some(user.id)).await, Ok(true));
    is_marked(0, "a session that was ended").await;
    begin_again(1).await;
    assert_eq!(store.end_sessions(user.id).await, Ok(1));
    is_marked(1, "all sessions that were ended").await;
    begin_again(2).await;
    assert_eq!(store.change_password(user.id, &hash('a'), &hash('b'), LATER).await, Ok(true));
    is_marked(2, "a password that was changed").await;
    begin_again(3).await;
    assert_eq!(store.set_password(user.id, &hash('c'), LATER).await, Ok(true));
    is_marked(3, "a password that was set").await;
    begin_again(4).await;
    store.update(user.id, &UserChange { disabled: Some(true), ..UserChange::default() }, LATER).await.unwrap();
    is_marked(4, "a user who was disabled").await;
    store.update(user.id, &UserChange { disabled: Some(false), ..UserChange::default() }, LATER).await.unwrap();
    begin_again(5).await;
    let now = store.find_by_id(user.id).await.unwrap().unwrap();
    assert_eq!(store.begin_session(&NewSession { most: 1, ..session_at(&now, 6) }).await, Ok(Some(1)));
    is_marked(5, "a session that made room for another").await;
    assert_eq!(store.delete(user.id).await, Ok(true));
    is_marked(6, "a user who was deleted").await;
}

pub(super) async fn the_sessions_of_a_client_that_ends_leave_marks<S>(store: Arc<S>)
where
    S: StatusStore + SessionStore + ClientStore + UserStore,
{
    store.keep_status_list(LIST, LATER).await.unwrap();
    let user = register(&*store, &named("alice")).await;
    store.insert_client(&bare("web")).await.unwrap();
    let id = ClientId::from_stored("web".to_owned());
    begin(&*store, &session_by_web(&user, 7)).await;
    let disable = ClientChange { disabled: Some(true), ..ClientChange::default() };
    store.update_client(&id, &disable).await.unwrap();
    assert_eq!(store.list_revoked(LIST).await, Ok(Some(vec![7])));
    let enable = ClientChange { disabled: Some(false), ..ClientChange::default() };
    store.update_client(&id, &enable).await.unwrap();
    begin(&*store, &session_by_web(&user, 8)).await;
    assert_eq!(store.delete_client(&id).await, Ok(true));
    assert_eq!(store.list_revoked(LIST).await, Ok(Some(vec![7, 8])));
}

pub(super) async fn what_has_expired_leaves_no_mark_and_marks_expire_with_their_tokens<S>(store: Arc<S>)
where
    S: StatusStore + SessionStore + ClientStore + UserStore,
{
    store.keep_status_list(LIST, i64::MAX).await.unwrap();
    let user = register(&*store, &named("alice")).await;
    let expired = session_at(&user, 0).session.expires_at;
    begin(&*store, &session_at(&user, 0)).await;
    assert_eq!(store.purge_sessions(expired, 10).await, Ok(1));
    assert_eq!(store.list_revoked(LIST).await, Ok(Some(Vec::new())));

    for index in 1..4 {
        begin(&*store, &session_at(&user, index)).await;
    }
    let without =
        NewSession { session: Session { status: None, ..session_of(&user).session }, generation: 0, most: 100 };
    begin(&*store, &without).await;
    assert_eq!(store.end_sessions(user.id).await, Ok(4));
    assert_eq!(store.list_revoked(LIST).await, Ok(Some(vec![1, 2, 3])));
    assert_eq!(store.purge_statuses(ACCESS - 1, 10).await, Ok(0));
    assert_eq!(store.purge_statuses(ACCESS, 2).await, Ok(2));
    assert_eq!(store.purge_statuses(ACCESS, 2).await, Ok(1));
    assert_eq!(store.list_revoked(LIST).await, Ok(Some(Vec::new())));
}
