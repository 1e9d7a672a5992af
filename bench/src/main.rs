//! Measures the server against the bare work, in turns within one run, so that a noisy machine is noisy for both.
//!
//! `cargo build --release && cargo run --release -p countersign-bench -- me|login|start|storm|timing|revocation|scale [--json]`;
//! `script/compare` measures it beside other programs.

mod load;
mod server;
mod report;
mod plot;
mod me;
mod login;
mod start;
mod storm;
mod timing;
mod revocation;
mod compare;
mod scale;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

const USAGE: &str = "usage: bench me|login|start|storm|timing|revocation|scale|compare [--json] [--seconds N] [--turns N] [--from FILE]

  me     GET /users/me with a token, against a bare axum route that returns the same JSON
  login  POST /token, against the bare hash in a loop on as many threads as there are cores
  start  the time from start to the first answer, and the memory of an idle server
  storm  logins of ten times the capacity, nine of ten with a wrong password, for N seconds (60)
  timing refused logins of every kind of account, 2000 of each: whether their times can be told apart
  revocation  how long a token outlives its session, here and on an API elsewhere
  scale [sqlite|postgres|page]  one thousand to one million users with ten sessions each, on each engine, and more servers on
         one; writes docs/scale.md and its plots
  compare  beside other programs, N turns (5); writes docs/benchmarks.md, of FILE if there is one; see script/compare";

/// The longest storm.
const MOST_SECONDS: u64 = 600;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let report = match arguments.first().map(String::as_str) {
        Some("me") => me::measure().await?,
        Some("login") => login::measure().await?,
        Some("start") => start::measure().await?,
        Some("revocation") => revocation::measure().await?,
        Some("timing") => timing::measure().await?,
        Some("storm") => storm::measure(seconds(&arguments)?).await?,
        Some("compare") => return compare(&arguments, json).await,
        Some("scale") => return Box::pin(scale::measure(&arguments)).await.map(|()| ExitCode::SUCCESS),
        // Not for people: the load of logins.py.
        Some("post") => return post(&arguments).await,
        // Not for people: the other process of `me`.
        Some("bare-route") => return me::serve_bare_route().await.map(|()| ExitCode::SUCCESS),
        _ => bail!(USAGE),
    };
    report.print(json);
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What follows this flag.
fn value<'a>(arguments: &'a [String], flag: &str) -> Option<&'a String> {
    arguments.iter().skip_while(|argument| *argument != flag).nth(1)
}

async fn compare(arguments: &[String], json: bool) -> Result<ExitCode> {
    let turns = value(arguments, "--turns").map_or(Ok(5), |turns| turns.parse())?;
    let options = compare::Options { turns, json, from: value(arguments, "--from").map(Into::into) };
    compare::run(&options).await.map(|()| ExitCode::SUCCESS)
}

fn seconds(arguments: &[String]) -> Result<Duration> {
    let seconds = value(arguments, "--seconds").map_or(Ok(60), |seconds| seconds.parse())?;
    Ok(Duration::from_secs(seconds.clamp(1, MOST_SECONDS)))
}

/// `post ADDRESS PATH FORM --seconds N`: prints how many times a second the form is answered with 200, on 8 connections.
async fn post(arguments: &[String]) -> Result<ExitCode> {
    let [_, address, path, form, ..] = arguments else { bail!(USAGE) };
    let request: Arc<[u8]> = server::form_request(address, path, form).into();
    let rate = load::answers_per_second(address, &request, 8, seconds(arguments)?).await.context("no answer")?;
    println!("{rate}");
    Ok(ExitCode::SUCCESS)
}
