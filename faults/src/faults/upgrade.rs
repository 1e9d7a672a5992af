//! F-11: an old version and a new one on one database, and what a version does that finds a newer schema.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::check::Depth;
use crate::harness::Harness;
use crate::old_schema;
use crate::report::{Engine, Report};

const CROWD: usize = 6;
/// How long requests may be refused while the schema changes.
const REFUSED: Duration = Duration::from_secs(1);

pub(super) fn upgrade(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-11", "old and new on one database", Some(engine));
    match &harness.options.old {
        Some(old) => {
            for _ in 0..harness.rounds(1, 5) {
                side_by_side(harness, engine, old, &mut report)?;
                report.rounds += 1;
            }
        }
        None => report.figure("side by side", "not run: name a program of the version before by --old"),
    }
    refuse_newer(harness, engine, &mut report)?;
    Ok(report)
}

fn side_by_side(harness: &Harness, engine: Engine, old: &Path, report: &mut Report) -> Result<()> {
    let new_site = harness.empty_site(engine)?;
    let old_site = new_site.clone().by_program(old)?;
    old_site.add_administrator()?;
    let before = old_schema::version(&old_site)?;
    let old_server = old_site.start()?;
    let mut crowd = harness.crowd(&old_server, CROWD)?;
    crowd.act_for(Duration::from_secs(1));
    let target = crowd.target.clone();
    let new_server = crowd.during(|| -> Result<_> {
        let server = new_site.start()?;
        target.set(&[old_server.address, server.address]);
        std::thread::sleep(Duration::from_secs(2));
        target.set(&[server.address]);
        Ok(server)
    })?;
    report.ready_after(new_server.ready_after);
    drop(old_server);
    report.findings += crowd.check(Depth::Everything)?;
    report.take(&crowd.ledger);
    // The schema changes meanwhile; whoever writes may wait for that.
    report.every_act_is_answered_within(REFUSED);
    let after = old_schema::version(&new_site)?;
    report.figure("schema", format!("{before} to {after}"));
    report.bound("the old program is of an older schema", before < after);
    let (is_refused, line) = old_site.refuses_to_start()?;
    report.bound(format!("the old program on the new schema: {line}"), is_refused && line.contains("newer"));
    Ok(())
}

/// A program that finds a newer schema says so and leaves it alone.
fn refuse_newer(harness: &Harness, engine: Engine, report: &mut Report) -> Result<()> {
    let site = harness.site(engine)?;
    let version = old_schema::version(&site)?;
    old_schema::set_version(&site, version + 1)?;
    let before = old_schema::tables(&site)?;
    let (is_refused, line) = site.refuses_to_start()?;
    report.bound(format!("a newer schema: {line}"), is_refused && line.contains("start the newer program"));
    report.bound("a newer schema is left as it is", old_schema::tables(&site)? == before);
    old_schema::set_version(&site, version)?;
    report.ready_after(site.start()?.ready_after);
    report.rounds += 1;
    Ok(())
}
