//! Countersign beside other programs that do the same job, under the same load in one run, by turns.
//! `script/compare` prepares what this needs.

mod process;
mod program;
mod figures;
mod bars;
mod storm;
mod page;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::load::count_answers;
use figures::Run;
use program::{PROGRAMS, Running};

/// Connections that ask at once, for every program alike.
const CONNECTIONS: usize = 16;
const ME_SPAN: Duration = Duration::from_secs(3);
const LOGIN_SPAN: Duration = Duration::from_secs(4);
/// What is idle, and what has been under load, is looked at after this.
const REST: Duration = Duration::from_secs(3);

/// What to do.
pub(crate) struct Options {
    pub(crate) turns: usize,
    pub(crate) json: bool,
    /// The figures of an earlier run, as `--json` printed them: the page is written of these.
    pub(crate) from: Option<PathBuf>,
}

/// Measures, and writes `docs/benchmarks.md` with its plots.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let run = match &options.from {
        Some(file) => Run::read(&std::fs::read_to_string(file)?)?,
        None => measure(options.turns).await?,
    };
    page::write(&run, &root()?.join("docs"))?;
    if options.json {
        println!("{}", run.to_json());
    }
    Ok(())
}

/// The root of the repository.
fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate has no parent")
}

async fn measure(turns: usize) -> Result<Run> {
    let mut run = Run::begin(turns)?;
    let folders = PROGRAMS.iter().map(|_| tempfile::tempdir()).collect::<std::io::Result<Vec<_>>>()?;
    for (program, folder) in PROGRAMS.iter().zip(&folders) {
        Running::start(*program, folder.path()).await?.register().await?;
    }
    measure_starts(&mut run, &folders).await?;
    measure_requests(&mut run, &folders).await?;
    for turn in 0..run.storm_turns() {
        for (program, folder) in PROGRAMS.iter().zip(&folders) {
            say(&format!("storm, turn {}: {}", turn + 1, program.name()));
            let running = Running::start(*program, folder.path()).await?;
            storm::measure(&mut run, &running).await?;
        }
    }
    Ok(run)
}

/// The time from a start over what there is already to the first answer, and the memory after it.
async fn measure_starts(run: &mut Run, folders: &[TempDir]) -> Result<()> {
    for turn in 0..run.turns() {
        for (program, folder) in PROGRAMS.iter().zip(folders) {
            say(&format!("start, turn {}: {}", turn + 1, program.name()));
            let running = Running::start(*program, folder.path()).await?;
            run.add(*program, "start_ms", running.started_in.as_secs_f64() * 1000.0);
            sleep(REST / 2).await;
            run.add(*program, "idle_mib", running.resident_mib()?);
        }
    }
    Ok(())
}

/// The two requests; all programs run at once, and are asked by turns.
async fn measure_requests(run: &mut Run, folders: &[TempDir]) -> Result<()> {
    let mut all = Vec::new();
    for (program, folder) in PROGRAMS.iter().zip(folders) {
        all.push(Running::start(*program, folder.path()).await?);
    }
    // The first turn warms up.
    for turn in 0..=run.turns() {
        for running in &all {
            let program = running.program;
            // Anew for each turn: among a thousand later logins of one user, the first session is ended.
            let me: Arc<[u8]> = running.log_in().await?.into();
            say(&format!("requests, turn {turn}: {}", program.name()));
            let login: Arc<[u8]> = running.login_request(program::PASSWORD).into();
            let (me_per_s, me_cpu) = under_load(running, &me, ME_SPAN).await?;
            let (logins_per_s, login_cpu) = under_load(running, &login, LOGIN_SPAN).await?;
            if turn > 0 {
                run.add(program, "me_per_s", me_per_s);
                run.add(program, "me_cpu_us", me_cpu * 1e6);
                run.add(program, "logins_per_s", logins_per_s);
                run.add(program, "login_cpu_ms", login_cpu * 1e3);
            }
        }
    }
    sleep(REST).await;
    for running in &all {
        run.add(running.program, "loaded_mib", running.resident_mib()?);
    }
    Ok(())
}

/// Answers a second, and CPU seconds for each of them.
async fn under_load(running: &Running, request: &Arc<[u8]>, span: Duration) -> Result<(f64, f64)> {
    let before = running.cpu_seconds()?;
    let (answers, took) = count_answers(&running.address, request, CONNECTIONS, span)
        .await
        .with_context(|| format!("{} did not answer well", running.program.name()))?;
    let spent = running.cpu_seconds()? - before;
    Ok((f64::from(answers) / took.as_secs_f64(), spent / f64::from(answers)))
}

/// Tells who waits how far it is.
fn say(line: &str) {
    eprintln!("{line}");
}
