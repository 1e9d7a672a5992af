//! F-21: bytes of the database flip, and its log is cut short.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::check::{Depth, Findings};
use crate::crowd::{Crowd, Target};
use crate::harness::Harness;
use crate::ledger::Ledger;
use crate::process::Site;
use crate::random::Random;
use crate::report::{Engine, Report};

const CROWD: usize = 3;
/// How long somebody asks again who is answered 503.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where the kind of a page stands.
const PAGE: usize = 4096;
const HEADER: usize = 100;
/// The kinds of pages: where the header of one is, what its first byte is, and a name.
const KINDS: [(&str, Option<u8>); 6] = [
    ("the header of the file", None),
    ("an inner page of a table", Some(5)),
    ("a leaf of a table", Some(13)),
    ("an inner page of an index", Some(2)),
    ("a leaf of an index", Some(10)),
    ("another page", Some(0)),
];

/// What a server did with a damaged file.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    refused: usize,
    right: usize,
    /// It says 503 to some, and the rest is right.
    noticed: usize,
    wrong: usize,
    /// Somebody is let in who should not be.
    undone: u64,
}

pub(super) fn damage(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-21", "bytes flip, the log is cut short", Some(Engine::Sqlite));
    let site = harness.site(Engine::Sqlite)?;
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    // The administrator, who looks at the others, is in the file from the beginning.
    settle(&site)?;
    crowd.act_for(harness.time(Duration::from_secs(3), Duration::from_secs(20)).min(Duration::from_secs(20)));
    crowd.check(Depth::Everything)?;
    // The file, whole, with what the log held, and a log with the last changes.
    server.kill()?;
    let flips = harness.rounds(2, 20);
    let mut random = harness.random();
    for (name, kind) in KINDS {
        let mut tally = Tally::default();
        for _ in 0..flips {
            let copy = copy_of(harness, &site)?;
            settle(&copy)?;
            let Some(at) = place(&copy.database_file(), kind, &mut random)? else { break };
            flip(&copy.database_file(), at, &mut random)?;
            try_out(harness, &copy, &crowd, &mut tally)?;
            report.rounds += 1;
        }
        tell(&mut report, name, tally);
    }
    for (name, share) in [("the log, cut in half", 2), ("the log, cut to nothing", u64::MAX)] {
        let copy = copy_of(harness, &site)?;
        let log = copy.database_file().with_extension("db-wal");
        let length = fs::metadata(&log)?.len();
        fs::OpenOptions::new().write(true).open(&log)?.set_len(length / share)?;
        let mut tally = Tally::default();
        try_out(harness, &copy, &crowd, &mut tally)?;
        tell(&mut report, name, tally);
        report.rounds += 1;
    }
    Ok(report)
}

fn tell(report: &mut Report, name: &str, tally: Tally) {
    let Tally { refused, right, noticed, wrong, undone } = tally;
    if wrong > 0 {
        report.limit(format!("{name}: {wrong} silently wrong"));
    }
    report.figure(
        name,
        format!("{refused} refused, {right} right, {noticed} noticed, {wrong} silently wrong ({undone} undone)"),
    );
}

fn copy_of(harness: &Harness, site: &Site) -> Result<Site> {
    let folder = harness.folder("damaged")?;
    let mut copy = site.clone();
    copy.data = folder.join("data");
    copy.log = folder.join("server.log");
    let done = std::process::Command::new("cp").arg("-a").arg(&site.data).arg(&copy.data).status()?;
    anyhow::ensure!(done.success(), "cannot copy the data");
    Ok(copy)
}

/// Brings the log into the file, as a clean stop does.
fn settle(site: &Site) -> Result<()> {
    let connection = rusqlite::Connection::open(site.database_file())?;
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// A byte in use of a page of this kind.
fn place(file: &Path, kind: Option<u8>, random: &mut Random) -> Result<Option<u64>> {
    let bytes = fs::read(file)?;
    let Some(kind) = kind else { return Ok(Some(random.below(HEADER) as u64)) };
    let pages: Vec<usize> = (1..bytes.len() / PAGE).filter(|page| bytes.get(page * PAGE) == Some(&kind)).collect();
    let Some(page) = pages.get(random.below(pages.len())) else { return Ok(None) };
    let used: Vec<usize> =
        (page * PAGE..(page + 1) * PAGE).filter(|at| bytes.get(*at).is_some_and(|byte| *byte != 0)).collect();
    Ok(used.get(random.below(used.len())).map(|at| *at as u64))
}

fn flip(file: &Path, at: u64, random: &mut Random) -> Result<()> {
    let file = fs::OpenOptions::new().read(true).write(true).open(file)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    byte[0] ^= 1 << random.below(8);
    Ok(file.write_all_at(&byte, at)?)
}

/// Starts a server on it, and holds it against the ledger.
fn try_out(harness: &Harness, site: &Site, crowd: &Crowd, tally: &mut Tally) -> Result<()> {
    let Ok(server) = site.start() else {
        tally.refused += 1;
        return Ok(());
    };
    let ledger = Ledger::open(&harness.work.join(format!("ledger-{}.txt", harness.number())))?;
    let mut members = Crowd::new(0, 1, ledger, Target::of(&[server.address]), crowd.manners.clone());
    members.members.clone_from(&crowd.members);
    members.target.patience = PATIENCE;
    // Who is answered 503 again and again has noticed.
    let found = members.check(Depth::Everything);
    let findings = found.as_ref().ok().cloned().unwrap_or_else(Findings::default);
    tally.undone += findings.undone;
    match found {
        Err(_) => tally.noticed += 1,
        Ok(findings) if findings.is_good() => tally.right += 1,
        Ok(_) => tally.wrong += 1,
    }
    let alive = crate::http::Request::get("/health/live").send(server.address).status();
    (alive == 200).then_some(()).context("the server has crashed on a damaged file")
}
