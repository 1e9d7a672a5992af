//! What a run has found, of which program, and on which machine.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::program::{PROGRAMS, Program};

/// The packages whose versions matter, beside the programs they are in.
const PYTHON: &str =
    "fastapi fastapi-users pydantic pyjwt pwdlib argon2-cffi sqlalchemy aiosqlite uvicorn uvloop httptools";
const NODE: &str = "better-auth better-sqlite3";
const RUST: &str = "axum tokio hyper jsonwebtoken argon2";

#[derive(Serialize, Deserialize)]
pub(crate) struct Run {
    turns: usize,
    /// The day, in UTC.
    pub(crate) taken: String,
    pub(crate) machine: String,
    pub(crate) versions: Vec<(String, String)>,
    /// By program and measure, turn by turn.
    figures: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
}

/// The least, the median and the most of the turns.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Run {
    /// An empty one.
    pub(crate) fn begin(turns: usize) -> Result<Self> {
        let taken = output(Command::new("date").args(["-u", "+%F"]))?;
        let figures = PROGRAMS.iter().map(|program| (program.key().to_owned(), BTreeMap::new())).collect();
        Ok(Self { turns, taken, machine: machine()?, versions: versions()?, figures })
    }

    pub(crate) fn read(json: &str) -> Result<Self> {
        Ok(serde_json::from_str(json)?)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn turns(&self) -> usize {
        self.turns
    }

    /// A storm takes longer than the other turns.
    pub(crate) fn storm_turns(&self) -> usize {
        self.turns.div_ceil(2)
    }

    /// Adds what one turn has measured.
    pub(crate) fn add(&mut self, program: Program, measure: &str, value: f64) {
        let measures = self.figures.entry(program.key().to_owned()).or_default();
        measures.entry(measure.to_owned()).or_default().push(value);
    }

    pub(crate) fn spread(&self, program: Program, measure: &str) -> Option<Spread> {
        let mut turns = self.figures.get(program.key())?.get(measure)?.clone();
        turns.sort_by(f64::total_cmp);
        let median = f64::midpoint(*turns.get(turns.len().checked_sub(1)? / 2)?, *turns.get(turns.len() / 2)?);
        Some(Spread { least: *turns.first()?, median, most: *turns.last()? })
    }

    pub(crate) fn median(&self, program: Program, measure: &str) -> f64 {
        self.spread(program, measure).map_or(f64::NAN, |spread| spread.median)
    }
}

fn machine() -> Result<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo")?;
    let of = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("", |(_, value)| value.trim()).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let flags = of("flags");
    let widest = ["avx512f", "avx2", "sse2"].into_iter().find(|flag| flags.split(' ').any(|has| has == *flag));
    let kernel = output(Command::new("uname").args(["-sr"]))?;
    Ok(format!("{}, {cores} cores, {}, {kernel}", of("model name"), widest.unwrap_or("no SIMD")))
}

fn versions() -> Result<Vec<(String, String)>> {
    let root = super::root()?;
    let made = root.join("target/compare");
    let program = std::env::current_exe()?.with_file_name("countersign");
    let python = "import sys, platform; from importlib.metadata import version; \
                  print('Python', platform.python_version() + ',', ', '.join(f'{name} {version(name)}' for name in sys.argv[1:]))";
    let python = output(Command::new(made.join("python/bin/python")).args(["-c", python]).args(PYTHON.split(' ')))?;
    let mut node = format!("Node.js {}", output(Command::new("node").arg("--version"))?.trim_start_matches('v'));
    for name in NODE.split(' ') {
        let package = std::fs::read_to_string(made.join(format!("node/node_modules/{name}/package.json")))?;
        let package: serde_json::Value = serde_json::from_str(&package)?;
        let version = package.get("version").and_then(serde_json::Value::as_str).context("no version")?;
        node = format!("{node}, {name} {version}");
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
    let crates: Vec<_> = RUST.split(' ').filter_map(|name| Some(format!("{name} {}", locked(&lock, name)?))).collect();
    let rust = output(Command::new("rustc").arg("--version").current_dir(root))?;
    let rust = rust.split(' ').nth(1).unwrap_or_default();
    let commit =
        output(Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(root)).unwrap_or_default();
    let countersign = output(Command::new(program).arg("--version"))?;
    Ok(vec![
        ("Countersign".to_owned(), format!("{countersign}, commit {commit}, Rust {rust}")),
        ("naive axum".to_owned(), format!("{}, Rust {rust}", crates.join(", "))),
        ("FastAPI tutorial, FastAPI-Users".to_owned(), python),
        ("better-auth".to_owned(), node),
    ])
}

/// The version of a crate in the lock file.
fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    rest.split('"').next()
}

fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} does not run; script/compare prepares it"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
