//! The faults, each a function that breaks something and reports what was lost.

mod crash;
mod stop;
mod files;
mod database;
mod network;
mod power;
mod disk_full;

use anyhow::Result;

use crate::harness::Harness;
use crate::report::{Engine, Report};

/// A fault of the list.
pub(crate) struct Fault {
    /// Its number in the requirements.
    pub(crate) number: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: Run,
    /// What it needs of the machine.
    pub(crate) needs: Need,
}

/// How a fault is run.
pub(crate) enum Run {
    OnEach(fn(&Harness, Engine) -> Result<Report>),
    OnSqlite(fn(&Harness) -> Result<Report>),
    OnPostgres(fn(&Harness) -> Result<Report>),
}

/// What a fault needs besides the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// Mounting file systems.
    Root,
    /// A loop device, and ext4.
    LoopDevice,
}

/// All of them, in the order in which they run.
pub(crate) const FAULTS: &[Fault] = &[
    Fault { number: "F-01", what: "killed under load", run: Run::OnEach(crash::under_load), needs: Need::Nothing },
    Fault {
        number: "F-01",
        what: "killed while it starts, migrates, rotates keys, stops",
        run: Run::OnEach(crash::in_bad_moments),
        needs: Need::Nothing,
    },
    Fault { number: "F-12", what: "two start at once on nothing", run: Run::OnEach(stop::two_at_once), needs: Need::Nothing },
    Fault { number: "F-16", what: "stopped under load", run: Run::OnEach(stop::gracefully), needs: Need::Nothing },
    Fault { number: "F-17", what: "clients that go away", run: Run::OnEach(stop::cancel_storm), needs: Need::Nothing },
    Fault { number: "F-06", what: "a file that is locked", run: Run::OnSqlite(files::locked), needs: Need::Nothing },
    Fault { number: "F-06", what: "files of others, or read-only", run: Run::OnSqlite(files::forbidden), needs: Need::Root },
    Fault { number: "F-07", what: "the database restarts", run: Run::OnPostgres(database::restarts), needs: Need::Nothing },
    Fault { number: "F-09", what: "the network fails", run: Run::OnPostgres(network::fails), needs: Need::Nothing },
    Fault { number: "F-10", what: "a table is locked, the pool is empty", run: Run::OnPostgres(database::pool_is_empty), needs: Need::Nothing },
    Fault { number: "F-02", what: "the power is cut", run: Run::OnSqlite(power::sqlite), needs: Need::LoopDevice },
    Fault { number: "F-03", what: "the power is cut", run: Run::OnPostgres(power::postgres), needs: Need::LoopDevice },
    Fault { number: "F-04", what: "the disk is full", run: Run::OnEach(disk_full::full), needs: Need::Root },
    Fault { number: "F-05", what: "a disk that fails now and then", run: Run::OnSqlite(disk_full::failing), needs: Need::Nothing },
];
