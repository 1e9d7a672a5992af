//! Pages and searches.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::import::Newcomer;
use crate::store::conformance::samples::{LATER, email, named, register, username};
use crate::store::{Imported, SearchText, UserQuery, UserStore};
use crate::user::{Change, EmailAddress, NewUser, User, UserChange, UserId, Username};

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
        // Every part of it is in one of the names, and it is in none.
        ("lic", set(&["alice"])),
        ("alicel", set(&[])),
        ("alic", set(&["alice"])),
        ("xamp", set(&["alice", "мария"])),
        ("рими", set(&[])),
        ("wonder@example.com", set(&["alice"])),
        ("onder@example.com", set(&["alice"])),
        ("onder@example.comm", set(&[])),
        ("quispe@П", set(&["zoë"])),
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

pub(super) async fn a_search_goes_by_what_users_are_called_now(store: Arc<dyn UserStore>) {
    // These share the first eight bytes of their ids, and the last of them has the highest bit.
    let id = |number: u8| UserId::from_bytes(std::array::from_fn(|place| if place < 9 { 0xfe } else { number }));
    let user =
        |number: u8, name: &str, address: &str| NewUser { id: id(number), email: Some(email(address)), ..named(name) };
    let alice = register(&*store, &user(1, "alice-in-wonderland", "alice@example.com")).await;
    register(&*store, &user(2, "malice-aforethought", "malice@example.com")).await;
    register(&*store, &NewUser { id: UserId::from_bytes([0x01; 16]), ..named("alicetown") }).await;
    assert_eq!(found(&*store, "alice").await, set(&["alice-in-wonderland", "malice-aforethought", "alicetown"]));
    let change = UserChange { username: Some(username("queen-of-hearts")), ..UserChange::default() };
    store.update(alice.id, &change, LATER).await.unwrap();
    for (text, names) in [
        ("wonderland", set(&[])),
        ("-of-", set(&["queen-of-hearts"])),
        ("f-hearts", set(&["queen-of-hearts"])),
        ("alice", set(&["queen-of-hearts", "malice-aforethought", "alicetown"])),
        ("malice@", set(&["malice-aforethought"])),
    ] {
        assert_eq!(found(&*store, text).await, names, "{text:?}");
    }
    let change = UserChange { email: Change::Clear, ..UserChange::default() };
    store.update(alice.id, &change, LATER).await.unwrap();
    assert_eq!(found(&*store, "alice").await, set(&["malice-aforethought", "alicetown"]));
    store.update(alice.id, &UserChange { disabled: Some(true), ..UserChange::default() }, LATER).await.unwrap();
    assert_eq!(found(&*store, "queen-of-hearts").await, set(&["queen-of-hearts"]));
    store.delete(alice.id).await.unwrap();
    assert_eq!(found(&*store, "queen-of-hearts").await, set(&[]));
    assert_eq!(found(&*store, "malice-aforethought").await, set(&["malice-aforethought"]));
    register(&*store, &user(1, "queen-of-spades", "alice@example.com")).await;
    assert_eq!(found(&*store, "queen-of").await, set(&["queen-of-spades"]));
    store.delete(id(2)).await.unwrap();
    assert_eq!(found(&*store, "malice").await, set(&[]));
    assert_eq!(found(&*store, "alice@").await, set(&["queen-of-spades"]));
}

/// More users than an engine looks at before it asks its index.
pub(super) async fn a_search_among_many_has_the_same_pages_however_it_is_done(store: Arc<dyn UserStore>) {
    let kinds = ["common", "common", "common", "seldom"];
    // In no order, in steps that are no factor of their number.
    let users = (0..2500_u32).map(|turn| turn * 977 % 2500).map(|number| {
        let kind = if number % 100 == 7 { "rare" } else { kinds.get(number as usize / 25 % 4).unwrap_or(&"x") };
        let id = u128::from(number) << 112 | u128::from(number % 3) << 64 | 7;
        let user = NewUser { id: UserId::from_bytes(id.to_be_bytes()), ..named(&format!("{kind}-{number:04}")) };
        Newcomer { user, is_name_derived: false }
    });
    let users: Vec<Newcomer> = users.collect();
    assert!(store.import(&users).await.unwrap().iter().all(|outcome| *outcome == Imported::Added));
    let mut users: Vec<User> = users.iter().map(|new| new.user.to_user()).collect();
    users.sort_by_key(|user| user.id);
    for (text, limit) in [
        ("common", 200),
        ("seldom-", 90),
        ("rare", 10),
        ("-24", 7),
        ("rare-2407", 2),
        ("rare-2408", 2),
        ("om", 200),
        ("dom-2", 3),
        ("common-seldom", 5),
    ] {
        let text = SearchText::new(text).unwrap();
        let expected: Vec<UserId> = users.iter().filter(|user| text.matches(user)).map(|user| user.id).collect();
        let mut seen = Vec::new();
        let mut query = UserQuery::default().search(text.clone()).limit(limit);
        loop {
            let (ids, next) = page(&*store, query.clone()).await;
            assert!(ids.len() == limit || next.is_none(), "{text:?}");
            seen.extend(ids);
            let Some(next) = next else { break };
            query = query.after(next);
        }
        assert_eq!(seen, expected, "{text:?}");
    }
}

