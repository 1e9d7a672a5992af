//! F-12, F-16, F-17: servers that start together, servers that are told to stop, clients that go away.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::Value;

use crate::check::Depth;
use crate::crowd::{log_in, new_session, refresh, whoami};
use crate::faults::crash::start_and_check;
use crate::harness::Harness;
use crate::http::{Reply, Request};
use crate::process::{Server, Site};
use crate::random::Random;
use crate::report::{Engine, Report};

const CROWD: usize = 6;
const STOP: Duration = Duration::from_secs(10);
/// Clients that come and go at one time.
const CLIENTS: usize = 8;

/// F-12
pub(super) fn two_at_once(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-12", "two start at once on nothing", Some(engine));
    for _ in 0..harness.rounds(3, 20) {
        let site = harness.empty_site(engine)?;
        let (servers, administrators) = std::thread::scope(|scope| {
            let starting = [(); 2].map(|()| scope.spawn(|| site.start()));
            let adding = [(); 2].map(|()| scope.spawn(|| site.add_administrator()));
            let servers = starting.map(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("panicked")));
            (servers, adding.map(|thread| matches!(thread.join(), Ok(Ok(())))))
        });
        let [first, second] = servers;
        let servers = [first?, second?];
        report.bound(
            "one of two administrators of one name is made",
            administrators.iter().filter(|is| **is).count() == 1,
        );
        let keys = site.run_well(&["key", "list", "--json"], "")?;
        let keys: Value = serde_json::from_str(&keys)?;
        report.bound("one signing key", keys.as_array().map(Vec::len) == Some(1));
        for (here, there) in [(0, 1), (1, 0)] {
            let (Some(here), Some(there)) = (servers.get(here), servers.get(there)) else { continue };
            let status = whoami(&here.administrator()?).send(there.address).status();
            report.bound("a token of one is good at the other", status == 200);
        }
        for server in &servers {
            report.ready_after(server.ready_after);
        }
        report.rounds += 1;
    }
    Ok(report)
}

/// F-16
pub(super) fn gracefully(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-16", "stopped under load", Some(engine));
    let site = harness.site(engine)?;
    let mut random = harness.random();
    let mut server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    let (mut slowest, mut cut_off) = (Duration::ZERO, 0);
    for _ in 0..harness.rounds(6, 100) {
        let before = crowd.ledger.counts().unknown;
        let stopped = crowd.during(|| -> Result<_> {
            std::thread::sleep(random.ms(200, 900));
            let begun = Instant::now();
            server.signal(Signal::TERM)?;
            let status = server.wait(2 * STOP)?.context("the server does not stop")?;
            Ok((status, begun.elapsed()))
        });
        let (status, took) = stopped?;
        slowest = slowest.max(took);
        report.bound(format!("the server ends with {status}"), status.success());
        cut_off += crowd.ledger.counts().unknown - before;
        (server, _) = start_and_check(&site, &mut crowd, &mut report, Depth::Touched)?;
        report.rounds += 1;
    }
    report.findings += crowd.check(Depth::Everything)?;
    report.within("slowest stop", slowest, STOP);
    report.bound(format!("{cut_off} requests were cut off"), cut_off == 0);
    report.take(&crowd.ledger);
    Ok(report)
}

/// F-17: a socket is closed at a random moment of a refresh.
pub(super) fn cancel_storm(harness: &Harness, engine: Engine) -> Result<Report> {
    let mut report = harness.report("F-17", "clients that go away", Some(engine));
    let site = harness.site(engine)?.with("COUNTERSIGN_DATABASE_CONNECTIONS", "8");
    let server = site.start()?;
    let chains = chains(&site, &server)?;
    let descriptors = descriptors(&server)?;
    let each = harness.rounds(600, 10_000) / CLIENTS;
    let (cut, torn) = (AtomicU64::new(0), AtomicU64::new(0));
    let seed = harness.random().next();
    std::thread::scope(|scope| {
        let clients: Vec<_> = chains
            .into_iter()
            .enumerate()
            .map(|(number, token)| {
                let (cut, torn) = (&cut, &torn);
                let random = Random::new(seed.wrapping_add(number as u64));
                scope.spawn(move || come_and_go(server.address, token, each, random, (cut, torn)))
            })
            .collect();
        clients.into_iter().try_for_each(|client| client.join().unwrap_or_else(|_| anyhow::bail!("panicked")))
    })?;
    report.rounds = each * CLIENTS;
    report.figure("requests whose client went away", cut.load(Ordering::Relaxed));
    let torn = torn.load(Ordering::Relaxed);
    report.bound(format!("{torn} refresh tokens neither unused nor with their child"), torn == 0);
    std::thread::sleep(Duration::from_millis(500));
    let after = self::descriptors(&server)?;
    report.figure("file descriptors before and after", format!("{descriptors}, {after}"));
    report.bound("no descriptor is leaked", after <= descriptors + 8);
    // A permit or a connection to the database that leaked would be missed now.
    for _ in 0..40 {
        server.administrator()?;
    }
    Ok(report)
}

/// A session for each client, of a user of its own.
fn chains(site: &Site, server: &Server) -> Result<Vec<String>> {
    (0..CLIENTS)
        .map(|number| {
            let name = format!("c{number}");
            site.run_well(&["user", "add", &name, "--password-stdin"], "correct-horse-1\n")?;
            match log_in(&name, "correct-horse-1").send(server.address) {
                Reply::Answer(answer) => Ok(new_session(&answer)?.refresh),
                other => anyhow::bail!("{name} cannot log in: {other:?}"),
            }
        })
        .collect()
}

/// Sends a refresh and leaves; then asks again, and again: both times there has to be the same child.
fn come_and_go(
    address: SocketAddr,
    mut token: String,
    times: usize,
    mut random: Random,
    (cut, torn): (&AtomicU64, &AtomicU64),
) -> Result<()> {
    for _ in 0..times {
        for request in [refresh(&token), Request::form("/token", &[("grant_type", "refresh_token")])] {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(&request.bytes())?;
            std::thread::sleep(Duration::from_micros(random.next() % 6000));
            // Half of them leave with something unread, which resets the connection.
            if random.below(2) == 0 {
                stream.set_nonblocking(true)?;
                drop(stream.read(&mut [0; 16]));
            }
            cut.fetch_add(1, Ordering::Relaxed);
        }
        let children = [refresh(&token), refresh(&token)].map(|request| match request.send(address) {
            Reply::Answer(answer) if answer.status == 200 => new_session(&answer).ok(),
            _ => None,
        });
        match children {
            [Some(first), Some(second)] if first.refresh == second.refresh => token = first.refresh,
            _ => {
                torn.fetch_add(1, Ordering::Relaxed);
                ensure!(torn.load(Ordering::Relaxed) < 10, "refresh tokens are torn again and again");
            }
        }
    }
    Ok(())
}

pub(super) fn descriptors(server: &Server) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{}/fd", server.id()))?.count())
}
