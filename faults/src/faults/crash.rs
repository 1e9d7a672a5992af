//! F-01: the process is killed, under load and in the moments in which it would hurt most.

use std::time::Duration;

use anyhow::{Result, ensure};
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;

use crate::check::{Depth, Findings};
use crate::crowd::Crowd;
use crate::harness::Harness;
use crate::old_schema;
use crate::process::{Server, Site};
use crate::random::Random;
use crate::report::{Engine, Report};

const CROWD: usize = 6;
/// How soon a server has to be there again.
const READY: Duration = Duration::from_secs(2);
/// A first start takes about so long, in ms; a kill falls into it.
const START_MS: u64 = 250;
/// The schema is brought up to date in about this part of it.
const SQLITE_MIGRATION_MS: (u64, u64) = (0, 40);
const POSTGRES_MIGRATION_MS: (u64, u64) = (20, 120);

/// Starts a server again at this place, and holds it against the ledger.
pub(super) fn start_and_check(
    site: &Site,
    crowd: &mut Crowd,
    report: &mut Report,
    depth: Depth,
) -> Result<(Server, Findings)> {
    let server = site.start()?;
    report.ready_after(server.ready_after);
    crowd.target.set(&[server.address]);
    let findings = crowd.check(depth)?;
    report.findings += findings.clone();
    Ok((server, findings))
}

/// SQLite's own view of its file.
pub(super) fn check_integrity(site: &Site, report: &mut Report) -> Result<()> {
    if site.database.is_none() {
        let connection = Connection::open_with_flags(site.database_file(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        report.bound(format!("PRAGMA integrity_check: {said}"), said == "ok");
    }
    Ok(())
}

pub(super) fn under_load(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-01", "killed under load", Some(engine));
    let site = harness.site(engine)?;
    let mut random = harness.random();
    let mut server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    let rounds = harness.rounds(3, 100);
    for _ in 0..rounds {
        let time = if harness.options.is_long { random.ms(3000, 10_000) } else { random.ms(1000, 2500) };
        crowd.during(|| {
            std::thread::sleep(time);
            server.kill()
        })?;
        (server, _) = start_and_check(&site, &mut crowd, &mut report, Depth::Touched)?;
        check_integrity(&site, &mut report)?;
        report.rounds += 1;
    }
    report.findings += crowd.check(Depth::Everything)?;
    bound_start(&mut report, harness);
    report.take(&crowd.ledger);
    Ok(report)
}

pub(super) fn in_bad_moments(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-01", "killed while it starts, migrates, rotates keys, stops", Some(engine));
    let mut random = harness.random();
    for _ in 0..harness.rounds(3, 20) {
        in_first_start(harness, engine, &mut random, &mut report)?;
        report.rounds += 1;
    }
    let mut halfway = 0;
    for _ in 0..harness.rounds(3, 20) {
        halfway += usize::from(in_migration(harness, engine, &mut random, &mut report)?);
        report.rounds += 1;
    }
    report.figure("migrations that were cut off and taken again", halfway);
    in_rotation_and_stop(harness, engine, &mut random, &mut report)?;
    bound_start(&mut report, harness);
    Ok(report)
}

/// On nothing at all: keys, schema and files are being made.
fn in_first_start(harness: &Harness, engine: Engine, random: &mut Random, report: &mut Report) -> Result<()> {
    let site = harness.empty_site(engine)?;
    let mut child = site.spawn()?;
    std::thread::sleep(random.ms(0, START_MS));
    child.kill()?;
    child.wait()?;
    let server = site.start()?;
    report.ready_after(server.ready_after);
    site.add_administrator()?;
    server.administrator()?;
    Ok(())
}

/// Whether the old schema was still there when it was cut off.
fn in_migration(harness: &Harness, engine: Engine, random: &mut Random, report: &mut Report) -> Result<bool> {
    let site = harness.empty_site(engine)?;
    old_schema::make(&site)?;
    let before = old_schema::tables(&site)?;
    let (least, most) = if engine == Engine::Sqlite { SQLITE_MIGRATION_MS } else { POSTGRES_MIGRATION_MS };
    let mut child = site.spawn()?;
    std::thread::sleep(random.ms(least, most));
    child.kill()?;
    child.wait()?;
    let (version, tables) = (old_schema::version(&site)?, old_schema::tables(&site)?);
    let is_old = version == old_schema::VERSION;
    report.bound("the old schema, whole", !is_old || tables == before);
    let server = site.start()?;
    report.ready_after(server.ready_after);
    drop(server);
    let (newest, after) = (old_schema::version(&site)?, old_schema::tables(&site)?);
    report.bound("the new schema, whole", is_old || (version == newest && tables == after));
    site.add_administrator()?;
    Ok(is_old)
}

/// Keys rotate every four seconds; and the signal to stop comes shortly before the kill.
fn in_rotation_and_stop(harness: &Harness, engine: Engine, random: &mut Random, report: &mut Report) -> Result<()> {
    let site = harness.site(engine)?;
    let site = site.with("COUNTERSIGN_SIGNING_KEY_LIFETIME", "4s").with("COUNTERSIGN_KEYS_MAX_AGE", "1s");
    let mut server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    let rounds = harness.rounds(2, 20);
    for round in 0..2 * rounds {
        let is_stopping = round % 2 == 1;
        let time = if is_stopping { random.ms(300, 1000) } else { random.ms(1000, 5000) };
        crowd.during(|| -> Result<()> {
            std::thread::sleep(time);
            if is_stopping {
                server.signal(Signal::TERM)?;
                std::thread::sleep(random.ms(0, 300));
            }
            server.kill()
        })?;
        (server, _) = start_and_check(&site, &mut crowd, report, Depth::Touched)?;
        report.rounds += 1;
    }
    report.findings += crowd.check(Depth::Everything)?;
    let keys = site.run_well(&["key", "list", "--json"], "")?;
    let keys: serde_json::Value = serde_json::from_str(&keys)?;
    let count = keys.as_array().map_or(0, Vec::len);
    ensure!(count > 1, "no key was rotated");
    report.figure("signing keys", count);
    report.take(&crowd.ledger);
    Ok(())
}

fn bound_start(report: &mut Report, harness: &Harness) {
    if harness.options.is_long {
        let slowest = report.slowest_start();
        report.bound(format!("ready after {slowest:?}, bound {READY:?}"), slowest < READY);
    }
}
