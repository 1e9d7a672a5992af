//! The command line: what there is to say, one file for a group of commands, and how a failure is told.

mod output;
mod progress;
mod act;
mod secret;
mod config;
mod openapi;
mod token;
mod key;
mod user;
mod session;
mod client;
mod entity;
mod import;
mod hash;
mod migrate;
mod backup;
mod restore;
mod doctor;
mod audit;
mod serve;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use crate::failure::Failure;
use crate::process;

/// Does what the arguments say; they begin with the name of the program, as the system gives them.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let program = arguments.first().and_then(|program| program.to_str()).unwrap_or("countersign").to_owned();
    match read(arguments).and_then(|matches| matches.map_or(Ok(()), |matches| run(&matches, &program))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("countersign: {failure}");
            failure.exit_code()
        }
    }
}

fn declare() -> Command {
    Command::new("countersign")
        .version(env!("CARGO_PKG_VERSION"))
        .about("OAuth2 and JWT authentication for APIs: users, passwords, tokens, keys behind one server")
        .subcommand_required(true)
        .subcommands([
            serve::declare(),
            user::declare(),
            session::declare(),
            client::declare(),
            entity::declare(),
            import::declare(),
            migrate::declare(),
            backup::declare(),
            restore::declare(),
            doctor::declare(),
            hash::declare(),
            key::declare(),
            audit::declare(),
            token::declare(),
            openapi::declare(),
            config::declare(),
        ])
}

/// Reads the command line; `None` when help or the version was asked for, and printed.
fn read(arguments: Vec<OsString>) -> Result<Option<ArgMatches>, Failure> {
    match declare().try_get_matches_from(arguments) {
        Ok(matches) => Ok(Some(matches)),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            output::print(&error.to_string())?;
            Ok(None)
        }
        Err(error) => Err(Failure::usage(in_one_line(&error.to_string()))),
    }
}

/// What went wrong, without the usage that follows it.
fn in_one_line(error: &str) -> String {
    let what = error.split("\n\nUsage:").next().unwrap_or(error);
    let what = what.split("\n\nFor more information").next().unwrap_or(what);
    let what = what.trim_start_matches("error: ").trim_end().replace("\n\n  tip: ", "; ");
    let password = "passwords are not for the command line: leave it out to be asked, or use --password-stdin";
    let hint = if what.contains("'--password'") { password } else { "--help says more" };
    format!("{what} ({hint})")
}

fn run(matches: &ArgMatches, program: &str) -> Result<(), Failure> {
    process::keep_files_private();
    match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches, program),
        Some(("user", matches)) => at_once(user::run(matches)),
        Some(("session", matches)) => at_once(session::run(matches)),
        Some(("client", matches)) => at_once(client::run(matches)),
        Some(("entity", matches)) => at_once(entity::run(matches)),
        Some(("import", matches)) => at_once(import::run(matches)),
        Some(("migrate", matches)) => at_once(migrate::run(matches)),
        Some(("backup", matches)) => at_once(backup::run(matches)),
        Some(("restore", matches)) => at_once(restore::run(matches)),
        Some(("doctor", matches)) => at_once(doctor::run(matches)),
        Some(("hash", matches)) => at_once(hash::run(matches)),
        Some(("key", matches)) => at_once(key::run(matches)),
        Some(("audit", matches)) => at_once(audit::run(matches)),
        Some(("token", matches)) => token::run(matches),
        Some(("openapi", matches)) => openapi::run(matches),
        Some(("config", matches)) => config::run(matches),
        _ => Ok(()),
    }
}

/// Runs a short command on this thread.
fn at_once(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(work)
}
