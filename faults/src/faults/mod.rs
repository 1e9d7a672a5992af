//! The faults, each a function that breaks something and reports what was lost.

mod crash;
mod stop;
mod files;
mod database;
mod network;
mod power;
mod disk_full;
mod failover;
mod upgrade;
mod clock;
mod pressure;
mod growth;
mod damage;
mod backup;

use anyhow::Result;

use crate::harness::Harness;
use crate::report::{Engine, Report};

/// A control may need some rounds.
const CONTROLS: usize = 8;

/// A fault of the list.
pub(crate) struct Fault {
    /// Its number in the requirements.
    pub(crate) number: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: Run,
    /// What it needs of the machine.
    pub(crate) needs: Need,
}

/// On what a fault is run.
pub(crate) enum Run {
    Each(fn(&Harness, Engine) -> Result<Report>),
    Sqlite(fn(&Harness) -> Result<Report>),
    Postgres(fn(&Harness) -> Result<Report>),
}

/// What a fault needs besides the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// Mounting file systems.
    Root,
    /// A loop device, and ext4.
    LoopDevice,
    /// A command of the program.
    Command(&'static str),
}

/// All of them, in the order in which they run.
pub(crate) const FAULTS: &[Fault] = &[
    Fault { number: "F-01", what: "killed under load", run: Run::Each(crash::under_load), needs: Need::Nothing },
    Fault {
        number: "F-01",
        what: "killed while it starts, migrates, rotates keys, stops",
        run: Run::Each(crash::in_bad_moments),
        needs: Need::Nothing,
    },
    Fault {
        number: "F-12",
        what: "two start at once on nothing",
        run: Run::Each(stop::two_at_once),
        needs: Need::Nothing,
    },
    Fault { number: "F-16", what: "stopped under load", run: Run::Each(stop::gracefully), needs: Need::Nothing },
    Fault { number: "F-17", what: "clients that go away", run: Run::Each(stop::cancel_storm), needs: Need::Nothing },
    Fault { number: "F-06", what: "a file that is locked", run: Run::Sqlite(files::locked), needs: Need::Nothing },
    Fault {
        number: "F-06",
        what: "files of others, or read-only",
        run: Run::Sqlite(files::forbidden),
        needs: Need::Root,
    },
    Fault {
        number: "F-07",
        what: "the database restarts",
        run: Run::Postgres(database::restarts),
        needs: Need::Nothing,
    },
    Fault { number: "F-09", what: "the network fails", run: Run::Postgres(network::fails), needs: Need::Nothing },
    Fault {
        number: "F-10",
        what: "a table is locked, the pool is empty",
        run: Run::Postgres(database::pool_is_empty),
        needs: Need::Nothing,
    },
    Fault { number: "F-02", what: "the power is cut", run: Run::Sqlite(power::sqlite), needs: Need::LoopDevice },
    Fault { number: "F-03", what: "the power is cut", run: Run::Postgres(power::postgres), needs: Need::LoopDevice },
    Fault { number: "F-04", what: "the disk is full", run: Run::Each(disk_full::full), needs: Need::Root },
    Fault {
        number: "F-05",
        what: "a disk that fails now and then",
        run: Run::Sqlite(disk_full::failing),
        needs: Need::Nothing,
    },
    Fault { number: "F-08", what: "a copy takes over", run: Run::Postgres(failover::failover), needs: Need::Nothing },
    Fault {
        number: "F-11",
        what: "old and new on one database",
        run: Run::Each(upgrade::upgrade),
        needs: Need::Nothing,
    },
    Fault { number: "F-13", what: "the clock jumps", run: Run::Each(clock::jumps), needs: Need::Nothing },
    Fault { number: "F-14", what: "keys rotate under load", run: Run::Each(pressure::rotation), needs: Need::Nothing },
    Fault {
        number: "F-15",
        what: "more logins than can be checked",
        run: Run::Sqlite(pressure::storm),
        needs: Need::Nothing,
    },
    Fault {
        number: "F-18",
        what: "a backup under load, restored",
        run: Run::Each(backup::backup),
        needs: Need::Command("backup"),
    },
    Fault {
        number: "F-19",
        what: "a reader that does not come to an end",
        run: Run::Sqlite(growth::long_reader),
        needs: Need::Nothing,
    },
    Fault { number: "F-20", what: "a long run", run: Run::Each(growth::soak), needs: Need::Nothing },
    Fault {
        number: "F-21",
        what: "bytes flip, the log is cut short",
        run: Run::Sqlite(damage::damage),
        needs: Need::Nothing,
    },
];

/// Does what has to lose something, again and again until it does; if nothing ever is, this test finds nothing. An attempt that failed
/// for another reason has found nothing.
fn control(report: &mut Report, what: &str, mut attempt: impl FnMut(&mut Report) -> Result<()>) {
    let mut control = report.control();
    let mut failure = String::new();
    for round in 1..=CONTROLS {
        if let Err(error) = attempt(&mut control) {
            failure = format!(": {error:#}");
        }
        let found = &control.findings;
        if !found.is_good() {
            let told = format!("{} lost, {} undone in round {round}", found.lost + found.between, found.undone);
            report.figure(format!("control, {what}"), told);
            return;
        }
    }
    report
        .bound(format!("the control ({what}) has to lose something, and did not in {CONTROLS} rounds{failure}"), false);
}
