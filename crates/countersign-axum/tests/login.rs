//! Logging in over a table of users of one's own.
#![cfg(feature = "login")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

use std::sync::Arc;

use countersign_axum::Unavailable;
use countersign_axum::login::{Found, LoginError, MemoryUsers, UserRecord, UserTable, authenticate};
use countersign_password::{Argon2Params, HashPool, Hasher, Password, PasswordHash, Policy, PoolSettings};
use tokio::sync::mpsc;

/// bcrypt, cost 4, of `correctbatteryhorsestapler`.
const BCRYPT: &str = "$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie";
const PASSWORD: &str = "correctbatteryhorsestapler";

fn pool() -> HashPool {
    let hasher = Hasher::new(Policy::new(Argon2Params::for_tests()));
    HashPool::new(hasher, PoolSettings::default()).expect("threads")
}

fn users() -> MemoryUsers {
    let text = format!(r#"{{"username": "ada", "password_hash": "{BCRYPT}"}} {{"username": "bot"}}"#);
    MemoryUsers::from_json(&text).expect("users")
}

/// A table that tells when a hash is replaced, and fails where it is told to.
#[derive(Clone)]
struct Watched {
    users: MemoryUsers,
    replaced: mpsc::UnboundedSender<bool>,
    fails: Option<Fails>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fails {
    Finding,
    Replacing,
}

impl UserTable for Watched {
    type User = UserRecord;

    async fn find_by_login(&self, login: &str) -> Result<Found<UserRecord>, Unavailable> {
        if self.fails == Some(Fails::Finding) {
            return Err(Unavailable::because("the disk is gone"));
        }
        self.users.find_by_login(login).await
    }

    async fn replace_password_hash(
        &self,
        user: &UserRecord,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Unavailable> {
        let outcome = match self.fails {
            Some(Fails::Replacing) => Err(Unavailable::because("the disk is full")),
            _ => self.users.replace_password_hash(user, expected, new).await,
        };
        let _ = self.replaced.send(matches!(outcome, Ok(true)));
        outcome
    }
}

fn watched(fails: Option<Fails>) -> (Watched, mpsc::UnboundedReceiver<bool>) {
    let (replaced, receiver) = mpsc::unbounded_channel();
    (Watched { users: users(), replaced, fails }, receiver)
}

#[tokio::test]
async fn only_the_right_password_of_a_user_who_has_one_lets_in() {
    let (users, passwords) = (users(), pool());
    assert_eq!(authenticate(&users, &passwords, "ada", PASSWORD).await.expect("ada").username, "ada");
    // R-009
    let long = "x".repeat(5000);
    for (name, password) in [
        ("ada", "wrong"),
        ("ada", ""),
        ("ada", "a\0b"),
        ("ada", &long),
        ("Ada", PASSWORD),
        (" ada", PASSWORD),
        ("nobody", PASSWORD),
        ("bot", PASSWORD),
        ("bot", ""),
        ("", PASSWORD),
    ] {
        let refused = authenticate(&users, &passwords, name, password).await;
        assert_eq!(refused.err(), Some(LoginError::WrongCredentials), "{name:?}");
    }
}

// R-122
#[tokio::test]
async fn an_outdated_hash_is_replaced_after_the_login_and_once() {
    let (users, mut replaced) = watched(None);
    let passwords = pool();
    authenticate(&users, &passwords, "ada", PASSWORD).await.expect("ada");
    assert_eq!(replaced.recv().await, Some(true));
    let hash = users.users.get("ada").and_then(|ada| ada.password_hash).expect("a hash");
    assert!(hash.as_str().starts_with("$argon2id$"), "{hash:?}");
    authenticate(&users, &passwords, "ada", PASSWORD).await.expect("ada, by the new hash");
    assert!(replaced.try_recv().is_err(), "the new hash is what the policy makes");
    assert_eq!(users.users.get("ada").and_then(|ada| ada.password_hash), Some(hash));
}

// R-123
#[tokio::test]
async fn a_hash_that_was_changed_meanwhile_is_not_replaced() {
    let (users, passwords) = (users(), pool());
    let ada = users.get("ada").expect("ada");
    let new = passwords.hash(Password::new("another".to_owned()).expect("a password")).await.expect("a hash");
    let old = ada.password_hash.clone().expect("a hash");
    assert!(users.replace_password_hash(&ada, &old, &new).await.expect("a table"));
    assert!(!users.replace_password_hash(&ada, &old, &old).await.expect("a table"));
    assert_eq!(users.get("ada").and_then(|ada| ada.password_hash), Some(new));
}

#[tokio::test]
async fn a_failed_upgrade_fails_no_login_and_a_failed_look_up_does() {
    let (users, mut replaced) = watched(Some(Fails::Replacing));
    assert!(authenticate(&users, &pool(), "ada", PASSWORD).await.is_ok());
    assert_eq!(replaced.recv().await, Some(false));
    let (users, _) = watched(Some(Fails::Finding));
    assert_eq!(authenticate(&users, &pool(), "ada", PASSWORD).await.err(), Some(LoginError::Unavailable));
}

// R-175
#[tokio::test]
async fn a_full_pool_says_when_to_come_again() {
    let hasher = Hasher::new(Policy::new(Argon2Params::for_tests()));
    let passwords = HashPool::new(hasher, PoolSettings { threads: 1, queue_limit: 1, ..PoolSettings::default() });
    let passwords = Arc::new(passwords.expect("a thread"));
    let logins = (0..64).map(|_| {
        let passwords = Arc::clone(&passwords);
        tokio::spawn(async move { authenticate(&users(), &passwords, "ada", "wrong").await.err() })
    });
    let mut busy = 0;
    for login in logins.collect::<Vec<_>>() {
        match login.await.expect("a login") {
            Some(LoginError::Busy { retry_after_s }) => busy += u32::from(retry_after_s >= 1),
            refused => assert_eq!(refused, Some(LoginError::WrongCredentials)),
        }
    }
    assert!(busy > 0, "64 logins fit a queue of one");
}

#[test]
fn a_file_of_users_that_is_wrong_says_where_and_repeats_nothing() {
    let error = |text: &str| MemoryUsers::from_json(text).expect_err("a wrong file").to_string();
    let good = format!(r#"{{"username": "ada", "password_hash": "{BCRYPT}", "scope": "a b", "disabled": true}}"#);
    assert!(MemoryUsers::from_json(&format!("\n{good}\n\n{good}\n")).is_ok());
    for (line, reason) in [
        (r#"{"username": "canary "}"#, "a user name has 1 to 255 bytes"),
        (r#"{"username": "x", "password_hash": "canary"}"#, "hash"),
        (r#"{"username": "x", "password_hash": 31337}"#, "expected a string"),
        (r#"{"username": "x", "disabled": "canary"}"#, "expected a boolean"),
        (r#"{"email": "canary@example.com"}"#, "missing field `username`"),
        (r#"["canary"]"#, ""),
        ("canary", ""),
    ] {
        let text = error(&format!("{good}\n{line}\n"));
        assert!(text.starts_with("line 2 of the users: ") && text.contains(reason), "{line}: {text}");
        assert!(!text.contains("canary") && !text.contains("31337"), "{line}: {text}");
    }
    let missing = MemoryUsers::default().and_file(Some("/nowhere/users.jsonl".as_ref())).expect_err("no file");
    assert!(missing.to_string().starts_with("the file of users cannot be read"), "{missing}");
}
