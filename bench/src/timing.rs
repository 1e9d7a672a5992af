//! Whether the time of a refused login tells anything of the account (R-135, S-037): every kind of account against a name that
//! nobody has, over HTTP, in turns.

use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use countersign_password::{Hasher, Password, Policy};
use serde_json::json;
use tempfile::TempDir;

use crate::load::Connection;
use crate::report::Report;
use crate::server::{Server, countersign, form_request};

/// Logins of each kind of account, on which S-037 insists.
const TURNS: usize = 2000;
/// The first turns, in which the server meets the kinds of hashes.
const WARM_UP: usize = 20;

const WRONG: &str = "wrong-horse-9";
/// Requests without an account, and the accounts: what is said of each against the first.
const CASES: [(&str, &str, &str); 6] = [
    ("a name that nobody has", "nobody", WRONG),
    ("a password of 1000 characters", "nobody", ""),
    ("a wrong password", "ours", WRONG),
    ("a disabled account", "disabled", WRONG),
    ("PBKDF2 of one round", "cheap", WRONG),
    ("bcrypt of cost 8", "dear", WRONG),
];

pub(crate) async fn measure() -> Result<Report> {
    let data = data_with_all_kinds()?;
    let server = Server::start(&data)?;
    let mut connection = Connection::open(&server.address, Ipv4Addr::LOCALHOST).await?;
    let long = "x".repeat(1000);
    let requests = CASES.map(|(_, name, password)| {
        let password = if password.is_empty() { &long } else { password };
        form_request(&server.address, "/token", &format!("grant_type=password&username={name}&password={password}"))
    });
    let mut times = CASES.map(|_| Vec::with_capacity(TURNS));
    for turn in 0..WARM_UP + TURNS {
        for at in any_order() {
            let (Some(request), Some(times)) = (requests.get(at), times.get_mut(at)) else { continue };
            let begun = Instant::now();
            let status = connection.ask(request).await?;
            let took = begun.elapsed();
            ensure!(status == 400, "a wrong password was answered {status}");
            if turn >= WARM_UP {
                times.push(took);
            }
        }
        if turn % 100 == 0 {
            eprint!("\r{turn} of {TURNS} turns");
        }
    }
    eprintln!();
    Ok(report(&times))
}

/// The places of the cases in an order of chance: a busy moment meets all alike, and so does what the request before leaves behind.
fn any_order() -> [usize; CASES.len()] {
    let (mut places, state) = (std::array::from_fn(|at| at), RandomState::new());
    places.sort_by_key(|at| state.hash_one(at));
    places
}

fn report(times: &[Vec<Duration>; CASES.len()]) -> Report {
    let [nobody, others @ ..] = times;
    let median_ms = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    };
    let mut report =
        Report::new("refused logins: the AUC against a name that nobody has, 2000 of each in turns; 0.5 is alike")
            .figure("a name that nobody has", "ms", median_ms(nobody));
    for ((case, ..), times) in CASES.iter().skip(1).zip(others) {
        let auc = auc(nobody, times);
        report = report.figure(case, "AUC", auc).bound(case, (0.45..=0.55).contains(&auc));
    }
    report
}

/// How often a time of the one is longer than one of the other, ties counted half.
fn auc(one: &[Duration], other: &[Duration]) -> f64 {
    let pairs = one.iter().flat_map(|one| other.iter().map(move |other| one.cmp(other)));
    let (longer, count) =
        pairs.fold((0.0, 0.0), |(longer, count), order| (longer + f64::from(order as i8 + 1) / 2.0, count + 1.0));
    longer / count
}

/// A data directory with an account of every kind.
fn data_with_all_kinds() -> Result<TempDir> {
    let data = tempfile::tempdir()?;
    let ours = Hasher::new(Policy::default()).hash(&Password::new("four random words here".to_owned())?)?;
    let mut file = tempfile::Builder::new().suffix(".jsonl").tempfile()?;
    for (name, hash, disabled) in [
        ("ours", ours.as_str(), false),
        ("disabled", ours.as_str(), true),
        ("cheap", "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=", false),
        ("dear", "$2b$08$DcBC6hLmTX72pwXltbOhJOSr3bE4eAjrU1JePDKqmpCVS9OG9rcFO", false),
    ] {
        writeln!(file, "{}", json!({ "username": name, "password_hash": hash, "disabled": disabled }))?;
    }
    let done = countersign(&data)?.args(["import", "users"]).arg(file.path()).output().context("no import")?;
    ensure!(done.status.success(), "the users could not be taken over: {}", String::from_utf8_lossy(&done.stderr));
    Ok(data)
}
