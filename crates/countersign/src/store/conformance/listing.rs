//! Pages and searches.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::store::conformance::samples::{email, named, register};
use crate::store::{SearchText, UserQuery, UserStore};
use crate::user::{NewUser, UserId};

/// Registers users whose ids are `numbers`, in the order given.
async fn register_numbered(store: &dyn UserStore, numbers: impl Iterator<Item = u8>) {
    for number in numbers {
        register(store, &NewUser { id: id(number), ..named(&format!("user-{number:03}")) }).await;
    }
}

fn id(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

/// The ids of a page, and where the next goes on.
async fn page(store: &dyn UserStore, query: UserQuery) -> (Vec<UserId>, Option<UserId>) {
    let page = store.list(&query).await.unwrap();
    (page.users.iter().map(|user| user.id).collect(), page.next)
}

pub(super) async fn pages_follow_one_another_without_gap_or_repetition(store: Arc<dyn UserStore>) {
    assert_eq!(page(&*store, UserQuery::default()).await, (vec![], None));
    // Not in the order of their ids; the bytes beyond 127 sort last.
    register_numbered(&*store, (0..=209).rev()).await;
    for limit in [1, 7, 70, 105, 200] {
        let mut seen = Vec::new();
        let mut query = UserQuery::default().limit(limit);
        loop {
            let (ids, next) = page(&*store, query.clone()).await;
            assert!(ids.len() == limit || next.is_none());
            assert!(next.is_none() || next == ids.last().copied());
            seen.extend(ids);
            let Some(next) = next else { break };
            query = query.after(next);
        }
        assert_eq!(seen, (0..=209).map(id).collect::<Vec<_>>(), "limit {limit}");
    }
    for (asked, given) in [(0, 1), (1000, 200)] {
        assert_eq!(page(&*store, UserQuery::default().limit(asked)).await.0.len(), given);
    }
    assert_eq!(page(&*store, UserQuery::default()).await.0.len(), 50);
    // The last page that is exactly full is known to be the last.
    assert_eq!(page(&*store, UserQuery::default().after(id(199)).limit(10)).await.1, None);
}

pub(super) async fn pages_are_stable_while_users_come_and_go(store: Arc<dyn UserStore>) {
    register_numbered(&*store, (10..50).step_by(10)).await;
    let query = UserQuery::default().limit(2);
    let (ids, next) = page(&*store, query.clone()).await;
    assert_eq!(ids, [id(10), id(20)]);
    // The user that the page ended with goes, one before it comes, one behind it comes.
    store.delete(id(20)).await.unwrap();
    register_numbered(&*store, [15, 25].into_iter()).await;
    let (ids, next) = page(&*store, query.clone().after(next.unwrap())).await;
    assert_eq!(ids, [id(25), id(30)]);
    assert_eq!(page(&*store, query.after(next.unwrap())).await, (vec![id(40)], None));
}

/// The names of the users found.
async fn found(store: &dyn UserStore, text: &str) -> BTreeSet<String> {
    let query = UserQuery::default().search(SearchText::new(text).unwrap()).limit(200);
    let page = store.list(&query).await.unwrap();
    assert_eq!(page.next, None);
    page.users.into_iter().map(|user| user.username.to_string()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

pub(super) async fn a_search_finds_parts_of_names_and_addresses(store: Arc<dyn UserStore>) {
    for (name, address) in [
        ("alice", Some("Wonder@Example.com")),
        ("malik", None),
        ("zoë", Some("z.quispe@Пример.рф")),
        ("мария", Some("maria@example.org")),
    ] {
        register(&*store, &NewUser { email: address.map(email), ..named(name) }).await;
    }
    for (text, names) in [
        ("ali", set(&["alice", "malik"])),
        ("ALI", set(&["alice", "malik"])),
        ("alice", set(&["alice"])),
        ("alicee", set(&[])),
        ("wonder@EXAMPLE", set(&["alice"])),
        ("example.", set(&["alice", "мария"])),
        ("zoe\u{308}", set(&["zoë"])),
        ("ZOË", set(&["zoë"])),
        ("МАР", set(&["мария"])),
        ("Пример", set(&["zoë"])),
        ("@", set(&["alice", "zoë", "мария"])),
        ("nobody", set(&[])),
    ] {
        assert_eq!(found(&*store, text).await, names, "{text:?}");
    }
    let query = UserQuery::default().search(SearchText::new("a").unwrap()).limit(1);
    let first = store.list(&query).await.unwrap();
    let rest = store.list(&query.after(first.next.unwrap()).limit(200)).await.unwrap();
    assert_eq!((first.users.len(), rest.users.len(), rest.next), (1, 2, None));
}

pub(super) async fn a_search_takes_every_character_for_itself(store: Arc<dyn UserStore>) {
    for name in ["a%b", "a_b", "axb", r"a\b", "a'b", "a[b", "a*b", "a?b"] {
        register(&*store, &named(name)).await;
    }
    for text in ["%", "_", r"\", "'", "[", "*", "?"] {
        assert_eq!(found(&*store, text).await, set(&[&format!("a{text}b")]), "{text:?}");
        assert_eq!(found(&*store, &format!("a{text}b")).await, set(&[&format!("a{text}b")]), "{text:?}");
        assert_eq!(found(&*store, &format!("{text}{text}")).await, set(&[]), "{text:?}");
    }
}
