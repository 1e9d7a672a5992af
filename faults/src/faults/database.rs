//! F-07 and F-10: a database server that restarts again and again, and one that answers nobody because a table is locked.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::check::Depth;
use crate::crowd::whoami;
use crate::harness::Harness;
use crate::http::Request;
use crate::postgres::{Stop, psql};
use crate::probe::{Note, ask, ask_again, p99, time_until_good};
use crate::process::Server;
use crate::report::{Engine, Report};

const CROWD: usize = 6;
const HEALED: Duration = Duration::from_secs(2);
/// A connection of the pool is waited for two seconds, and made anew in three.
const LONGEST_ANSWER: Duration = Duration::from_secs(6);
const POOL: &str = "5";
const CLIENTS: usize = 500;
/// What needs no database.
const QUICK: Duration = Duration::from_millis(50);
const STACK: usize = 128 * 1024;

/// F-07
pub(super) fn restarts(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-07", "the database restarts", Some(Engine::Postgres));
    let folder = harness.folder("restarts")?;
    let mut cluster = harness.make_cluster(&folder.join("cluster"), &["fsync = off", "full_page_writes = off"])?;
    let url = cluster.make_database("auth")?;
    let site = harness.site_at(&folder, Some(url))?;
    site.add_administrator()?;
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    let ready = Request::get("/health/ready");
    let mut slowest = Duration::ZERO;
    let ways = [Stop::Fast, Stop::Immediate, Stop::Kill].into_iter().cycle();
    for how in ways.take(harness.rounds(3, 30)) {
        let healed = crowd.during(|| -> Result<_> {
            std::thread::sleep(
                harness.time(Duration::from_secs(1), Duration::from_secs(10)).min(Duration::from_secs(10)),
            );
            cluster.stop(how)?;
            std::thread::sleep(Duration::from_millis(300));
            cluster.start()?;
            let healed = time_until_good(server.address, &ready);
            std::thread::sleep(Duration::from_millis(500));
            Ok(healed)
        })?;
        slowest = slowest.max(healed.context("the pool does not heal")?);
        report.findings += crowd.check(Depth::Touched)?;
        report.rounds += 1;
    }
    report.findings += crowd.check(Depth::Everything)?;
    report.within("healed after", slowest, HEALED);
    report.take(&crowd.ledger);
    report.every_act_is_answered_within(LONGEST_ANSWER);
    Ok(report)
}

/// F-10
pub(super) fn pool_is_empty(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-10", "a table is locked, the pool is empty", Some(Engine::Postgres));
    let site = harness.site(Engine::Postgres)?.with("COUNTERSIGN_DATABASE_CONNECTIONS", POOL);
    let server = site.start()?;
    let token = server.administrator()?;
    let url = site.database.as_deref().context("no database")?;
    let held = harness.time(Duration::from_secs(9), Duration::from_secs(20));
    let statement = format!("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({})", held.as_secs());
    let mut lock = psql(url).args(["-c", &statement]).stdout(Stdio::null()).spawn()?;
    std::thread::sleep(Duration::from_millis(300));
    let suffering = suffer(&server, &token, held.saturating_sub(Duration::from_millis(500)))?;
    lock.wait()?;
    let healed = time_until_good(server.address, &whoami(&token)).context("the pool does not heal")?;
    let Suffering { waiters, quick } = suffering;
    report.rounds = 1;
    report.figure("refused with 503", waiters.iter().filter(|note| note.status == 503).count());
    let odd: Vec<_> = waiters.iter().map(|note| note.status).filter(|status| *status != 503).collect();
    report.bound(format!("answers other than 503 while the table is locked: {odd:?}"), odd.is_empty());
    report.bound("each says when to try again", waiters.iter().all(|note| note.is_polite));
    let slowest = waiters.iter().map(|note| note.took).max().unwrap_or_default();
    report.within("slowest refusal", slowest, LONGEST_ANSWER);
    report.bound("what needs no database goes on", quick.iter().all(|note| note.status == 200));
    report.within("what needs no database, p99", p99(&quick), QUICK);
    report.within("healed after", healed, HEALED);
    // None of the five connections has leaked.
    let again: Vec<_> = (0..40).map(|_| ask(server.address, &whoami(&token)).status).collect();
    report.bound(format!("{again:?}"), again.iter().all(|status| *status == 200));
    Ok(report)
}

struct Suffering {
    waiters: Vec<Note>,
    quick: Vec<Note>,
}

/// Five hundred who want to know who they are, and somebody who asks for the keys.
fn suffer(server: &Server, token: &str, time: Duration) -> Result<Suffering> {
    let (stop, until) = (AtomicBool::new(false), Instant::now() + time);
    std::thread::scope(|scope| {
        let keys = Request::get("/.well-known/jwks.json");
        let stop = &stop;
        let quick = scope.spawn(move || ask_again(server.address, &keys, Duration::from_millis(10), stop));
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let client = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
                let mut notes = Vec::new();
                // One that is asked shortly before the end is answered after it.
                while Instant::now() + LONGEST_ANSWER < until || notes.is_empty() {
                    notes.push(ask(server.address, &whoami(token)));
                }
                notes
            })?;
            clients.push(client);
        }
        let waiters = clients.into_iter().flat_map(|client| client.join().unwrap_or_default()).collect();
        stop.store(true, Ordering::Relaxed);
        Ok(Suffering { waiters, quick: quick.join().unwrap_or_default() })
    })
}
