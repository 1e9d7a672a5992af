//! The program `countersign`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign_server::command::main(std::env::args_os())
}
