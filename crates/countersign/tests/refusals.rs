//! That a refused login says nothing by coming early (R-125, R-135, S-037). `countersign-bench timing` measures whether the times
//! can be told apart over HTTP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::accounts::{AccountError, Accounts};
use countersign::axum::Clock;
use countersign::password::{Argon2Params, HashPool, Hasher, Password, PasswordHash, Policy, PoolSettings, Verdict};
use countersign::password_rules::PasswordRules;
use countersign::store::UserStore;
use countersign::store::memory::MemoryStore;
use countersign::user::{NewUser, Username};

/// A cheap hash that another program made, and a dear one.
const CHEAP: &str = "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";
const DEAR: &str = "$2b$08$DcBC6hLmTX72pwXltbOhJOSr3bE4eAjrU1JePDKqmpCVS9OG9rcFO";

async fn accounts() -> Accounts {
    let hasher = Hasher::new(Policy::new(Argon2Params::for_tests()));
    let ours = hasher.hash(&Password::new("correct horse battery staple".to_owned()).unwrap()).unwrap();
    let store = Arc::new(MemoryStore::new());
    for (name, hash, disabled) in [
        ("ours", ours.clone(), false),
        ("disabled", ours, true),
        ("cheap", PasswordHash::parse(CHEAP).unwrap(), false),
        ("dear", PasswordHash::parse(DEAR).unwrap(), false),
    ] {
        let user = NewUser::new(Username::new(name).unwrap(), 0);
        store.insert(&NewUser { password_hash: Some(hash), disabled, ..user }).await.unwrap();
    }
    let pool = HashPool::new(hasher, PoolSettings { threads: 1, ..PoolSettings::default() }).unwrap();
    Accounts::new(store, pool, PasswordRules::default(), Clock::system())
}

/// How long a refused login takes.
async fn refusal(accounts: &Accounts, name: &str) -> Duration {
    let password = Password::new("wrong".to_owned()).unwrap();
    let begun = Instant::now();
    let refused = accounts.authenticate(name, password).await;
    assert!(matches!(refused, Err(AccountError::WrongCredentials)), "{name}");
    begun.elapsed()
}

/// How long the dear hash takes by itself, at the quickest.
fn dear_hash() -> Duration {
    let (hasher, stored) = (Hasher::new(Policy::default()), PasswordHash::parse(DEAR).unwrap());
    let password = Password::new("wrong".to_owned()).unwrap();
    let took = (0..3).map(|_| {
        let begun = Instant::now();
        assert_eq!(hasher.verify(&password, Some(&stored)).unwrap(), Verdict::Mismatch);
        begun.elapsed()
    });
    took.min().unwrap()
}

// R-135, S-037
#[tokio::test]
async fn no_refusal_comes_much_earlier_than_the_dearest_hash_takes() {
    let accounts = accounts().await;
    // The pool learns the kinds by meeting them.
    for name in ["ours", "cheap", "dear"] {
        refusal(&accounts, name).await;
    }
    let hashing = dear_hash();
    for name in ["nobody", "ours", "disabled", "cheap", "dear"] {
        let took = refusal(&accounts, name).await;
        assert!(took >= hashing / 2, "{name}: {took:?}, and a dear hash takes {hashing:?}");
    }
}
