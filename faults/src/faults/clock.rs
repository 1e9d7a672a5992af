//! F-13: the clock of the wall jumps.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::check::{Depth, Findings};
use crate::crowd::{Crowd, log_in, whoami};
use crate::harness::Harness;
use crate::probe::{in_ms, time_until_good};
use crate::process::{Server, Site};
use crate::report::{Engine, Report};
use crate::shim::Shim;

const CROWD: usize = 6;
const HOUR: i64 = 3600;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

pub(super) fn jumps(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-13", "the clock jumps", Some(engine));
    let shim = Shim::make(&harness.folder("shim")?)?;
    let file = harness.folder("clock")?.join("ahead");
    std::fs::write(&file, "0")?;
    let site = shim.fool(harness.site(engine)?, &[("SHIM_CLOCK", &file.to_string_lossy())]);
    // Longer than all jumps but the great one.
    let site = site.with("COUNTERSIGN_ACCESS_TOKEN_LIFETIME", "20d").with("COUNTERSIGN_REFRESH_TOKEN_IDLE", "20d");
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    crowd.act_for(Duration::from_secs(1));
    report.findings += crowd.check(Depth::Everything)?;
    let mut base = 0;
    for _ in 0..harness.rounds(1, 10) {
        jump(&file, base + HOUR)?;
        act_as_before(&mut crowd, &mut report)?;
        // What was made at the later time is not good yet; an hour later it is.
        jump(&file, base)?;
        only_undone(&mut crowd, &mut report)?;
        base += 2 * HOUR;
        for time in [base - HOUR, base] {
            jump(&file, time)?;
            act_as_before(&mut crowd, &mut report)?;
        }
        report.rounds += 1;
    }
    in_ten_years_and_back(harness, &file, &server, &mut crowd, &mut report)?;
    if let Some(site) = site.clone().counting()? {
        a_pause_does_not_outlive_the_jump(&site, &file, &mut report)?;
    }
    let log = std::fs::read_to_string(&site.log)?;
    report.bound("nothing panicked", !log.contains("panicked"));
    report.take(&crowd.ledger);
    Ok(report)
}

fn act_as_before(crowd: &mut Crowd, report: &mut Report) -> Result<()> {
    crowd.act_for(Duration::from_secs(1));
    report.findings += crowd.check(Depth::Everything)?;
    Ok(())
}

/// What has expired, or is not good yet, may be refused; what was ended or used must not come back.
fn only_undone(crowd: &mut Crowd, report: &mut Report) -> Result<()> {
    let found = crowd.check(Depth::Endings)?;
    report.bound("something is refused, since the clock says so", found.lost > 0);
    let examples = if found.undone + found.between > 0 { found.examples } else { Vec::new() };
    report.findings += Findings { lost: 0, examples, ..found };
    Ok(())
}

fn in_ten_years_and_back(
    harness: &Harness,
    file: &Path,
    server: &Server,
    crowd: &mut Crowd,
    report: &mut Report,
) -> Result<()> {
    jump(file, TEN_YEARS)?;
    // By now every token has expired; whoever logs in is served.
    let mut later = harness.crowd(server, CROWD)?;
    later.act_for(Duration::from_secs(2));
    report.findings += later.check(Depth::Everything)?;
    crowd.manners.administrator = server.administrator()?;
    only_undone(crowd, report)?;
    report.take(&later.ledger);
    jump(file, 0)?;
    let token = server.administrator()?;
    ensure!(whoami(&token).send(server.address).status() == 200, "nobody is served after the clock was put right");
    let (issued_at, expires_at) = times(&token).context("no times in a token")?;
    report.bound("a token expires after it was issued", issued_at < expires_at);
    (crowd.manners.administrator, later.manners.administrator) = (token.clone(), token);
    only_undone(crowd, report)?;
    only_undone(&mut later, report)?;
    let mut again = harness.crowd(server, CROWD)?;
    again.act_for(Duration::from_secs(2));
    report.findings += again.check(Depth::Everything)?;
    report.take(&again.ledger);
    Ok(())
}

/// Who has failed too often ten years ahead waits as long afterwards as somebody who has failed today.
fn a_pause_does_not_outlive_the_jump(site: &Site, file: &Path, report: &mut Report) -> Result<()> {
    site.run_well(&["user", "add", "forgetful", "--password-stdin"], "correct-horse-1\n")?;
    let server = site.start()?;
    jump(file, TEN_YEARS)?;
    let guess = log_in("forgetful", "wrong-horse-101");
    let is_paused = (0..30).any(|_| guess.send(server.address).status() == 429);
    report.bound("somebody who guesses is told to wait", is_paused);
    jump(file, 0)?;
    let waited = time_until_good(server.address, &log_in("forgetful", "correct-horse-1"));
    report.bound("a pause ends after the clock was put right", waited.is_some());
    report.figure("the pause, after the clock was put right", in_ms(waited.unwrap_or_default()));
    Ok(())
}

/// The server looks twice a second at what is due.
fn jump(file: &Path, ahead_s: i64) -> Result<()> {
    // In one step: nobody reads half a number.
    let next = file.with_extension("next");
    std::fs::write(&next, ahead_s.to_string())?;
    std::fs::rename(&next, file)?;
    std::thread::sleep(Duration::from_millis(700));
    Ok(())
}

/// `iat` and `exp`.
fn times(token: &str) -> Option<(i64, i64)> {
    let claims = countersign_token::inspect(token).ok()?.claims;
    Some((claims.get("iat")?.as_i64()?, claims.get("exp")?.as_i64()?))
}
