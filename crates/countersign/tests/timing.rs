//! That the time of a refused login does not tell who exists: each is hashed once, and none answers before the
//! dearest hash could have been checked. How well the times hide one another is measured, over HTTP and with thousands, by
//! `countersign-bench timing`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::accounts::{AccountError, Accounts};
use countersign::axum::Clock;
use countersign::password::{Argon2Params, HashPool, Hasher, Password, PasswordHash, Policy, PoolSettings};
use countersign::password_rules::PasswordRules;
use countersign::store::UserStore;
use countersign::store::memory::MemoryStore;
use countersign::user::{NewUser, Username};

const TURNS: usize = 10;

/// A cheap hash that another program made, and a dear one.
const CHEAP: &str = "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";
const DEAR: &str = "$2b$06$DcBC6hLmTX72pwXltbOhJOSr3bE4eAjrU1JePDKqmpCVS9OG9rcFO";

fn hasher() -> Hasher {
    Hasher::new(Policy::new(Argon2Params::for_tests()))
}

/// With their pool, which counts what it hashes.
async fn accounts() -> (Accounts, HashPool) {
    let hasher = hasher();
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
    (Accounts::new(store, pool.clone(), PasswordRules::default(), Clock::system()), pool)
}

/// How long a refused login takes.
async fn refusal(accounts: &Accounts, name: &str) -> Duration {
    let password = Password::new("wrong".to_owned()).unwrap();
    let begun = Instant::now();
    let refused = accounts.authenticate(name, password).await;
    assert!(matches!(refused, Err(AccountError::WrongCredentials)), "{name}");
    begun.elapsed()
}

/// How long it takes to check a wrong password against the dear hash, with nothing around it.
fn time_of_the_dear(hasher: &Hasher) -> Duration {
    let (dear, wrong) = (PasswordHash::parse(DEAR).unwrap(), Password::new("wrong".to_owned()).unwrap());
    let begun = Instant::now();
    assert!(!hasher.verify(&wrong, Some(&dear)).unwrap().is_match());
    begun.elapsed()
}

fn hashed(pool: &HashPool) -> u64 {
    pool.stats().times.iter().map(|time| time.count).sum()
}

//
#[tokio::test]
async fn every_refused_login_is_hashed_once_and_takes_as_long_as_the_dearest_hash() {
    let (hasher, (accounts, pool)) = (hasher(), accounts().await);
    // Before the pool has learnt as well as after: a machine that grows slower in between makes the least no longer.
    let mut dear: Vec<_> = (0..TURNS).map(|_| time_of_the_dear(&hasher)).collect();
    accounts.learn_hash_times().await.unwrap();

    let mut refused = Vec::new();
    for _ in 0..TURNS {
        for name in ["nobody", "ours", "disabled", "cheap", "dear"] {
            let before = hashed(&pool);
            refused.push((refusal(&accounts, name).await, name));
            assert_eq!(hashed(&pool) - before, 1, "{name}");
            dear.push(time_of_the_dear(&hasher));
        }
    }
    // The very first answer too, although nobody with the dear hash had logged in by then.
    let least = dear.iter().min().unwrap();
    let (earliest, name) = refused.iter().min().unwrap();
    assert!(earliest >= least, "{name} was refused after {earliest:?}, the dear hash takes {least:?}");
}
