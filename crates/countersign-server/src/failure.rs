//! How a command fails: one line on standard error that says what to do, and the exit code that goes with it.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line, the environment or the configuration is wrong: exit code 2.
    Usage(String),
    /// The work could not be done: exit code 1.
    Work(anyhow::Error),
}

impl Failure {
    /// A wrong command line or configuration.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Work that failed for a reason that needs no cause.
    pub fn work(text: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Self {
        Self::Work(anyhow::Error::msg(text))
    }

    /// What the process says to the one who started it: 1 for failed work, 2 for wrong usage.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Work(_) => ExitCode::FAILURE,
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Work(error.into())
    }
}

impl fmt::Display for Failure {
    /// One line, whatever the causes contain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Usage(text) => text.clone(),
            Self::Work(error) => {
                error.chain().map(ToString::to_string).reduce(|told, cause| join(told, &cause)).unwrap_or_default()
            }
        };
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        f.write_str(&lines.join(" "))
    }
}

/// Some errors quote their cause and some do not.
fn join(told: String, cause: &str) -> String {
    if told.contains(cause) { told } else { format!("{told}: {cause}") }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_failure_is_one_line_that_tells_each_cause_once() {
        let failed: Result<(), _> = Err(std::io::Error::other("disk\n  full"));
        let failure = Failure::from(failed.context("cannot write: disk\n  full").context("backup").unwrap_err());
        assert_eq!(failure.to_string(), "backup: cannot write: disk full");
        assert_eq!(Failure::usage("a\n\n  tip: b\n").to_string(), "a tip: b");
    }
}
