//! What the process asks of the operating system before it works.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

/// New files are nobody else's.
pub fn keep_files_private() {
    umask(Mode::from_raw_mode(0o077));
}

/// A crash leaves no image of the memory, in which keys and passwords would stand.
pub fn leave_no_core() {
    let none = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "a crash may leave a core file");
    }
}

/// Takes as many file descriptors as the system grants, and says how many connections fit into them.
pub fn connections_within_descriptors(wanted: usize) -> usize {
    /// For the database, the log, the listener and the runtime.
    const OTHERS: u64 = 64;
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    let needed = (wanted as u64).saturating_add(OTHERS);
    let current = limit.current.unwrap_or(u64::MAX);
    let raised = Rlimit { current: Some(needed.min(most)), maximum: limit.maximum };
    let granted =
        if current >= needed || setrlimit(Resource::Nofile, raised).is_err() { current } else { needed.min(most) };
    let fit = usize::try_from(granted.saturating_sub(OTHERS).max(1)).unwrap_or(usize::MAX);
    if fit < wanted {
        tracing::warn!(wanted, fit, "the limit of open files bounds the connections: raise `ulimit -n`");
    }
    fit.min(wanted)
}
