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

const PAIRS: usize = 60;

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

/// How often a time of the one is longer than one of the other, ties counted half: 0.5 when nobody can tell them apart.
fn auc(one: &[Duration], other: &[Duration]) -> f64 {
    let pairs = one.iter().flat_map(|one| other.iter().map(move |other| one.cmp(other)));
    let (mut longer, mut count) = (0.0, 0.0);
    for order in pairs {
        longer += f64::from(order as i8 + 1) / 2.0;
        count += 1.0;
    }
    longer / count
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
        // In turns, each time in another order, so that a busy moment is busy for all.
        for step in 0..names.len() {
            let at = (turn + step * 2) % names.len();
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
