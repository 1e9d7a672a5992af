//! What the process costs the machine, by the names that every exporter uses.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};

use crate::metrics::text::{Metric, Samples};

/// Nothing where the system does not tell.
pub(super) fn metrics() -> Vec<Metric> {
    let alone = |value: f64| vec![(String::new(), value)];
    let mut metrics = Vec::new();
    if let Some((ticks, pages)) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(ticks_and_pages) {
        let cpu = super::number(ticks) / super::number(clock_ticks_per_second());
        let memory = super::number(pages * page_size() as u64);
        metrics.push(Metric::usual(
            "process_cpu_seconds_total",
            "CPU time that was used",
            Samples::Counters(alone(cpu)),
        ));
        metrics.push(Metric::usual("process_resident_memory_bytes", "Memory in use", Samples::Gauges(alone(memory))));
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        let open = Samples::Gauges(alone(super::number(open.count() as u64)));
        metrics.push(Metric::usual("process_open_fds", "Open file descriptors", open));
    }
    metrics
}

/// CPU time in ticks, and resident pages, of `/proc/self/stat`: the name of the program, which may hold anything, ends with the last
/// parenthesis.
fn ticks_and_pages(stat: &str) -> Option<(u64, u64)> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some((field(14)? + field(15)?, field(24)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_be_called_anything() {
        let stat = "7 (a) b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 4 0 99 1000000 512 18446744073709551615";
        assert_eq!(ticks_and_pages(stat), Some((300, 512)));
        assert_eq!(ticks_and_pages("7 (a) S 1"), None);
    }
}
