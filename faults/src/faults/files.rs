//! F-06: database files that are locked, of somebody else, or read-only.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;

use crate::check::Depth;
use crate::crowd::whoami;
use crate::harness::Harness;
use crate::http::Request;
use crate::probe::{ask_again, in_ms, p99, time_until_good};
use crate::report::{Engine, Report};

const CROWD: usize = 6;
/// Three seconds that a statement waits, five that a job waits for its turn, and some for a busy machine.
const LONGEST_ANSWER: Duration = Duration::from_secs(9);
const RECOVERY: Duration = Duration::from_secs(5);
/// A user of every system, without rights.
const NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// Another process writes, and does not come to an end.
pub(super) fn locked(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-06", "a file that is locked", Some(Engine::Sqlite));
    let site = harness.site(Engine::Sqlite)?;
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    let token = crowd.manners.administrator.clone();
    crowd.act_for(Duration::from_secs(1));
    let held = harness.time(Duration::from_secs(6), Duration::from_secs(30));
    let (stop, begun) = (AtomicBool::new(false), crowd.ledger.counts());
    let (reads, recovered) = crowd.during(|| -> Result<_> {
        let other = Connection::open(site.database_file())?;
        other.busy_timeout(Duration::from_secs(10))?;
        other.execute_batch("BEGIN EXCLUSIVE")?;
        let reads = std::thread::scope(|scope| {
            let reader = scope.spawn(|| ask_again(server.address, &whoami(&token), Duration::from_millis(20), &stop));
            std::thread::sleep(held);
            stop.store(true, Ordering::Relaxed);
            reader.join().unwrap_or_default()
        });
        other.execute_batch("ROLLBACK")?;
        Ok((reads, time_until_write(&server.address, &token)))
    })?;
    report.rounds = 1;
    let refused = crowd.ledger.counts().unknown - begun.unknown;
    report.figure("writes refused with 503", refused);
    report.bound("writes are refused while the file is locked", refused > 0);
    report.bound("reads go on", !reads.is_empty() && reads.iter().all(|note| note.status == 200));
    report.figure("reads meanwhile, p99", in_ms(p99(&reads)));
    report.within("recovery", recovered.context("no write succeeds after the lock is gone")?, RECOVERY);
    report.findings += crowd.check(Depth::Everything)?;
    report.take(&crowd.ledger);
    report.every_act_is_answered_within(LONGEST_ANSWER);
    Ok(report)
}

/// Until a login, which writes, is good again: asked for as an administrator whose password is known.
fn time_until_write(address: &std::net::SocketAddr, token: &str) -> Option<Duration> {
    let change = serde_json::json!({ "full_name": "Administrator" });
    time_until_good(*address, &Request::json("PATCH", "/users/me", &change).bearer(token))
}

/// The server runs as somebody who may not write there, or not even read.
pub(super) fn forbidden(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-06", "files of others, or read-only", Some(Engine::Sqlite));
    let mut site = harness.site(Engine::Sqlite)?;
    site.by = NOBODY.map(str::to_owned).to_vec();
    let (is_refused, line) = site.refuses_to_start()?;
    report.bound(format!("a directory of somebody else: {line}"), is_refused);
    let given = Command::new("chown").args(["-R", "65534:65534"]).arg(&site.data).status()?;
    ensure!(given.success(), "cannot give the data away");
    fs::set_permissions(site.database_file(), PermissionsExt::from_mode(0o400))?;
    let (is_refused, line) = site.refuses_to_start()?;
    report.bound(format!("a read-only file: {line}"), is_refused);
    fs::set_permissions(site.database_file(), PermissionsExt::from_mode(0o600))?;
    let server = site.start()?;
    report.ready_after(server.ready_after);
    server.administrator()?;
    report.rounds = 1;
    Ok(report)
}
