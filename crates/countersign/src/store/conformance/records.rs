//! Registering, finding, changing and deleting users.

use std::sync::Arc;
use std::task::{Context, Waker};

use crate::store::conformance::samples::{
    LATER, THEN, at_once, complete, count, email, full_name, hash, named, register, scopes, username,
};
use crate::store::{StoreError, UserStore};
use crate::user::{Change, EmailAddress, Login, NewUser, ScopesChange, User, UserChange, UserId};

pub(super) async fn a_registered_user_is_found_by_id_name_and_address(store: Arc<dyn UserStore>) {
    register(&*store, &named("alice")).await;
    let new = complete();
    let user = register(&*store, &new).await;
    register(&*store, &named("bob")).await;
    assert_eq!(user, new.to_user());
    assert_eq!((user.created_at, user.updated_at, user.generation), (THEN, THEN, 0));

    assert_eq!(store.find_by_id(user.id).await, Ok(Some(user.clone())));
    // As it was typed the address has capitals, and it keeps them; any spelling finds it.
    assert_eq!(user.email.as_ref().map(EmailAddress::as_str), Some("Zoë.Quispe@Example.com"));
    for login in ["zoël", "ZOËL", "ZOE\u{308}L", "zoë.quispe@example.com", "zoë.quispe@EXAMPLE.com"] {
        let found = store.find_credentials(&Login::parse(login)).await.unwrap().unwrap();
        assert_eq!((found.user, found.password_hash), (user.clone(), Some(hash('a'))), "{login}");
    }
    let found = store.find_credentials_by_id(user.id).await.unwrap().unwrap();
    assert_eq!((found.user, found.password_hash), (user, Some(hash('a'))));
    assert_eq!(count(&*store).await, 3);
}

pub(super) async fn a_user_with_nothing_but_a_name_is_kept_as_such(store: Arc<dyn UserStore>) {
    // Times reach as far as they can.
    for (name, time) in [("min", i64::MIN), ("max", i64::MAX), ("zero", 0)] {
        let new = NewUser { created_at: time, ..NewUser::new(username(name), THEN) };
        let user = register(&*store, &new).await;
        let found = store.find_credentials_by_id(user.id).await.unwrap().unwrap();
        assert_eq!((found.user.email, found.user.full_name, found.password_hash), (None, None, None));
        assert_eq!((found.user.disabled, found.user.scopes, found.user.created_at), (false, scopes(""), time));
    }
}

pub(super) async fn who_is_not_there_is_not_found(store: Arc<dyn UserStore>) {
    register(&*store, &complete()).await;
    let nobody = UserId::new(THEN);
    assert_eq!(store.find_by_id(nobody).await, Ok(None));
    for login in ["zoë", "quispe@example.com", "", "a b", "zoël ", "zoël\0", "%", "_oël"] {
        assert!(store.find_credentials(&Login::parse(login)).await.unwrap().is_none(), "{login:?}");
    }
    assert!(store.find_credentials_by_id(nobody).await.unwrap().is_none());
    let change = UserChange { disabled: Some(true), ..UserChange::default() };
    assert_eq!(store.update(nobody, &change, LATER).await, Ok(None));
    assert_eq!(store.set_password(nobody, &hash('b'), LATER).await, Ok(false));
    assert_eq!(store.change_password(nobody, &hash('a'), &hash('b'), LATER).await, Ok(false));
    assert_eq!(store.replace_password_hash(nobody, &hash('a'), &hash('b')).await, Ok(false));
    assert_eq!(store.delete(nobody).await, Ok(false));
    assert_eq!(count(&*store).await, 1);
}

