//! What a process and its children cost, as the kernel counts it.

use std::fs::read_to_string;

use anyhow::{Context, Result};

use crate::server::resident_mib;

/// Ticks a second in which the kernel tells CPU time, on every common architecture of Linux.
const TICKS_PER_S: f64 = 100.0;

/// Seconds of CPU, user and system, that the process and its children have spent.
pub(crate) fn cpu_seconds(process: u32) -> Result<f64> {
    let mut ticks = 0.0;
    for process in tree(process) {
        let stat = read_to_string(format!("/proc/{process}/stat"))?;
        // The name in brackets may hold blanks; after it comes field 3. User, system, and the same of ended children
        // are fields 14 to 17.
        let (_, fields) = stat.rsplit_once(") ").context("no name")?;
        for field in fields.split(' ').skip(11).take(4) {
            ticks += field.parse::<f64>()?;
        }
    }
    Ok(ticks / TICKS_PER_S)
}

/// The resident memory of the process and its children in MiB.
pub(crate) fn tree_mib(process: u32) -> Result<f64> {
    tree(process).into_iter().map(resident_mib).sum()
}

/// The most resident memory that the process has had, in MiB.
pub(crate) fn peak_mib(process: u32) -> Result<f64> {
    let status = read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

/// The process and all that it has started.
fn tree(process: u32) -> Vec<u32> {
    let mut found = vec![process];
    let mut next = 0;
    while let Some(process) = found.get(next).copied() {
        next += 1;
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}
