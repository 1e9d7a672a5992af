//! Whether the time of a refused login tells who exists (R-125, R-135, S-037): few logins, and bounds that only a real leak
//! crosses. `countersign-bench timing` measures the same over HTTP, with many.

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

const PAIRS: usize = 100;

/// A cheap hash that another program made, and a dear one.
const CHEAP: &str = "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";
const DEAR: &str = "$2b$06$DcBC6hLmTX72pwXltbOhJOSr3bE4eAjrU1JePDKqmpCVS9OG9rcFO";

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

/// In how many pairs of the same turn the one took longer, ties counted half: 0.5 when nobody can tell them apart. Of one turn,
/// since what else the machine does then has met both.
fn auc(one: &[Duration], other: &[Duration]) -> f64 {
    let pairs: Vec<_> = one.iter().zip(other).map(|(one, other)| f64::from(one.cmp(other) as i8 + 1) / 2.0).collect();
    pairs.iter().sum::<f64>() / f64::from(u32::try_from(pairs.len()).unwrap())
}

/// The places of five names in an order that is another one in each turn, with no rule that a busy moment could follow.
fn order(turn: usize) -> [usize; 5] {
    let mut places = [0, 1, 2, 3, 4];
    places.sort_by_key(|place| (turn * 5 + place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32);
    places
}

// R-135, S-037
#[tokio::test]
async fn the_time_of_a_refused_login_does_not_tell_who_exists() {
    let accounts = accounts().await;
    let names = ["nobody", "ours", "disabled", "cheap", "dear"];
    // The pool learns how long each kind takes.
    for _ in 0..5 {
        for name in names {
            refusal(&accounts, name).await;
        }
    }
    let mut times = names.map(|_| Vec::new());
    for turn in 0..PAIRS {
        for at in order(turn) {
            let (Some(name), Some(times)) = (names.get(at), times.get_mut(at)) else { continue };
            times.push(refusal(&accounts, name).await);
        }
    }
    let [nobody, others @ ..] = &times;
    for (name, other) in names.iter().skip(1).zip(others) {
        let auc = auc(nobody, other);
        // Without the padding, the cheap and the dear hash give 0 and 1.
        assert!((0.25..0.75).contains(&auc), "nobody against {name}: {auc}");
    }
}

//
#[tokio::test]
async fn what_is_learnt_at_the_start_holds_for_the_very_first_login() {
    let hasher = Hasher::new(Policy::new(Argon2Params::for_tests()));
    let (dear, wrong) = (PasswordHash::parse(DEAR).unwrap(), Password::new("wrong".to_owned()).unwrap());
    let time_of_the_dear = || {
        let begun = Instant::now();
        assert!(!hasher.verify(&wrong, Some(&dear)).unwrap().is_match());
        begun.elapsed()
    };
    // A busy machine makes it longer, never shorter.
    let least = (0..5).map(|_| time_of_the_dear()).min().unwrap();

    let accounts = accounts().await;
    accounts.learn_hash_times().await.unwrap();
    assert!(refusal(&accounts, "nobody").await >= least);
}
