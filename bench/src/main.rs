//! Measures the server against the bare work, in turns within one run, so that a noisy machine is noisy for both.
//!
//! `cargo build --release && cargo run --release -p countersign-bench -- me|login|start [--json]`

mod load;
mod server;
mod report;
mod me;
mod login;
mod start;

use anyhow::{Result, bail};

const USAGE: &str = "usage: bench me|login|start [--json]

  me     GET /users/me with a token, against a bare axum route that returns the same JSON
  login  POST /token, against the bare hash in a loop on as many threads as there are cores
  start  the time from start to the first answer, and the memory of an idle server";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let report = match arguments.first().map(String::as_str) {
        Some("me") => me::measure().await?,
        Some("login") => login::measure().await?,
        Some("start") => start::measure().await?,
        // Not for people: the other process of `me`.
        Some("bare-route") => return me::serve_bare_route().await,
        _ => bail!(USAGE),
    };
    report.print(json);
    Ok(())
}
