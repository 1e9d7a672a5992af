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

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Work(error)
    }
}

impl fmt::Display for Failure {
    /// One line, whatever the causes contain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Usage(text) => text.clone(),
            Self::Work(error) => format!("{error:#}"),
        };
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        f.write_str(&lines.join(" "))
    }
}
