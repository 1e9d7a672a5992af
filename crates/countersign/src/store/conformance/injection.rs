//! Text that would be a command if somebody pasted it into one (R-180, S-035).

use std::sync::Arc;

use crate::store::conformance::samples::{THEN, count, full_name, named, register, username};
use crate::store::{KeyState, KeyStore, SearchText, SigningKeyRecord, UserQuery, UserStore};
use crate::user::{EmailAddress, Login, NewUser, Username};

/// Texts that are commands for SQLite or PostgreSQL if they are ever taken for a part of one.
pub const INJECTIONS: [&str; 20] = [
    "'",
    "''",
    "\"",
    "';--",
    "' OR '1'='1",
    "'OR(1=1)--",
    "\" OR \"\"=\"",
    "'; DROP TABLE users; --",
    "';DROP/**/TABLE/**/users;--",
    "'); DELETE FROM users; --",
    "' UNION SELECT * FROM signing_keys --",
    "'||(SELECT/**/password_hash/**/FROM/**/users)||'",
    "1; UPDATE users SET disabled = 0",
    "$1",
    "?1",
    "${1}",
    "\\'; DROP TABLE users; --",
    "%27%20OR%201=1",
    "'; ATTACH DATABASE 'x' AS x; --",
    "'; SELECT pg_sleep(10); --",
];

pub(super) async fn injected_text_is_kept_as_text(store: Arc<dyn UserStore>) {
    let mut users = 0;
    for (letter, text) in ('a'..).zip(INJECTIONS) {
        // Wherever the field takes the text at all. The letter keeps apart what looks alike, such as '' and ".
        let username =
            Username::new(&format!("{letter}{text}")).unwrap_or_else(|_| username(&format!("user-{letter}")));
        let new = NewUser {
            email: EmailAddress::new(&format!("{text}@example.com")).ok(),
            full_name: Some(full_name(text)),
            ..named(username.as_str())
        };
        let user = register(&*store, &new).await;
        users += 1;
        assert_eq!(store.find_by_id(user.id).await, Ok(Some(user)), "{text}");
        for login in [text.to_owned(), format!("{letter}{text}"), format!("{text}@example.com")] {
            let found = store.find_credentials(&Login::parse(&login)).await.unwrap();
            let names_it = Login::parse(&login) == Login::Username(username.clone())
                || new.email.as_ref().is_some_and(|email| login == email.as_str());
            assert_eq!(found.is_some(), names_it, "{login}");
        }
        let query = UserQuery::default().search(SearchText::new(text).unwrap());
        let page = store.list(&query).await.unwrap();
        assert!(page.users.iter().all(|user| query.search_text().is_some_and(|text| text.matches(user))), "{text}");
        assert_eq!(count(&*store).await, users, "{text}");
    }
}

pub(super) async fn injected_text_in_a_key_is_kept_as_text(store: Arc<dyn KeyStore>) {
    for (time, text) in (THEN..).zip(INJECTIONS) {
        let key = SigningKeyRecord {
            kid: text.to_owned(),
            algorithm: text.to_owned(),
            state: KeyState::Retiring,
            sealed: text.as_bytes().to_vec(),
            created_at: time,
            since: time,
        };
        assert_eq!(store.insert_key(&key).await, Ok(true), "{text}");
    }
    let kept = store.list_keys().await.unwrap();
    assert_eq!(kept.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), INJECTIONS);
}
