//! F-11: an old version and a new one on one database, and what a version does that finds a newer schema.

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
    if let Some(old) = &harness.options.old {
        for _ in 0..harness.rounds(1, 5) {
            let mut site = harness.empty_site(engine)?;
            let new = site.binary.clone();
            site.binary.clone_from(old);
            site.add_administrator()?;
            let before = old_schema::version(&site)?;
            let old_server = site.start()?;
            let mut crowd = harness.crowd(&old_server, CROWD)?;
            crowd.act_for(Duration::from_secs(1));
            site.binary.clone_from(&new);
            let target = crowd.target.clone();
            let new_server = crowd.during(|| -> Result<_> {
                let server = site.start()?;
                target.set(&[old_server.address, server.address]);
                std::thread::sleep(Duration::from_secs(2));
                target.set(&[server.address]);
                Ok(server)
            })?;
            report.ready_after(new_server.ready_after);
            drop(old_server);
            report.findings += crowd.check(Depth::Everything)?;
            report.take(&crowd.ledger);
            report.every_act_is_answered_within(REFUSED);
            let after = old_schema::version(&site)?;
            report.figure("schema", format!("{before} to {after}"));
            report.bound("the old program is of an older schema", before < after);
            site.binary.clone_from(old);
            let (is_refused, line) = site.refuses_to_start()?;
            report.bound(format!("the old program on the new schema: {line}"), is_refused && line.contains("newer"));
            report.rounds += 1;
        }
    } else {
        report.figure("side by side", "not run: name a program of the version before by --old");
    }
    refuse_newer(harness, engine, &mut report)?;
    Ok(report)
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