/// Parts of a text, and texts that only seem to be parts.
fn parts_of(name: &str, address: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for text in [name.to_owned(), address.to_owned(), format!("{name}{address}"), format!("{name} {address}")] {
        let text: Vec<char> = text.chars().collect();
        for size in [3, 4, 6, 7, 12, 13] {
            parts.extend(text.windows(size).step_by(2).map(String::from_iter));
            parts.extend(text.windows(size).step_by(5).map(|part| part.iter().rev().collect()));
            parts.extend(text.windows(size).step_by(3).map(|part| String::from_iter(part).to_uppercase()));
        }
    }
    parts
}

/// Behind so many users that an engine asks its index, which is kept while they change.
pub(super) async fn a_search_by_an_index_finds_whoever_has_the_text_and_nobody_else(store: Arc<dyn UserStore>) {
    let fillers = (0..1001_u128).map(|number| {
        let id = UserId::from_bytes((number << 100).to_be_bytes());
        Newcomer { user: NewUser { id, ..named(&format!("filler-{number}")) }, is_name_derived: false }
    });
    store.import(&fillers.collect::<Vec<_>>()).await.unwrap();
    let mut texts = BTreeSet::new();
    let mut ids = Vec::new();
    for (number, (name, address)) in [
        (r#"o"brien*AND^near"#, "a\"b OR c@example.com".replace(' ', "_")),
        ("%_%_%\\%", "x%y_z@example.com".to_owned()),
        ("žofie-čapková", "Žofie@Příklad.cz".to_owned()),
        ("zoe\u{308}-straße", "straße@xn--strae-oqa.de".to_owned()),
        ("мария_иванова", "Мария@Пример.рф".to_owned()),
        ("山田太郎花子", "taro@例え.jp".to_owned()),
        ("ab", "b@c.de".to_owned()),
        ("abcabcabcabc", "cabcab@cabcab.ca".to_owned()),
        ("aaaaaaaaaaaaaaa", "aaaaaaa@aaaaaaa.aa".to_owned()),
        ("user(name:x)", "grams:{x}@example.com".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        texts.extend(parts_of(name, &address));
        // Two share the first eight bytes of their ids.
        let id = UserId::from_bytes((0xff << 120 | (number as u128 / 2) << 64 | number as u128).to_be_bytes());
        let (Ok(name), address) = (Username::new(name), EmailAddress::new(&address).ok()) else { continue };
        register(&*store, &NewUser { id, email: address, ..NewUser::new(name, LATER) }).await;
        ids.push(id);
    }
    let [first, second, third, _, _, ..] = *ids else { panic!("{ids:?} alone have names that are allowed") };
    compare(&*store, &texts).await;
    let change = UserChange { username: Some(username("o'neill-abcabc")), ..UserChange::default() };
    store.update(first, &change, LATER).await.unwrap();
    store.update(second, &UserChange { email: Change::Clear, ..UserChange::default() }, LATER).await.unwrap();
    store.delete(third).await.unwrap();
    texts.extend(parts_of("o'neill-abcabc", ""));
    compare(&*store, &texts).await;
}

/// Each text finds those whom a look at every user finds.
async fn compare(store: &dyn UserStore, texts: &BTreeSet<String>) {
    let (mut all, mut query) = (Vec::new(), UserQuery::default().limit(200));
    loop {
        let page = store.list(&query).await.unwrap();
        all.extend(page.users);
        let Some(next) = page.next else { break };
        query = query.after(next);
    }
    for text in texts {
        let text = SearchText::new(text).unwrap();
        let expected: Vec<UserId> = all.iter().filter(|user| text.matches(user)).map(|user| user.id).collect();
        let found = page(store, UserQuery::default().search(text.clone()).limit(200)).await.0;
        assert_eq!(found, expected.into_iter().take(200).collect::<Vec<_>>(), "{text:?}");
    }
}
