//! What this machine can afford: hashes of rising cost are measured while all threads hash, as in a storm of logins.

use std::thread;
use std::time::{Duration, Instant};

use countersign_password::{Argon2Params, HashPool, Hasher, Password, Policy};
use serde_json::{Value, json};

use crate::command::output::{print, print_json, table};
use crate::failure::Failure;
use crate::settings::Settings;

/// KiB, iterations, lanes, each dearer for an attacker than the one before: from the floor by the second choice of RFC 9106 to
/// what a stored hash may cost at most.
const LADDER: [(u32, u32, u32); 7] =
    [(19_456, 2, 1), (32_768, 2, 1), (47_104, 2, 1), (65_536, 3, 4), (98_304, 3, 4), (131_072, 4, 4), (262_144, 4, 4)];
/// How long each step is measured.
const STEP: Duration = Duration::from_secs(1);

/// What was measured of one step.
struct Measured {
    params: Argon2Params,
    /// Hashes that run at once: a thread for each, as far as the memory goes.
    at_once: usize,
    memory_mib: usize,
    /// The median of a hash.
    time: Duration,
    per_second: f64,
}

pub(super) fn run(settings: &Settings, longest: Duration, json: bool) -> Result<(), Failure> {
    let mut steps: Vec<Measured> = Vec::new();
    for (memory_kib, iterations, lanes) in LADDER {
        let hasher =
            Hasher::new(Policy::new(Argon2Params::new(memory_kib, iterations, lanes)?)).kernel(settings.hash_kernel);
        let memory_mib = HashPool::least_budget_mib(&hasher);
        let at_once = settings.hashing.threads.min(settings.hashing.memory_budget_mib / memory_mib);
        if at_once == 0 {
            break;
        }
        eprintln!("measuring {memory_kib} KiB, {iterations} iterations, {at_once} at once");
        let measured = measure(&hasher, at_once)?;
        let is_enough = measured.time > longest;
        steps.push(measured);
        if is_enough {
            break;
        }
    }
    let proposed = steps.iter().rposition(|step| step.time <= longest);
    if json {
        return print_json(&json!({
            "longest_ms": u64::try_from(longest.as_millis()).unwrap_or(u64::MAX),
            "measured": steps.iter().map(Measured::json).collect::<Vec<_>>(),
            "proposed": proposed.and_then(|at| steps.get(at)).map(Measured::settings),
        }));
    }
    let rows: Vec<_> = steps.iter().enumerate().map(|(at, step)| step.row(Some(at) == proposed)).collect();
    print(&table(["MEMORY KIB", "ITERATIONS", "LANES", "AT ONCE", "MS EACH", "LOGINS/S", "MIB IN ALL", ""], &rows))?;
    match proposed.and_then(|at| steps.get(at)) {
        Some(step) => print(&format!("\n{}", step.toml())),
        None => Err(Failure::work(format!(
            "even the least cost takes more than {} ms here: allow more by --milliseconds, or let fewer hash at once by \
             --hash-threads",
            longest.as_millis()
        ))),
    }
}

fn measure(hasher: &Hasher, at_once: usize) -> Result<Measured, Failure> {
    let password = Password::new("measured, and never kept".to_owned())?;
    let begun = Instant::now();
    let hash_on = || -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        while times.len() < 3 || begun.elapsed() < STEP {
            let start = Instant::now();
            hasher.hash(&password)?;
            times.push(start.elapsed());
        }
        Ok(times)
    };
    let times: anyhow::Result<Vec<_>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(hash_on)).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a hash failed"))?).collect()
    });
    let mut times = times?.concat();
    let lasted = begun.elapsed();
    times.sort();
    let time = times.get(times.len() / 2).copied().unwrap_or_default();
    let per_second = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX)) / lasted.as_secs_f64();
    let (params, memory_mib) = (hasher.policy().argon2, HashPool::least_budget_mib(hasher));
    Ok(Measured { params, at_once, memory_mib, time, per_second })
}

impl Measured {
    fn budget_mib(&self) -> usize {
        self.at_once * self.memory_mib
    }

    fn row(&self, is_proposed: bool) -> [String; 8] {
        [
            self.params.memory_kib().to_string(),
            self.params.iterations().to_string(),
            self.params.parallelism().to_string(),
            self.at_once.to_string(),
            format!("{:.0}", self.time.as_secs_f64() * 1000.0),
            format!("{:.0}", self.per_second),
            self.budget_mib().to_string(),
            if is_proposed { "<- proposed" } else { "" }.to_owned(),
        ]
    }

    /// Lines for the file of settings.
    fn toml(&self) -> String {
        let Value::Object(settings) = self.settings() else { return String::new() };
        let lines: Vec<_> = settings.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        lines.concat()
    }

    fn settings(&self) -> Value {
        json!({
            "hash_memory_kib": self.params.memory_kib(),
            "hash_iterations": self.params.iterations(),
            "hash_parallelism": self.params.parallelism(),
            "hash_threads": self.at_once,
            "hash_budget_mib": self.budget_mib(),
        })
    }

    fn json(&self) -> Value {
        json!({
            "memory_kib": self.params.memory_kib(),
            "iterations": self.params.iterations(),
            "parallelism": self.params.parallelism(),
            "at_once": self.at_once,
            "ms": self.time.as_secs_f64() * 1000.0,
            "per_second": self.per_second,
            "budget_mib": self.budget_mib(),
        })
    }
}
