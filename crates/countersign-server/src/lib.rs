//! The Countersign server as a process: command line, configuration, wiring, listening. A library only so that its
//! tests can reach the parts; the program is the binary `countersign`.

#![forbid(unsafe_code)]

pub mod failure;
pub mod outbound;
pub mod traces;
pub mod transport;
pub mod cors;
pub mod allowance;
pub mod breached;
pub mod pepper;
pub mod database;
pub mod settings;
pub mod log;
pub mod process;
pub mod location;
pub mod data_directory;
pub mod metrics;
pub mod wiring;
pub mod command;
