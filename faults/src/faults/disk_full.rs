//! F-04 and F-05: a disk that is full, and one that fails now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::check::Depth;
use crate::crowd::whoami;
use crate::disk::MemoryDisk;
use crate::faults::crash::{check_integrity, start_and_check};
use crate::harness::Harness;
use crate::http::Request;
use crate::postgres::own;
use crate::probe::{ask, ask_again, time_until_good};
use crate::process::Site;
use crate::report::{Engine, Report};
use crate::shim::Shim;

const CROWD: usize = 8;
const DISK_MIB: u64 = 16;
/// Two segments of its log, the smallest files of three databases, and room to grow.
const CLUSTER_DISK_MIB: u64 = 112;
/// What is left when the load begins to fill the rest.
const LEFT: usize = 16 << 10;
const LONGEST_FILLING: Duration = Duration::from_mins(1);
const RECOVERY: Duration = Duration::from_secs(5);
const LONGEST_ANSWER: Duration = Duration::from_secs(9);
/// One in so many reads, writes and syncs fails.
const ONE_IN: &str = "100";

/// F-04
pub(super) fn full(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-04", "the disk is full", Some(engine));
    let folder = harness.folder("full")?;
    let mib = if engine == Engine::Sqlite { DISK_MIB } else { CLUSTER_DISK_MIB };
    let disk = MemoryDisk::make(&folder, mib)?;
    let mut site = harness.site_at(&folder, None)?;
    let cluster = match engine {
        Engine::Sqlite => {
            site.data = disk.mount.join("data");
            None
        }
        Engine::Postgres => {
            own(&disk.mount)?;
            let small = ["fsync = off", "max_wal_size = 32MB", "min_wal_size = 32MB"];
            Some(harness.make_cluster(&disk.mount.join("cluster"), &small)?)
        }
    };
    site.database = cluster.as_ref().map(|cluster| cluster.make_database("auth")).transpose()?;
    site.add_administrator()?;
    for _ in 0..harness.rounds(1, 5) {
        fill_and_free(harness, &site, &disk, &mut report)?;
        report.rounds += 1;
    }
    check_integrity(&site, &mut report)?;
    Ok(report)
}

fn fill_and_free(harness: &Harness, site: &Site, disk: &MemoryDisk, report: &mut Report) -> Result<()> {
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    crowd.manners.pause = Duration::ZERO;
    let token = crowd.manners.administrator.clone();
    let write = Request::json("PATCH", "/users/me", &json!({ "full_name": "Administrator" })).bearer(&token);
    crowd.act_for(Duration::from_secs(1));
    let (ledger, before) = (Arc::clone(&crowd.ledger), crowd.ledger.counts());
    let (stop, every) = (AtomicBool::new(false), Duration::from_millis(20));
    let keys = Request::get("/.well-known/jwks.json");
    let (reads, keys, recovered) = crowd.during(|| -> Result<_> {
        disk.fill(if site.database.is_none() { LEFT } else { 0 })?;
        let (reads, keys) = std::thread::scope(|scope| {
            let reads = scope.spawn(|| ask_again(server.address, &whoami(&token), every, &stop));
            let keys = scope.spawn(|| ask_again(server.address, &keys, every, &stop));
            // What grows finds no room, sooner or later; then for a while.
            let begun = Instant::now();
            while ledger.counts().unknown == before.unknown && begun.elapsed() < LONGEST_FILLING {
                std::thread::sleep(every);
            }
            std::thread::sleep(harness.time(Duration::from_secs(3), Duration::from_secs(30)));
            stop.store(true, Ordering::Relaxed);
            (reads.join().unwrap_or_default(), keys.join().unwrap_or_default())
        });
        disk.free()?;
        Ok((reads, keys, time_until_good(server.address, &write)))
    })?;
    let refused = crowd.ledger.counts().unknown - before.unknown;
    report.figure("writes refused with 503", refused);
    report.bound("writes are refused while the disk is full", refused > 0);
    report.bound("keys are served", !keys.is_empty() && keys.iter().all(|note| note.status == 200));
    let bad = reads.iter().filter(|note| note.status != 200).count();
    report.figure("reads while the disk is full", format!("{}, {bad} refused", reads.len()));
    // A server of PostgreSQL that cannot write its log restarts.
    let odd = reads.iter().filter(|note| note.status != 200 && note.status != 503).count();
    report.bound(format!("{odd} reads fail otherwise than by 503"), odd == 0);
    report.bound("reads go on", bad == 0 || site.database.is_some());
    report.within("recovery", recovered.context("no write succeeds after there is room again")?, RECOVERY);
    report.findings += crowd.check(Depth::Everything)?;
    report.bound("it has not crashed", ask(server.address, &Request::get("/health/live")).status == 200);
    report.take(&crowd.ledger);
    report.every_act_is_answered_within(LONGEST_ANSWER);
    Ok(())
}

/// F-05
pub(super) fn failing(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-05", "a disk that fails now and then", Some(Engine::Sqlite));
    let shim = Shim::make(&harness.folder("shim")?)?;
    let site = harness.site(Engine::Sqlite)?;
    let flag = harness.folder("flag")?.join("fails");
    let (folder, during) = (site.data.to_string_lossy().into_owned(), flag.to_string_lossy().into_owned());
    let failures = [("SHIM_FAILURES", ONE_IN), ("SHIM_FAILURES_FROM", &folder), ("SHIM_FAILURES_WHILE", &during)];
    let site = shim.fool(site, &failures);
    let mut server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    for _ in 0..harness.rounds(2, 20) {
        let time = harness.time(Duration::from_secs(2), Duration::from_secs(10)).min(Duration::from_secs(10));
        crowd.during(|| -> Result<()> {
            std::fs::write(&flag, "")?;
            std::thread::sleep(time);
            Ok(std::fs::remove_file(&flag)?)
        })?;
        // As it is, and after a restart: what was acknowledged is on the disk.
        report.findings += crowd.check(Depth::Touched)?;
        server.kill()?;
        (server, _) = start_and_check(&site, &mut crowd, &mut report, Depth::Everything)?;
        check_integrity(&site, &mut report)?;
        report.rounds += 1;
    }
    report.bound("something has failed", crowd.ledger.counts().unknown > 0);
    report.take(&crowd.ledger);
    report.every_act_is_answered_within(LONGEST_ANSWER);
    Ok(report)
}
