//! Breaks what is around the server, or the server itself, and counts what was lost.
//!
//! `script/faults` builds what is needed, runs this, and clears away what it leaves however it ends.

mod random;
mod http;
mod probe;
mod account;
mod ledger;
mod crowd;
mod check;
mod report;
mod process;
mod postgres;
mod old_schema;
mod proxy;
mod shim;
mod disk;
mod harness;
mod faults;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::harness::Options;
use crate::report::Engine;

const USAGE: &str = "usage: faults [--long] [--share PART] [--only F-01,…] [--engine sqlite|postgres] [--seed NUMBER]
              [--binary PATH] [--old PATH] [--jobs NUMBER]
              [--json] [--report FILE] [--list]

  --long     the rounds of the requirements, which take hours; without it the short form, some minutes
  --share    so many of the rounds of the long form, such as 0.1
  --only     these faults
  --engine   on this engine alone
  --seed     chooses another course of things
  --binary   the server; without it the one beside this program
  --old      a server of the version before, for F-11
  --jobs     so many faults at one time: 3 in the short form, 1 in the long one, which measures times
  --json     prints the figures as JSON, after everything else
  --report   writes the table of figures into a file of Markdown
  --list     names the faults";

/// The command line.
pub(crate) struct CommandLine {
    options: Options,
    only: Vec<String>,
    jobs: Option<usize>,
    json: bool,
    report: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        for fault in faults::FAULTS {
            println!("{} {}", fault.number, fault.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    run::run(&read(arguments)?)
}

fn read(arguments: Vec<String>) -> Result<CommandLine> {
    let binary = std::env::current_exe()?.with_file_name("countersign");
    let options = Options {
        is_long: false,
        share: 1.0,
        seed: 1,
        binary,
        old: None,
        engines: vec![Engine::Sqlite, Engine::Postgres],
    };
    let mut line = CommandLine { options, only: Vec::new(), jobs: None, json: false, report: None };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value\n\n{USAGE}"));
        match argument.as_str() {
            "--long" => line.options.is_long = true,
            "--share" => line.options.share = value()?.parse()?,
            "--seed" => line.options.seed = value()?.parse()?,
            "--only" => line.only = value()?.split(',').map(str::to_owned).collect(),
            "--engine" => line.options.engines = vec![engine(&value()?)?],
            "--binary" => line.options.binary = std::path::absolute(value()?)?,
            "--old" => line.options.old = Some(std::path::absolute(value()?)?),
            "--jobs" => line.jobs = Some(value()?.parse()?),
            "--json" => line.json = true,
            "--report" => line.report = Some(value()?.into()),
            _ => bail!(USAGE),
        }
    }
    Ok(line)
}

fn engine(name: &str) -> Result<Engine> {
    match name {
        "sqlite" => Ok(Engine::Sqlite),
        "postgres" => Ok(Engine::Postgres),
        _ => bail!(USAGE),
    }
}
