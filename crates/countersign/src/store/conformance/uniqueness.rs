//! One name, one account, also when many ask at once.

use std::sync::Arc;

use crate::store::conformance::samples::{LATER, complete, count, email, named, register, register_at_once, username};
use crate::store::{StoreError, UserStore};
use crate::user::{Change, Login, NewUser, User, UserChange, Username};

// S-029, R-131, R-133
pub(super) async fn spellings_and_lookalikes_of_a_name_make_one_account(store: Arc<dyn UserStore>) {
    let names = [
        [
            "Alice",
            "alice",
            "ALICE",
            "al\u{131}ce",
            "\u{430}lice",
            "alice\u{200B}",
            "ａｌｉｃｅ",
            "alice ",
            "\u{1D2C}lice",
        ]
        .as_slice(),
        &["fi", "\u{FB01}", "FI"],
        &["ß", "ss", "SS", "ẞ"],
        &["\u{E9}", "e\u{301}", "\u{C9}", "E\u{301}"],
    ];
    let mut accounts = 0;
    for spellings in names {
        accounts += 1;
        for typed in spellings {
            if let Ok(name) = Username::new(typed) {
                // Only the first is taken.
                drop(store.insert(&NewUser::new(name, 0)).await);
            }
        }
        assert_eq!(count(&*store).await, accounts, "{spellings:?}");
    }
    let refusal = async |name| store.insert(&NewUser::new(username(name), 0)).await.map(drop);
    assert_eq!(refusal("ALICE").await, Err(StoreError::UsernameTaken));
    let existing = username("alice");
    assert_eq!(refusal("al\u{131}ce").await, Err(StoreError::UsernameConfusable { existing }));
}

pub(super) async fn a_refused_registration_leaves_nothing(store: Arc<dyn UserStore>) {
    let user = register(&*store, &complete()).await;
    let refused = [
        (NewUser { id: user.id, ..named("carol") }, StoreError::IdTaken),
        (NewUser { email: Some(email("carol@example.com")), ..named("zoël") }, StoreError::UsernameTaken),
        (
            NewUser { email: Some(email("carol@example.com")), ..named("zoë1") },
            StoreError::UsernameConfusable { existing: username("zoël") },
        ),
        (NewUser { email: Some(email("ZOë.QUISPE@example.COM")), ..named("carol") }, StoreError::EmailTaken),
    ];
    for (new, error) in refused {
        assert_eq!(store.insert(&new).await, Err(error));
        assert_eq!(count(&*store).await, 1);
        for login in ["carol", "carol@example.com"] {
            assert!(store.find_credentials(&Login::parse(login)).await.unwrap().is_none(), "{login}");
        }
    }
    assert_eq!(store.find_by_id(user.id).await, Ok(Some(user)));
    // Any number of users may have no address.
    register(&*store, &named("carol")).await;
    register(&*store, &named("dave")).await;
}

pub(super) async fn a_change_cannot_take_the_name_of_another(store: Arc<dyn UserStore>) {
    register(&*store, &NewUser { email: Some(email("a@example.com")), ..named("alice") }).await;
    let bill = register(&*store, &NewUser { email: Some(email("b@example.com")), ..named("bill") }).await;
    let nothing = UserChange::default();
    let refused = [
        (UserChange { username: Some(username("Alice")), ..nothing.clone() }, StoreError::UsernameTaken),
        (
            UserChange { username: Some(username("a1ice")), disabled: Some(true), ..nothing.clone() },
            StoreError::UsernameConfusable { existing: username("alice") },
        ),
        (UserChange { email: Change::Set(email("A@EXAMPLE.com")), ..nothing.clone() }, StoreError::EmailTaken),
    ];
    for (change, error) in refused {
        assert_eq!(store.update(bill.id, &change, LATER).await, Err(error));
        assert_eq!(store.find_by_id(bill.id).await, Ok(Some(bill.clone())));
    }
    // A name that looks like one's own is free for oneself.
    let change = UserChange { username: Some(username("bi1l")), ..nothing.clone() };
    let changed = store.update(bill.id, &change, LATER).await.unwrap().unwrap();
    assert_eq!(changed.username, username("bi1l"));
}

/// Exactly one success, and for all others the error that `is_expected`.
fn assert_one_wins(results: &[Result<User, StoreError>], is_expected: fn(&StoreError) -> bool) {
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(is_expected(error), "{error:?}");
    }
}

// S-029: also under 50 parallel registrations
pub(super) async fn of_fifty_registrations_of_one_name_one_wins(store: Arc<dyn UserStore>) {
    let spellings = ["Alice", "alice", "ａｌｉｃｅ", "a1ice", "al\u{131}ce"];
    let users = (0..50)
        .zip(spellings.iter().cycle())
        .map(|(n, name)| NewUser { email: Some(email(&format!("a{n}@example.com"))), ..named(name) });
    let results = register_at_once(&store, users.collect()).await;
    assert_one_wins(&results, |error| {
        matches!(error, StoreError::UsernameTaken | StoreError::UsernameConfusable { .. })
    });
    assert_eq!(count(&*store).await, 1);
}

pub(super) async fn of_fifty_registrations_of_one_address_one_wins(store: Arc<dyn UserStore>) {
    let spellings = ["alice@example.com", "ALICE@example.com", "Alice@EXAMPLE.com"];
    let users = (0..50)
        .zip(spellings.iter().cycle())
        .map(|(n, address)| NewUser { email: Some(email(address)), ..named(&format!("user-{n:02}")) });
    let results = register_at_once(&store, users.collect()).await;
    assert_one_wins(&results, |error| *error == StoreError::EmailTaken);
    assert_eq!(count(&*store).await, 1);
}
