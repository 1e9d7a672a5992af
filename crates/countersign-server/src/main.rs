//! The program `countersign`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// A request makes many small things and drops them; this allocator does so faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    countersign_server::command::main(std::env::args_os())
}
