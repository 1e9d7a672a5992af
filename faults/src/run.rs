//! One run: fault after fault, what cannot run here said loudly, and the figures at the end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::process::getuid;

use crate::CommandLine;
use crate::faults::{FAULTS, Fault, Need, Run};
use crate::harness::Harness;
use crate::postgres;
use crate::report::{Engine, Outcome, Report};

/// Where the run may leave what it breaks; `script/faults` makes it, and clears it away.
const FOLDER: &str = "FAULTS_FOLDER";
/// Faults at one time in the short form: most of them wait most of the time.
const JOBS: usize = 3;

pub(crate) fn run(line: &CommandLine) -> Result<ExitCode> {
    let binary = &line.options.binary;
    ensure!(binary.exists(), "there is no {}: script/faults builds it", binary.display());
    let work = match std::env::var_os(FOLDER) {
        Some(folder) => {
            // The user of PostgreSQL has to find its own folders in it.
            fs::set_permissions(&folder, PermissionsExt::from_mode(0o711))?;
            tempfile::tempdir_in(folder)?
        }
        None => tempfile::tempdir()?,
    };
    let harness = Harness::new(line.options.clone(), work.path())?;
    let begun = Instant::now();
    let tasks: Vec<(&Fault, Engine)> = FAULTS
        .iter()
        .filter(|fault| line.only.is_empty() || line.only.iter().any(|only| only == fault.number))
        .flat_map(|fault| engines(fault, &harness).into_iter().map(move |engine| (fault, engine)))
        .collect();
    let outcomes = run_all(&harness, &tasks, line.jobs.unwrap_or(if line.options.is_long { 1 } else { JOBS }));
    let skipped = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Skipped)).count();
    let failed = outcomes.iter().filter(|outcome| outcome.is_bad()).count();
    let reports: Vec<Report> = outcomes.into_iter().filter_map(Outcome::report).collect();
    let held = reports.iter().filter(|report| report.is_good()).count();
    println!("{held} held, {failed} did not, {skipped} could not run here; {:.0} s", begun.elapsed().as_secs_f64());
    if let Some(path) = &line.report {
        write_report(path, &reports, line)?;
    }
    if line.json {
        println!("{}", serde_json::Value::Array(reports.iter().map(Report::json).collect()));
    }
    let is_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    if skipped > 0 && is_ci {
        eprintln!("Under CI nothing may be left out: see NOT RUN above");
    }
    let is_good = failed == 0 && !(is_ci && skipped > 0) && !reports.is_empty();
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// So many at one time, in their order; each is told of when it is done.
fn run_all(harness: &Harness, tasks: &[(&Fault, Engine)], jobs: usize) -> Vec<Outcome> {
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some((fault, engine)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = one(fault, harness, *engine);
                    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    tell(fault, *engine, &outcome);
                    outcomes.push(outcome);
                }
            });
        }
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn tell(fault: &Fault, engine: Engine, outcome: &Outcome) {
    match outcome {
        Outcome::Done(report) => report.print(),
        Outcome::Skipped | Outcome::Absent => {}
        Outcome::Failed(why) => println!("{} {} ({engine}): THE HARNESS FAILED: {why}", fault.number, fault.what),
    }
}

fn engines(fault: &Fault, harness: &Harness) -> Vec<Engine> {
    let asked = harness.options.engines.iter().copied();
    asked
        .filter(|engine| match fault.run {
            Run::Each(_) => true,
            Run::Sqlite(_) => *engine == Engine::Sqlite,
            Run::Postgres(_) => *engine == Engine::Postgres,
        })
        .collect()
}

fn one(fault: &Fault, harness: &Harness, engine: Engine) -> Outcome {
    if let Need::Command(command) = fault.needs
        && !has_command(&harness.options.binary, command)
    {
        eprintln!("NOT RUN: {} {} ({engine}): the program has no command `{command}`", fault.number, fault.what);
        return Outcome::Absent;
    }
    if let Some(why) = missing(fault.needs, engine) {
        eprintln!("NOT RUN: {} {} ({engine}): {why}", fault.number, fault.what);
        return Outcome::Skipped;
    }
    eprintln!("-- {} {}, {engine}", fault.number, fault.what);
    let begun = Instant::now();
    let done = catch_unwind(AssertUnwindSafe(|| match fault.run {
        Run::Each(run) => run(harness, engine),
        Run::Sqlite(run) | Run::Postgres(run) => run(harness),
    }));
    match done {
        Ok(Ok(mut report)) => {
            report.took = begun.elapsed();
            Outcome::Done(Box::new(report))
        }
        Ok(Err(error)) => Outcome::Failed(format!("{error:#}")),
        Err(_) => Outcome::Failed("it panicked: see above".to_owned()),
    }
}

fn has_command(binary: &Path, command: &str) -> bool {
    let help = Command::new(binary).arg("--help").output();
    help.is_ok_and(|help| {
        String::from_utf8_lossy(&help.stdout).lines().any(|line| line.trim_start().starts_with(&format!("{command} ")))
    })
}

/// What the machine lacks for it.
fn missing(need: Need, engine: Engine) -> Option<&'static str> {
    if engine == Engine::Postgres && !postgres::is_here() {
        return Some("there is no PostgreSQL here: script/test installs it");
    }
    match need {
        Need::Root | Need::LoopDevice if !getuid().is_root() => Some("mounting needs root: run script/faults by sudo"),
        Need::Nothing | Need::Command(_) | Need::Root => None,
        Need::LoopDevice => {
            let free = Command::new("losetup").arg("--find").output();
            let is_free = free.is_ok_and(|output| output.status.success());
            (!is_free).then_some("there is no loop device here")
        }
    }
}

/// In the table of the page, the rows of these faults are written anew, and the others stay.
fn write_report(path: &Path, reports: &[Report], line: &CommandLine) -> Result<()> {
    const HEAD: &str =
        "| fault | what | form | rounds | acknowledged | unknown | lost | undone | ready after | verdict | figures |";
    let page = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) = page.split_once(HEAD).context("the page has no table of figures")?;
    let (_, rest) = rest.split_once("|\n").context("the table has no line below its head")?;
    let old: Vec<&str> = rest.split_inclusive('\n').take_while(|row| row.starts_with('|')).collect();
    let after = rest.get(old.concat().len()..).unwrap_or_default();
    let stays = |row: &&str| !reports.iter().any(|report| row.starts_with(&report.row_begins()));
    let mut rows: Vec<String> = old.into_iter().map(str::trim_end).filter(stays).map(str::to_owned).collect();
    let form = if line.options.is_long { format!("{} of the long", line.options.share) } else { "short".to_owned() };
    rows.extend(reports.iter().map(|report| report.row(&form)));
    rows.sort();
    let table = format!("{HEAD}\n{}|\n{}\n", "|---".repeat(11), rows.join("\n"));
    fs::write(path, format!("{before}{table}{after}")).with_context(|| format!("cannot write {}", path.display()))
}
