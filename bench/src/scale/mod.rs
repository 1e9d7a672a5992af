//! A thousand, a hundred thousand and a million users with ten sessions each, on each engine: what the size of the database does to the
//! time of a request; and what more servers on one PostgreSQL do.

mod rows;
mod engine;
mod figures;
mod steps;
mod nodes;
mod drawings;
mod page;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use countersign_password::{Hasher, Password, Policy};

use crate::load::Connection;
use crate::scale::engine::{Engine, cpu_s};
use crate::scale::figures::Figures;
use crate::scale::rows::Rows;
use crate::scale::steps::Site;
use crate::server::{PASSWORD, Server};

/// Users, with ten sessions each.
const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
/// The longest that a server reads on after its start.
const SETTLING: Duration = Duration::from_mins(2);

/// Measures on `sqlite`, on `postgres` or on both, and writes the page and its plots; with `page` only that.
pub(crate) async fn measure(arguments: &[String]) -> Result<()> {
    let chosen = arguments.get(1).map(String::as_str).filter(|word| !word.starts_with("--"));
    let largest = arguments.iter().any(|argument| argument == "--largest");
    let sizes: Vec<u64> = SIZES.into_iter().skip(if largest { SIZES.len() - 1 } else { 0 }).collect();
    match chosen {
        None => {
            measure_on(&Engine::sqlite()?, &SIZES).await?;
            measure_on(&Engine::postgres().await?, &SIZES).await?;
        }
        Some("sqlite") => measure_on(&Engine::sqlite()?, &sizes).await?,
        Some("postgres") => measure_on(&Engine::postgres().await?, &sizes).await?,
        Some("page") => {}
        Some(other) => bail!("there is no engine {other}: name sqlite or postgres"),
    }
    page::write(&Figures::load()?)
}

async fn measure_on(engine: &Engine, sizes: &[u64]) -> Result<()> {
    let rows = Rows::new()?;
    let mut figures = Figures::default();
    let mut from = 0;
    figures.note(engine.name, "a bare verification of a password, ms", bare_hash_ms()?);
    for users in sizes.iter().copied() {
        let begun = Instant::now();
        engine.fill(&rows, from, users).await?;
        from = users;
        figures.note(engine.name, &format!("filled up to {users}, s"), begun.elapsed().as_secs_f64());
        for size in engine.sizes().await? {
            figures.note(engine.name, &format!("{} at {users}, MiB of rows", size.table), size.rows / 1_048_576.0);
            figures.note(
                engine.name,
                &format!("{} at {users}, MiB of indexes", size.table),
                size.indexes / 1_048_576.0,
            );
        }
        let begun = Instant::now();
        let server = engine.serve()?;
        Connection::open(&server.address, Ipv4Addr::LOCALHOST).await?;
        figures.note(engine.name, &format!("start at {users}, ms"), begun.elapsed().as_secs_f64() * 1000.0);
        calm_down(&server).await?;
        figures.note(engine.name, &format!("read at the start at {users}, s"), begun.elapsed().as_secs_f64());
        Site { engine, rows: &rows, users, server: &server, figures: &mut figures }.measure().await?;
        figures.note(engine.name, &format!("memory of the server at {users}, MiB"), server.resident_mib()?);
        std::mem::take(&mut figures).save()?;
    }
    if engine.is_for_many() {
        nodes::measure(engine, from, &mut figures).await?;
    }
    figures.save().map(drop)
}

/// Waits until a server does nothing: after its start it reads the kinds of hashes that there are.
async fn calm_down(server: &Server) -> Result<()> {
    let begun = Instant::now();
    loop {
        let before = cpu_s(server.process_id());
        tokio::time::sleep(Duration::from_millis(250)).await;
        if cpu_s(server.process_id()) - before < 0.015 || begun.elapsed() > SETTLING {
            return Ok(());
        }
    }
}

fn bare_hash_ms() -> Result<f64> {
    let hasher = Hasher::new(Policy::default());
    let password = Password::new(PASSWORD.to_owned())?;
    let hash = hasher.hash(&password)?;
    let mut times = Vec::new();
    for _ in 0..40 {
        let begun = Instant::now();
        anyhow::ensure!(hasher.verify(&password, Some(&hash))?.is_match(), "the password does not fit");
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() / 2).copied().unwrap_or(f64::NAN))
}
