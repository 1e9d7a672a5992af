//! Taking users over from another program.

use std::sync::Arc;

use crate::import::Newcomer;
use crate::store::conformance::samples::{complete, email, hash, named, username};
use crate::store::{Imported, StoreError, UserStore};
use crate::user::{Login, NewUser};

fn at(name: &str, address: &str) -> NewUser {
    NewUser { email: Some(email(address)), ..named(name) }
}

fn with_names(users: impl IntoIterator<Item = NewUser>) -> Vec<Newcomer> {
    users.into_iter().map(|user| Newcomer { user, is_name_derived: false }).collect()
}

/// Users whose names are made of their addresses.
fn with_addresses<const N: usize>(addresses: [&str; N]) -> Vec<Newcomer> {
    let user = |address: &str| at(address.split('@').next().unwrap_or_default(), address);
    addresses.map(|address| Newcomer { user: user(address), is_name_derived: true }).into()
}

/// The same users as another reading of the file makes them: with other ids.
fn once_more(newcomers: &[Newcomer]) -> Vec<Newcomer> {
    let fresh = |new: &Newcomer| NewUser { id: named("x").id, ..new.user.clone() };
    newcomers.iter().map(|new| Newcomer { user: fresh(new), ..new.clone() }).collect()
}

pub(super) async fn each_user_is_taken_over_by_itself_and_once(store: Arc<dyn UserStore>) {
    store.insert(&named("ada")).await.unwrap();
    let users = [complete(), named("ada"), at("ada", "ada@example.com"), at("bob", "bob@example.com"), named("eve")];
    let newcomers = with_names(users.clone());
    let expected = [
        Imported::Added,
        Imported::Known,
        Imported::Refused(StoreError::UsernameTaken),
        Imported::Added,
        Imported::Added,
    ];
    assert_eq!(store.import(&newcomers).await.unwrap(), expected);
    let login = Login::parse("bob@example.com");
    let kept = store.find_credentials(&login).await.unwrap().unwrap();
    assert_eq!((kept.user, kept.password_hash), (users[3].to_user(), Some(hash('a'))));

    // The same file once more: whoever is here stays as he is, whatever became of him.
    store.set_password(users[4].id, &hash('b'), 1).await.unwrap();
    let outcome = store.import(&once_more(&newcomers)).await.unwrap();
    assert!(outcome.iter().filter(|outcome| **outcome == Imported::Known).count() == 4, "{outcome:?}");
    let eve = store.find_credentials_by_id(users[4].id).await.unwrap().unwrap();
    assert_eq!(eve.password_hash, Some(hash('b')));
}

pub(super) async fn of_users_in_one_step_the_first_of_a_name_wins(store: Arc<dyn UserStore>) {
    let users = [at("ada", "ada@example.com"), at("ada", "other@example.com"), at("adb", "ADA@example.com")];
    let refused = [StoreError::UsernameTaken, StoreError::EmailTaken].map(Imported::Refused);
    let expected: Vec<Imported> = [Imported::Added].into_iter().chain(refused).collect();
    assert_eq!(store.import(&with_names(users)).await.unwrap(), expected);
    assert_eq!(store.import(&[]).await.unwrap(), []);
}

pub(super) async fn a_derived_name_that_is_taken_gets_a_number_and_the_address_says_who_it_is(
    store: Arc<dyn UserStore>,
) {
    store.insert(&at("ada", "ada@elsewhere.example")).await.unwrap();
    store.insert(&at("someone", "eve@example.com")).await.unwrap();
    let newcomers = with_addresses([
        "ada@a.example",
        "ada@b.example",
        // Looks like the first.
        "a\u{e5}@a.example",
        "aå@b.example",
        "ADA@a.example",
        "eve@example.com",
        "bob@example.com",
    ]);
    let added_as = |name: &str| Imported::AddedAs(username(name));
    let expected = [
        added_as("ada2"),
        added_as("ada3"),
        Imported::Added,
        added_as("aå2"),
        Imported::Known,
        Imported::Known,
        Imported::Added,
    ];
    assert_eq!(store.import(&newcomers).await.unwrap(), expected);
    let kept = store.find_credentials(&Login::parse("ada@b.example")).await.unwrap().unwrap();
    let second = newcomers.get(1).map(|new| new.user.id);
    assert_eq!((kept.user.username, Some(kept.user.id)), (username("ada3"), second));

    let again = store.import(&once_more(&newcomers)).await.unwrap();
    assert!(again.iter().all(|outcome| *outcome == Imported::Known), "{again:?}");
    // Who has a name there is asked for the name.
    let named = with_names([at("ada2", "ada@a.example"), at("ada2", "ada@b.example"), at("else", "ada@a.example")]);
    let refused = [StoreError::UsernameTaken, StoreError::EmailTaken].map(Imported::Refused);
    let expected: Vec<Imported> = [Imported::Known].into_iter().chain(refused).collect();
    assert_eq!(store.import(&named).await.unwrap(), expected);
}

pub(super) async fn derived_names_are_numbered_without_trying_all_numbers(store: Arc<dyn UserStore>) {
    let addresses: Vec<String> = (1..=40).map(|n| format!("info@n{n}.example")).collect();
    let newcomers: Vec<_> = addresses.iter().flat_map(|address| with_addresses([address])).collect();
    let outcomes = store.import(&newcomers).await.unwrap();
    let expected = (2..).map(|n| Imported::AddedAs(username(&format!("info{n}"))));
    let expected: Vec<_> = [Imported::Added].into_iter().chain(expected.take(39)).collect();
    assert_eq!(outcomes, expected);
    // A name that looks like a number's is passed over.
    store.insert(&named("rool")).await.unwrap();
    let two = with_addresses(["roo@a.example", "roo@b.example"]);
    assert_eq!(store.import(&two).await.unwrap(), [Imported::Added, Imported::AddedAs(username("roo2"))]);
}

pub(super) async fn in_a_crowd_each_has_the_outcome_that_it_has_alone(store: Arc<dyn UserStore>) {
    let crowd = |numbers: std::ops::Range<u32>| with_names(numbers.map(|n| named(&format!("user-{n:02}"))));
    let newcomers = [
        crowd(0..30),
        with_addresses(["info@a.example"]),
        crowd(30..50),
        with_addresses(["info@b.example"]),
        crowd(50..60),
        // Taken by the one before, whose name is derived.
        with_names([named("info2"), complete()]),
        crowd(60..70),
        with_names([at("user-05", "five@example.com")]),
    ];
    let mut expected = vec![Imported::Added; 74];
    for (place, outcome) in
        [(51, Imported::AddedAs(username("info2"))), (62, Imported::Refused(StoreError::UsernameTaken))]
    {
        expected.insert(place, outcome);
    }
    expected.truncate(74);
    expected.push(Imported::Refused(StoreError::UsernameTaken));
    let newcomers = newcomers.concat();
    assert_eq!(store.import(&newcomers).await.unwrap(), expected);
    for place in [0, 29, 30, 50, 63, 73] {
        let user = newcomers.get(place).map(|new| new.user.clone()).unwrap();
        let kept = store.find_credentials_by_id(user.id).await.unwrap().unwrap();
        assert_eq!((kept.user, kept.password_hash), (user.to_user(), user.password_hash), "{place}");
    }
}
