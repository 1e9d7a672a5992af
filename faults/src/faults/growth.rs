//! F-19 and F-20: what grows: the write-ahead log behind a long reader; memory, descriptors and tables over time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::Connection;

use crate::check::Depth;
use crate::crowd::{log_in, new_session, refresh};
use crate::harness::Harness;
use crate::http::{Reply, Request};
use crate::postgres::query;
use crate::process::{Server, Site};
use crate::report::{Engine, Report};

const CROWD: usize = 6;
const KIB: u64 = 1024;
/// What the write-ahead log is cut down to when it begins anew.
const LOG_KIB: u64 = 8 * KIB;
const SOAKERS: usize = 4;
const MOST_SLOPE_KIB: f64 = 1024.0;

/// F-19
pub(super) fn long_reader(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-19", "a reader that does not come to an end", Some(Engine::Sqlite));
    let site = harness.site(Engine::Sqlite)?;
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    crowd.manners.pause = Duration::ZERO;
    crowd.manners.rarely_hashes = true;
    crowd.act_for(Duration::from_secs(1));
    let log = site.database_file().with_extension("db-wal");
    let log_kib = || std::fs::metadata(&log).map_or(0, |metadata| metadata.len() / KIB);
    let before = log_kib();
    let reader = Connection::open(site.database_file())?;
    reader.execute_batch("BEGIN")?;
    let _: i64 = reader.query_row("SELECT count(*) FROM users", [], |row| row.get(0))?;
    crowd.act_for(harness.time(Duration::from_secs(5), Duration::from_hours(1)));
    let largest = log_kib();
    reader.execute_batch("COMMIT")?;
    // The first writes bring it into the database, and the next begin it anew.
    crowd.act_for(Duration::from_secs(2));
    let after = log_kib();
    report.figure("write-ahead log in KiB before, with the reader, after it", format!("{before}, {largest}, {after}"));
    // A reader that is no part of the server can hold it up for as long as it likes.
    report.bound("it grows behind the reader", largest > before);
    report.bound("it is small again when the reader is gone", after <= LOG_KIB);
    report.findings += crowd.check(Depth::Everything)?;
    report.take(&crowd.ledger);
    report.rounds = 1;
    Ok(report)
}

/// F-20
pub(super) fn soak(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-20", "a long run", Some(engine));
    let site = harness.site(engine)?;
    let site = ["ACCESS_TOKEN_LIFETIME", "REFRESH_TOKEN_IDLE", "REFRESH_TOKEN_LIFETIME"]
        .iter()
        .fold(site, |site, name| site.with(&format!("COUNTERSIGN_{name}"), "10s"));
    let server = site.start()?;
    for number in 0..SOAKERS {
        site.run_well(&["user", "add", &format!("soaker{number}"), "--password-stdin"], "correct-horse-1\n")?;
    }
    let time = harness.time(Duration::from_secs(8), Duration::from_hours(24));
    let (stop, begun) = (AtomicBool::new(false), Instant::now());
    // What is made at first stays: measured from a quarter of the time on, one hour at the most.
    let warm = (time / 4).min(Duration::from_hours(1));
    let (odd, samples) = std::thread::scope(|scope| -> Result<_> {
        let soakers: Vec<_> = (0..SOAKERS)
            .map(|number| {
                let (stop, address) = (&stop, server.address);
                scope.spawn(move || live(&format!("soaker{number}"), |request| request.send(address), stop))
            })
            .collect();
        let mut samples = Vec::new();
        while begun.elapsed() < time {
            std::thread::sleep((time / 40).max(Duration::from_millis(200)));
            if begun.elapsed() >= warm {
                samples.push(Sample::take(&site, &server, begun.elapsed())?);
            }
        }
        stop.store(true, Ordering::Relaxed);
        Ok((soakers.into_iter().map(|soaker| soaker.join().unwrap_or(1)).sum::<usize>(), samples))
    })?;
    report.rounds = samples.len();
    report.bound(format!("{odd} answers were not good"), odd == 0);
    let (first, last) = (samples.first().context("no sample")?, samples.last().context("no sample")?);
    report.figure("KiB resident, first and last", format!("{}, {}", first.resident_kib, last.resident_kib));
    report.figure("descriptors, first and last", format!("{}, {}", first.descriptors, last.descriptors));
    report.figure("rows of sessions, first and last", format!("{}, {}", first.sessions, last.sessions));
    report.bound("descriptors stay flat", last.descriptors <= first.descriptors + 16);
    // A slope over minutes is the slope of a cache that fills.
    let hours = last.at.saturating_sub(first.at).as_secs_f64() / 3600.0;
    if hours >= 1.0 {
        let slope = (last.resident_kib - first.resident_kib) / hours;
        report.figure("KiB resident an hour", format!("{slope:.0}"));
        report.bound("memory stays flat", slope < MOST_SLOPE_KIB);
    }
    Ok(report)
}

struct Sample {
    at: Duration,
    resident_kib: f64,
    descriptors: usize,
    sessions: i64,
}

impl Sample {
    fn take(site: &Site, server: &Server, at: Duration) -> Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let count = "SELECT count(*) FROM sessions";
        let sessions = match &site.database {
            Some(url) => query(url, count)?.parse()?,
            None => Connection::open(site.database_file())?.query_row(count, [], |row| row.get(0))?,
        };
        Ok(Self {
            at,
            resident_kib: line.trim().trim_end_matches(" kB").parse()?,
            descriptors: std::fs::read_dir(format!("/proc/{}/fd", server.id()))?.count(),
            sessions,
        })
    }
}

/// Logs in, refreshes some times, and logs in again; how many answers were not good.
fn live(name: &str, send: impl Fn(&Request) -> Reply, stop: &AtomicBool) -> usize {
    let mut odd = 0;
    let pair = |reply: &Reply| match reply {
        Reply::Answer(answer) if answer.status == 200 => new_session(answer).ok(),
        _ => None,
    };
    while !stop.load(Ordering::Relaxed) {
        let mut session = pair(&send(&log_in(name, "correct-horse-1")));
        odd += usize::from(session.is_none());
        for _ in 0..8 {
            let Some(current) = session else { break };
            session = pair(&send(&refresh(&current.refresh)));
            odd += usize::from(session.is_none());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    odd
}