pub(super) async fn a_change_touches_what_it_names(store: Arc<dyn UserStore>) {
    let other = register(&*store, &named("other")).await;
    let before = register(&*store, &complete()).await;
    let nothing = UserChange::default();
    let cases = [
        (nothing.clone(), before.clone()),
        (
            UserChange { username: Some(username("Zora")), ..nothing.clone() },
            User { username: username("zora"), ..before.clone() },
        ),
        (
            UserChange { email: Change::Set(email("z@example.org")), ..nothing.clone() },
            User { email: Some(email("z@example.org")), ..before.clone() },
        ),
        (UserChange { email: Change::Clear, ..nothing.clone() }, User { email: None, ..before.clone() }),
        (
            UserChange { full_name: Change::Set(full_name("Z")), ..nothing.clone() },
            User { full_name: Some(full_name("Z")), ..before.clone() },
        ),
        (UserChange { full_name: Change::Clear, ..nothing.clone() }, User { full_name: None, ..before.clone() }),
        (UserChange { disabled: Some(false), ..nothing.clone() }, User { disabled: false, ..before.clone() }),
        (
            UserChange { scopes: ScopesChange::Replace(scopes("admin")), ..nothing.clone() },
            User { scopes: scopes("admin"), ..before.clone() },
        ),
        (
            UserChange { scopes: ScopesChange::Grant(scopes("admin me")), ..nothing.clone() },
            User { scopes: scopes("admin items:read me"), ..before.clone() },
        ),
        (
            UserChange { scopes: ScopesChange::Revoke(scopes("admin me")), ..nothing.clone() },
            User { scopes: scopes("items:read"), ..before.clone() },
        ),
        // The same address in another spelling is still one's own.
        (
            UserChange { email: Change::Set(email("ZOë.Quispe@example.com")), ..nothing.clone() },
            User { email: Some(email("ZOë.Quispe@example.com")), ..before.clone() },
        ),
    ];
    let mut generation = before.generation;
    for (change, mut expected) in cases {
        expected.updated_at = if expected == before { THEN } else { LATER };
        expected.generation = generation;
        // Being disabled again, below, ends the tokens that there are; being enabled brings none back.
        generation += i64::from(!expected.disabled);
        assert_eq!(store.update(before.id, &change, LATER).await, Ok(Some(expected.clone())), "{change:?}");
        assert_eq!(store.find_by_id(before.id).await, Ok(Some(expected)), "{change:?}");
        let back = UserChange {
            username: Some(before.username.clone()),
            email: Change::Set(before.email.clone().unwrap()),
            full_name: Change::Set(before.full_name.clone().unwrap()),
            disabled: Some(true),
            scopes: ScopesChange::Replace(before.scopes.clone()),
        };
        store.update(before.id, &back, THEN).await.unwrap();
        assert_eq!(store.find_by_id(before.id).await, Ok(Some(User { generation, ..before.clone() })));
    }
    let found = store.find_credentials_by_id(before.id).await.unwrap().unwrap();
    assert_eq!(found.password_hash, Some(hash('a')));
    assert_eq!(store.find_by_id(other.id).await, Ok(Some(other)));
}

pub(super) async fn grants_and_revocations_at_once_lose_nothing(store: Arc<dyn UserStore>) {
    let old: Vec<String> = (0..20).map(|n| format!("old:{n}")).collect();
    let user = register(&*store, &NewUser { scopes: scopes(&old.join(" ")), ..named("alice") }).await;
    let changes = (0..20).flat_map(|n| {
        [ScopesChange::Grant(scopes(&format!("new:{n}"))), ScopesChange::Revoke(scopes(&format!("old:{n}")))]
    });
    let results = at_once(changes.map(|scopes| {
        let store = Arc::clone(&store);
        async move { store.update(user.id, &UserChange { scopes, ..UserChange::default() }, LATER).await }
    }))
    .await;
    assert!(results.iter().all(Result::is_ok));
    let new: Vec<String> = (0..20).map(|n| format!("new:{n}")).collect();
    assert_eq!(store.find_by_id(user.id).await.unwrap().unwrap().scopes, scopes(&new.join(" ")));
}

pub(super) async fn a_deleted_user_is_gone_and_the_name_is_free(store: Arc<dyn UserStore>) {
    let user = register(&*store, &complete()).await;
    let other = register(&*store, &named("other")).await;
    assert_eq!(store.delete(user.id).await, Ok(true));
    assert_eq!(store.delete(user.id).await, Ok(false));
    assert_eq!(store.find_by_id(user.id).await, Ok(None));
    for login in [Login::Username(user.username), Login::EmailAddress(user.email.unwrap())] {
        assert!(store.find_credentials(&login).await.unwrap().is_none(), "{login:?}");
    }
    assert_eq!(count(&*store).await, 1);
    let again = register(&*store, &complete()).await;
    assert_ne!(again.id, user.id);
    assert_eq!(store.find_by_id(other.id).await, Ok(Some(other)));
}

/// F-17 in short: a handler that is dropped between two awaits.
pub(super) async fn a_dropped_registration_is_whole_or_not_there(store: Arc<dyn UserStore>) {
    for round in 0..50 {
        let new = NewUser { email: Some(email(&format!("a{round}@example.com"))), ..named(&format!("a{round}")) };
        let mut registration = Box::pin(store.insert(&new));
        drop(registration.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        drop(registration);
        // What follows comes after it, whether it was done or not.
        match store.insert(&new).await {
            Ok(user) => assert_eq!(user, new.to_user()),
            Err(error) => assert_eq!(error, StoreError::IdTaken),
        }
        let found = store.find_credentials(&Login::parse(&format!("a{round}@example.com"))).await.unwrap().unwrap();
        assert_eq!((found.user, found.password_hash), (new.to_user(), new.password_hash));
    }
    assert_eq!(count(&*store).await, 50);
}
