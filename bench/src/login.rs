//! `POST /token`, against the bare hash in a loop on as many threads as there are cores, and against itself with attempts counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use countersign_password::{Hasher, Password, Policy};

use crate::load::answers_per_second;
use crate::report::{Report, ratios};
use crate::server::{PASSWORD, Server, data_with_a_user, login_request};

const ROUNDS: usize = 7;
const CONNECTIONS: usize = 16;
const SPAN: Duration = Duration::from_secs(4);

pub(crate) async fn measure() -> Result<Report> {
    let data = data_with_a_user()?;
    let server = Server::start(&data)?;
    let request: Arc<[u8]> = login_request(&server.address).into();
    // As by default, but that all of the logins at once, which are of one account, are looked at.
    let counting_data = data_with_a_user()?;
    let counting = Server::start_with(&counting_data, &["--login-attempts", "50"])?;
    let counted_request: Arc<[u8]> = login_request(&counting.address).into();

    let (mut logins, mut counted, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let hashes_now = tokio::task::spawn_blocking(hashes_per_second).await??;
        let logins_now = answers_per_second(&server.address, &request, CONNECTIONS, SPAN).await?;
        let counted_now = answers_per_second(&counting.address, &counted_request, CONNECTIONS, SPAN).await?;
        // The first round warms up.
        if round > 0 {
            hashes.push(hashes_now);
            logins.push(logins_now);
            counted.push(counted_now);
        }
    }
    let ratio = ratios(&logins, &hashes);
    let counted_ratio = ratios(&counted, &logins);
    Ok(Report::new("POST /token with the default Argon2id (19456 KiB, t=2, p=1), 16 connections")
        .row("logins", "1/s", logins)
        .row("bare verifications on all cores", "1/s", hashes)
        .row("logins : bare verifications", "", ratio)
        .row("logins, attempts counted", "1/s", counted)
        .row("logins, attempts counted : not counted", "", counted_ratio))
}

/// Verifications a second of one thread for each core, without HTTP, store or tokens.
fn hashes_per_second() -> Result<f64> {
    let hasher = Hasher::new(Policy::default());
    let password = Password::new(PASSWORD.to_owned())?;
    let hash = hasher.hash(&password)?;
    let started = Instant::now();
    let until = started + SPAN;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let done = std::thread::scope(|scope| {
        let loops: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = 0_u32;
                    while Instant::now() < until && hasher.verify(&password, Some(&hash)).is_ok() {
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        loops.into_iter().map(|done| done.join().ok()).sum::<Option<u32>>()
    });
    Ok(f64::from(done.context("a thread failed")?) / started.elapsed().as_secs_f64())
}
