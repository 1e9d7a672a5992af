//! Users, names and hashes to check with.

use std::future::Future;
use std::sync::Arc;

use countersign_password::PasswordHash;
use countersign_token::ScopeSet;

use crate::store::{StoreError, UserQuery, UserStore};
use crate::user::{EmailAddress, FullName, NewUser, User, Username};

/// The time of registration of all samples.
pub(super) const THEN: i64 = 1_700_000_000;
/// Some time later.
pub(super) const LATER: i64 = THEN + 1000;

pub(super) fn username(text: &str) -> Username {
    Username::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(super) fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(super) fn full_name(text: &str) -> FullName {
    FullName::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(super) fn scopes(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

/// A well-formed hash that no password matches; another letter makes another hash.
pub(super) fn hash(letter: char) -> PasswordHash {
    let tag = letter.to_string().repeat(42);
    PasswordHash::parse(&format!("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA${tag}A")).unwrap()
}

/// A user with a name and the hash `hash('a')`.
pub(super) fn named(name: &str) -> NewUser {
    NewUser { password_hash: Some(hash('a')), ..NewUser::new(username(name), THEN) }
}

/// A user with every field set.
pub(super) fn complete() -> NewUser {
    NewUser {
        email: Some(email("Zoë.Quispe@Example.com")),
        full_name: Some(full_name("Zoë Quispe 山田 <b>&\u{1F469}")),
        disabled: true,
        scopes: scopes("items:read me"),
        ..named("zoël")
    }
}

pub(super) async fn register(store: &dyn UserStore, new: &NewUser) -> User {
    store.insert(new).await.unwrap_or_else(|error| panic!("{}: {error}", new.username))
}

/// How many users there are; no check registers more than a page of them and counts.
pub(super) async fn count(store: &dyn UserStore) -> usize {
    let page = store.list(&UserQuery::default().limit(usize::MAX)).await.unwrap();
    assert_eq!(page.next, None);
    page.users.len()
}

/// What all of them give when they run at once.
pub(super) async fn at_once<T, F>(futures: impl Iterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    futures.collect::<tokio::task::JoinSet<T>>().join_all().await
}

/// What each of these registrations gives when they run at once.
pub(super) async fn register_at_once(store: &Arc<dyn UserStore>, users: Vec<NewUser>) -> Vec<Result<User, StoreError>> {
    at_once(users.into_iter().map(|new| {
        let store = Arc::clone(store);
        async move { store.insert(&new).await }
    }))
    .await
}
