//! F-14 and F-15: keys that rotate while people work in three processes, and more logins than the machine can check.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use countersign_token::{KeySet, Verifier};

use crate::check::Depth;
use crate::crowd::{log_in, whoami};
use crate::harness::Harness;
use crate::http::{Reply, Request};
use crate::probe::{Note, ask, ask_again, in_ms, p99, time_until_good};
use crate::process::{Server, Site};
use crate::report::{Engine, Report};

const CROWD: usize = 6;
const ISSUER: &str = "http://login.test";
const MAX_AGE: Duration = Duration::from_secs(1);
const WITHDRAWN: Duration = Duration::from_secs(1);
const STORMERS: usize = 200;
const STACK: usize = 128 * 1024;
const REFUSAL: Duration = Duration::from_millis(20);
const RECOVERY: Duration = Duration::from_secs(5);

/// F-14
pub(super) fn rotation(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-14", "keys rotate under load", Some(engine));
    let site = harness.site(engine)?;
    let site = site.with("COUNTERSIGN_SIGNING_KEY_LIFETIME", "5s").with("COUNTERSIGN_KEYS_MAX_AGE", "1s");
    let servers = [site.start()?, site.start()?, site.start()?];
    let [first, ..] = &servers;
    let mut crowd = harness.crowd(first, CROWD)?;
    crowd.target.set(&servers.each_ref().map(|server| server.address));
    let time = harness.time(Duration::from_secs(9), Duration::from_mins(5));
    let (keys, refused, verified) = crowd.during(|| verify_elsewhere(&servers, time))?;
    report.rounds = keys;
    report.figure("keys that signed", keys);
    report.figure("tokens verified with published keys, cached for a second", verified);
    report.bound(format!("{refused} good tokens were refused elsewhere"), refused == 0);
    report.bound("keys have rotated", keys > 1);
    report.findings += crowd.check(Depth::Everything)?;
    let slowest = withdraw(&site, &servers)?;
    report.within("a withdrawn key is out at all processes after", slowest, WITHDRAWN);
    report.take(&crowd.ledger);
    Ok(report)
}

/// An API elsewhere, which keeps the keys for as long as it may.
fn verify_elsewhere(servers: &[Server; 3], time: Duration) -> Result<(usize, usize, usize)> {
    let begun = Instant::now();
    let (mut keys, mut refused, mut tried) = (BTreeSet::new(), 0, 0);
    let mut cache: Option<(Instant, Verifier)> = None;
    while begun.elapsed() < time {
        for (at, server) in servers.iter().enumerate() {
            let token = server.administrator()?;
            if cache.as_ref().is_none_or(|(since, _)| since.elapsed() >= MAX_AGE) {
                // From another process than the token's.
                let other = servers.get((at + 1) % servers.len()).context("no server")?;
                let since = Instant::now();
                let Reply::Answer(answer) = Request::get("/.well-known/jwks.json").send(other.address) else {
                    continue;
                };
                cache = Some((since, Verifier::new(ISSUER, ISSUER, KeySet::from_jwks(&answer.body)?)));
            }
            let Some((_, verifier)) = &cache else { continue };
            tried += 1;
            refused += usize::from(verifier.verify(&token, now()).is_err());
            let header = countersign_token::inspect(&token)?.header;
            keys.extend(header.get("kid").and_then(serde_json::Value::as_str).map(str::to_owned));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok((keys.len(), refused, tried))
}

#[expect(clippy::disallowed_methods, reason = "a program that stands outside the system, with a clock of its own")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// How long a token is accepted somewhere whose key was withdrawn.
fn withdraw(site: &Site, servers: &[Server; 3]) -> Result<Duration> {
    let [first, ..] = servers;
    let token = first.administrator()?;
    let header = countersign_token::inspect(&token)?.header;
    let kid = header.get("kid").and_then(serde_json::Value::as_str).context("no kid")?.to_owned();
    site.run_well(&["key", "revoke", &kid], "")?;
    let withdrawn = Instant::now();
    for server in servers {
        while ask(server.address, &whoami(&token)).status != 401 {
            ensure!(withdrawn.elapsed() < Duration::from_secs(30), "a withdrawn key is still good after 30 seconds");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    Ok(withdrawn.elapsed())
}

/// F-15, in short: `bench storm` measures it against the machine.
pub(super) fn storm(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-15", "more logins than can be checked", Some(Engine::Sqlite));
    let site =
        harness.site(Engine::Sqlite)?.with("COUNTERSIGN_HASH_QUEUE", "64").with("COUNTERSIGN_HASH_BUDGET_MIB", "40");
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    crowd.manners.rarely_hashes = true;
    crowd.act_for(Duration::from_secs(2));
    let time = harness.time(Duration::from_secs(5), Duration::from_mins(5));
    let token = crowd.manners.administrator.clone();
    let (stop, until) = (AtomicBool::new(false), Instant::now() + time);
    let (logins, probes) = crowd.during(|| {
        std::thread::scope(|scope| {
            let probes = scope.spawn(|| ask_again(server.address, &whoami(&token), Duration::from_millis(20), &stop));
            let logins = blow(scope, &server, until);
            stop.store(true, Ordering::Relaxed);
            logins.map(|logins| (logins, probes.join().unwrap_or_default()))
        })
    })?;
    let recovered = time_until_good(server.address, &log_in("administrator", "correct-horse-1"));
    let refusals: Vec<Note> = logins.iter().copied().filter(|note| note.status == 503 || note.status == 429).collect();
    report.rounds = logins.len();
    report.figure("checked", logins.len() - refusals.len());
    report.figure("refused", refusals.len());
    let odd = logins.iter().filter(|note| ![200, 400, 429, 503].contains(&note.status)).count();
    report.bound(format!("{odd} logins were not answered with 200, 400, 429 or 503"), odd == 0);
    report.bound("a refusal says when to try again", refusals.iter().all(|note| note.is_polite));
    report.bound("nobody else is refused", probes.iter().all(|note| note.status == 200));
    report.figure(
        "p99 of a refusal, on a machine that the storm itself fills",
        format!("{}, wanted {}", in_ms(p99(&refusals)), in_ms(REFUSAL)),
    );
    report.figure("p99 of /users/me meanwhile", in_ms(p99(&probes)));
    report.within("recovery", recovered.context("nobody can log in after the storm")?, RECOVERY);
    report.findings += crowd.check(Depth::Everything)?;
    report.take(&crowd.ledger);
    Ok(report)
}

/// Nine of ten passwords are wrong.
fn blow<'s>(scope: &'s std::thread::Scope<'s, '_>, server: &'s Server, until: Instant) -> Result<Vec<Note>> {
    let mut stormers = Vec::new();
    for number in 0..STORMERS {
        let password = if number % 10 == 0 { "correct-horse-1" } else { "wrong-horse-101" };
        let stormer = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
            let mut notes = Vec::new();
            while Instant::now() < until {
                notes.push(ask(server.address, &log_in("administrator", password)));
                std::thread::sleep(Duration::from_millis(100));
            }
            notes
        })?;
        stormers.push(stormer);
    }
    Ok(stormers.into_iter().flat_map(|stormer| stormer.join().unwrap_or_default()).collect())
}
