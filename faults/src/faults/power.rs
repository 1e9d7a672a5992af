//! F-02 and F-03: the power is cut while people write. A server that is made careless has to be found out: the control.

use std::time::Duration;

use anyhow::Result;

use crate::check::Depth;
use crate::crowd::Crowd;
use crate::disk::LoopDisk;
use crate::faults::control;
use crate::faults::crash::{check_integrity, start_and_check};
use crate::harness::Harness;
use crate::postgres::{Stop, own};
use crate::report::{Engine, Report};
use crate::shim::Shim;

/// Many, who write quickly: what is lost is what was written in the last moments.
const CROWD: usize = 8;
const DISK_MIB: u64 = 64;
/// A cluster is larger.
const CLUSTER_DISK_MIB: u64 = 192;

/// F-02
pub(super) fn sqlite(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-02", "the power is cut", Some(Engine::Sqlite));
    for _ in 0..harness.rounds(3, 20) {
        cut_under_sqlite(harness, None, &mut report)?;
        report.rounds += 1;
    }
    let shim = Shim::make(&harness.folder("shim")?)?;
    control(&mut report, "a disk that lies about fsync", |control| {
        cut_under_sqlite(harness, Some(&shim), control)?;
        Ok(())
    });
    Ok(report)
}

/// F-03
pub(super) fn postgres(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-03", "the power is cut", Some(Engine::Postgres));
    for round in 0..harness.rounds(2, 20) {
        // With a setting, too, that the server does not put up with.
        let settings = if round % 2 == 0 { &[][..] } else { &CARELESS };
        cut_under_postgres(harness, settings, "SELECT 1", &mut report)?;
        report.rounds += 1;
    }
    control(&mut report, "synchronous_commit = off, and a database that lets nobody turn it on", |control| {
        cut_under_postgres(harness, &CARELESS, STUBBORN, control)
    });
    Ok(report)
}

/// A commit is acknowledged before it is on the disk.
const CARELESS: [&str; 2] = ["synchronous_commit = off", "wal_writer_delay = 10s"];
/// The function by which the server turns it on does nothing.
const STUBBORN: &str = "
    CREATE FUNCTION public.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT $2';
    ALTER DATABASE auth SET search_path = public, pg_catalog";

fn cut_under_sqlite(harness: &Harness, shim: Option<&Shim>, report: &mut Report) -> Result<()> {
    let folder = harness.folder("power")?;
    let mut disk = LoopDisk::make(&folder, DISK_MIB)?;
    let mut site = harness.site_at(&folder, None)?;
    site.data = disk.mount.join("data");
    if let Some(shim) = shim {
        site = shim.fool(site, &[("SHIM_NO_SYNC", "1")]);
    }
    site.add_administrator()?;
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    cut_while_they_act(harness, &disk, &mut crowd, || server.kill())?;
    disk.mount_again()?;
    let (server, _) = start_and_check(&site, &mut crowd, report, Depth::Everything)?;
    check_integrity(&site, report)?;
    drop(server);
    report.take(&crowd.ledger);
    Ok(())
}

fn cut_under_postgres(harness: &Harness, lines: &[&str], setup: &str, report: &mut Report) -> Result<()> {
    let folder = harness.folder("power")?;
    let mut disk = LoopDisk::make(&folder, CLUSTER_DISK_MIB)?;
    own(&disk.mount)?;
    let lines: Vec<&str> = lines.iter().copied().chain(["max_wal_size = 64MB", "min_wal_size = 32MB"]).collect();
    let mut cluster = harness.make_cluster(&disk.mount.join("cluster"), &lines)?;
    let site = harness.site_at(&folder, Some(cluster.make_database("auth")?))?;
    cluster.query("auth", setup)?;
    site.add_administrator()?;
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    cluster.query("postgres", "CHECKPOINT")?;
    cut_while_they_act(harness, &disk, &mut crowd, || cluster.stop(Stop::Kill))?;
    drop(server);
    disk.mount_again()?;
    cluster.start()?;
    let (server, _) = start_and_check(&site, &mut crowd, report, Depth::Everything)?;
    drop(server);
    report.take(&crowd.ledger);
    Ok(())
}

/// Cuts the power of a disk at some moment while people write in haste, and kills what wrote to it.
fn cut_while_they_act(
    harness: &Harness,
    disk: &LoopDisk,
    crowd: &mut Crowd,
    kill: impl FnOnce() -> Result<()>,
) -> Result<()> {
    // What was before is no part of this.
    std::process::Command::new("sync").status()?;
    crowd.manners.rarely_hashes = true;
    crowd.manners.pause = Duration::ZERO;
    let time = harness.random().ms(1000, 2500);
    let target = crowd.target.clone();
    crowd.during(|| {
        std::thread::sleep(time);
        disk.cut_power(|| target.go_dark())?;
        std::thread::sleep(Duration::from_millis(50));
        kill()
    })
}
