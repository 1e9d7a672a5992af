//! F-18: a backup that is made under load, and what is restored from it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::account::Act;
use crate::check::Depth;
use crate::crowd::Crowd;
use crate::harness::Harness;
use crate::process::Site;
use crate::report::{Engine, Report};

const CROWD: usize = 4;

pub(super) fn backup(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-18", "a backup under load, restored", Some(engine));
    for _ in 0..harness.rounds(1, 10) {
        let site = harness.site(engine)?;
        let server = site.start()?;
        // What the first have been told before the backup begins has to be in it; the others go on meanwhile.
        let mut before = harness.crowd(&server, CROWD)?;
        let mut meanwhile = harness.crowd(&server, CROWD)?;
        meanwhile.during(|| before.act_for(Duration::from_secs(1)));
        let file = site.log.with_file_name("backup");
        meanwhile.during(|| -> Result<_> {
            site.run_well(&["backup", &file.to_string_lossy()], "")?;
            std::thread::sleep(Duration::from_millis(500));
            Ok(())
        })?;
        drop(server);
        let file = file.to_string_lossy();
        restore(harness, (&site, engine), &[&file], &mut before, &mut report)?;
        for account in before.members.iter_mut().flat_map(|member| &mut member.accounts) {
            account.state = account.state.after(&Act::EndAll);
        }
        restore(harness, (&site, engine), &[&file, "--end-all-sessions"], &mut before, &mut report)?;
        report.take(&before.ledger);
        report.take(&meanwhile.ledger);
        report.rounds += 1;
    }
    Ok(report)
}

/// Into an empty place, with the sealing key of the old one.
fn restore(
    harness: &Harness,
    (from, engine): (&Site, Engine),
    arguments: &[&str],
    crowd: &mut Crowd,
    report: &mut Report,
) -> Result<()> {
    let to = harness.empty_site(engine)?;
    fs::DirBuilder::new().mode(0o700).create(&to.data)?;
    fs::copy(from.data.join("sealing.key"), to.data.join("sealing.key")).context("no sealing key")?;
    to.run_well(&[&["restore"], arguments].concat(), "")?;
    let server = to.start()?;
    report.ready_after(server.ready_after);
    crowd.manners.administrator = server.administrator()?;
    crowd.target.set(&[server.address]);
    // As it was when the backup was made: what the first check refreshes and ends is in the first restored copy alone.
    let kept = crowd.members.clone();
    report.findings += crowd.check(Depth::Everything)?;
    crowd.members = kept;
    Ok(())
}
