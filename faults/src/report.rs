//! What a fault has done, for people, for machines, and for the documentation.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::check::Findings;
use crate::ledger::{Counts, Ledger};
use crate::probe::in_ms;

/// Where everything is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// What one fault has done.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) fault: &'static str,
    what: String,
    engine: Option<Engine>,
    is_long: bool,
    pub(crate) rounds: usize,
    counts: Counts,
    pub(crate) findings: Findings,
    ready: Vec<Duration>,
    /// Figures of this fault's own.
    figures: Vec<(String, String)>,
    broken: Vec<String>,
    /// What does not hold and is known not to.
    limits: Vec<String>,
    examples: Vec<String>,
    pub(crate) took: Duration,
}

/// What became of a fault.
pub(crate) enum Outcome {
    Done(Box<Report>),
    /// It could not be tried on this machine.
    Skipped,
    /// The program has nothing to try it on.
    Absent,
    /// The harness itself failed.
    Failed(String),
}

impl Outcome {
    pub(crate) fn is_bad(&self) -> bool {
        match self {
            Self::Done(report) => !report.is_good(),
            Self::Skipped | Self::Absent => false,
            Self::Failed(_) => true,
        }
    }

    pub(crate) fn report(self) -> Option<Report> {
        match self {
            Self::Done(report) => Some(*report),
            Self::Skipped | Self::Absent | Self::Failed(_) => None,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Report {
    pub(crate) fn new(fault: &'static str, what: impl Into<String>, engine: Option<Engine>, is_long: bool) -> Self {
        Self {
            fault,
            what: what.into(),
            engine,
            is_long,
            rounds: 0,
            counts: Counts::default(),
            findings: Findings::default(),
            ready: Vec::new(),
            figures: Vec::new(),
            broken: Vec::new(),
            limits: Vec::new(),
            examples: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// One of the same kind, for a run that is meant to find something.
    pub(crate) fn control(&self) -> Self {
        Self::new(self.fault, "control", self.engine, self.is_long)
    }

    /// Takes over what a ledger says.
    pub(crate) fn take(&mut self, ledger: &Ledger) {
        let Counts { acknowledged, refused, unknown, cut_off, odd, slowest_ms } = ledger.counts();
        self.counts.acknowledged += acknowledged;
        self.counts.refused += refused;
        self.counts.unknown += unknown;
        self.counts.cut_off += cut_off;
        self.counts.odd += odd;
        self.counts.slowest_ms = self.counts.slowest_ms.max(slowest_ms);
        self.examples.extend(ledger.examples());
    }

    pub(crate) fn ready_after(&mut self, time: Duration) {
        self.ready.push(time);
    }

    pub(crate) fn figure(&mut self, name: impl Into<String>, value: impl fmt::Display) {
        self.figures.push((name.into(), value.to_string()));
    }

    /// What has to hold always.
    pub(crate) fn bound(&mut self, what: impl Into<String>, holds: bool) {
        if !holds {
            self.broken.push(what.into());
        }
    }

    /// What does not hold, and is written down as that.
    pub(crate) fn limit(&mut self, what: impl Into<String>) {
        self.limits.push(what.into());
    }

    /// A time that has to be kept in the long form; in the short one, on a busy machine, it is only shown.
    pub(crate) fn within(&mut self, what: &str, time: Duration, bound: Duration) {
        self.figure(what, in_ms(time));
        if self.is_long {
            self.bound(format!("{what}: {time:?}, bound {bound:?}"), time <= bound);
        }
    }

    /// Every act has to be answered, if only with 503, and within this time.
    pub(crate) fn every_act_is_answered_within(&mut self, time: Duration) {
        self.every_act_is_answered();
        self.within("slowest answer", Duration::from_millis(self.counts.slowest_ms), time);
    }

    pub(crate) fn every_act_is_answered(&mut self) {
        let cut_off = self.counts.cut_off;
        self.bound(format!("{cut_off} acts were not answered"), cut_off == 0);
    }

    /// What is broken, a line each.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = self.broken.clone();
        let Findings { lost, undone, between, .. } = self.findings;
        for (count, what) in
            [(lost, "lost"), (undone, "undone"), (between, "half done"), (self.counts.odd, "oddly answered")]
        {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        faults
    }

    pub(crate) fn is_good(&self) -> bool {
        self.faults().is_empty()
    }

    fn name(&self) -> String {
        self.engine.map_or_else(|| self.what.clone(), |engine| format!("{}, {engine}", self.what))
    }

    /// The longest that a server took until it was ready.
    pub(crate) fn slowest_start(&self) -> Duration {
        self.ready.iter().max().copied().unwrap_or_default()
    }

    fn slowest_ready(&self) -> String {
        self.ready.iter().max().map_or_else(String::new, |time| format!("{:.2} s", time.as_secs_f64()))
    }

    /// A line for the terminal, and what is wrong below it.
    pub(crate) fn print(&self) {
        let Self { fault, rounds, counts, findings, .. } = self;
        let verdict = match (self.is_good(), self.limits.is_empty()) {
            (true, true) => "held",
            (true, false) => "LIMIT",
            (false, _) => "BROKEN",
        };
        println!(
            "{fault} {:<52} {verdict:<7} {rounds:>5} rounds {:>6} acknowledged {:>5} unknown {:>5} facts  lost {} undone {} between {} \
             ghosts {}  ready {} ({:.1} s)",
            self.name(),
            counts.acknowledged,
            counts.unknown,
            findings.facts,
            findings.lost,
            findings.undone,
            findings.between,
            findings.ghosts,
            self.slowest_ready(),
            self.took.as_secs_f64()
        );
        for (name, value) in &self.figures {
            println!("       {name}: {value}");
        }
        for fault in self.faults() {
            println!("     ! {fault}");
        }
        for example in self.examples.iter().chain(&findings.examples) {
            println!("       {example}");
        }
    }

    pub(crate) fn json(&self) -> Value {
        let figures: serde_json::Map<_, _> =
            self.figures.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "fault": self.fault, "what": self.name(), "rounds": self.rounds, "held": self.is_good(),
            "acknowledged": self.counts.acknowledged, "refused": self.counts.refused, "unknown": self.counts.unknown,
            "facts": self.findings.facts, "lost": self.findings.lost, "undone": self.findings.undone,
            "between": self.findings.between, "ghosts": self.findings.ghosts, "faults": self.faults(), "limits": self.limits,
            "slowest_act_ms": self.counts.slowest_ms,
            "slowest_ready_ms": self.ready.iter().max().map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            "figures": figures, "seconds": self.took.as_secs(),
        })
    }

    pub(crate) fn row_begins(&self) -> String {
        format!("| {} | {} |", self.fault, self.name())
    }

    /// A row of the table in the documentation. Its beginning says which.
    pub(crate) fn row(&self, form: &str) -> String {
        let Self { rounds, counts, findings, .. } = self;
        let figures: Vec<_> = self.figures.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let faults = self.faults();
        let verdict = match (faults.is_empty(), self.limits.is_empty()) {
            (true, true) => "held".to_owned(),
            (true, false) => format!("not held, see below: {}", self.limits.join("; ")),
            (false, _) => format!("**{}**", faults.join("; ")),
        };
        format!(
            "{} {form} | {rounds} | {} | {} | {} | {} | {} | {} | {} |",
            self.row_begins(),
            counts.acknowledged,
            counts.unknown,
            findings.lost,
            findings.undone,
            self.slowest_ready(),
            verdict,
            figures.join("; ")
        )
    }
}
