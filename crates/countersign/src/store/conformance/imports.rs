//! Taking users over from another program.

use std::sync::Arc;

use crate::store::conformance::samples::{complete, email, hash, named};
use crate::store::{Imported, StoreError, UserStore};
use crate::user::{Login, NewUser};

pub(super) async fn each_user_is_taken_over_by_itself_and_once(store: Arc<dyn UserStore>) {
    store.insert(&named("ada")).await.unwrap();
    let at = |name: &str, address: &str| NewUser { email: Some(email(address)), ..named(name) };
    let users = [complete(), named("ada"), at("ada", "ada@example.com"), at("bob", "bob@example.com"), named("eve")];
    let expected = [
        Imported::Added,
        Imported::Known,
        Imported::Refused(StoreError::UsernameTaken),
        Imported::Added,
        Imported::Added,
    ];
    assert_eq!(store.import(&users).await.unwrap(), expected);
    let login = Login::parse("bob@example.com");
    let kept = store.find_credentials(&login).await.unwrap().unwrap();
    assert_eq!((kept.user, kept.password_hash), (users[3].to_user(), Some(hash('a'))));

    // The same file once more: whoever is here stays as he is, whatever became of him.
    store.set_password(users[4].id, &hash('b'), 1).await.unwrap();
    let again: Vec<NewUser> =
        users.iter().map(|user| NewUser { id: NewUser::new(user.username.clone(), 2).id, ..user.clone() }).collect();
    let outcome = store.import(&again).await.unwrap();
    assert!(outcome.iter().filter(|outcome| **outcome == Imported::Known).count() == 4, "{outcome:?}");
    let eve = store.find_credentials_by_id(users[4].id).await.unwrap().unwrap();
    assert_eq!(eve.password_hash, Some(hash('b')));
}

pub(super) async fn of_users_in_one_step_the_first_of_a_name_wins(store: Arc<dyn UserStore>) {
    let at = |name: &str, address: &str| NewUser { email: Some(email(address)), ..named(name) };
    let users = [at("ada", "ada@example.com"), at("ada", "other@example.com"), at("adb", "ADA@example.com")];
    let refused = [StoreError::UsernameTaken, StoreError::EmailTaken].map(Imported::Refused);
    let expected: Vec<Imported> = [Imported::Added].into_iter().chain(refused).collect();
    assert_eq!(store.import(&users).await.unwrap(), expected);
    assert_eq!(store.import(&[]).await.unwrap(), []);
}
