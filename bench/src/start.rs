//! The time from the start of the process to its first answer, over a database that exists, and the memory of an idle server.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::load;
use crate::report::Report;
use crate::server::{Server, data_with_a_user};

const ROUNDS: usize = 9;

pub(crate) async fn measure() -> Result<Report> {
    let data = data_with_a_user()?;
    drop(Server::start(&data)?);
    let (mut milliseconds, mut idle, mut after_logins) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let server = Server::start(&data)?;
        let request = format!("GET /health/live HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        load::ask(&server.address, request.as_bytes()).await?;
        milliseconds.push(started.elapsed().as_secs_f64() * 1000.0);
        idle.push(server.resident_mib()?);
        for _ in 0..4 {
            server.log_in().await?;
        }
        // Memory for hashing is given back when no login has come for a while.
        tokio::time::sleep(Duration::from_secs(3)).await;
        after_logins.push(server.resident_mib()?);
    }
    Ok(Report::new("start over an existing database")
        .row("start to first answer", "ms", milliseconds)
        .row("resident memory, idle", "MiB", idle)
        .row("resident memory, 3 s after four logins", "MiB", after_logins))
}
