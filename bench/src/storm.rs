//! A storm of logins of ten times the capacity, nine of ten with a wrong password, from several addresses (F-15): what
//! becomes of the logins, of everybody else, and of the memory.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::load::{self, Answers, Connection, Pace, answers_per_second, ask_at_pace};
use crate::report::Report;
use crate::server::{Server, data_with_a_user, login_request, login_request_with, me_request};

/// The storm against the capacity.
const TIMES: f64 = 10.0;
const CONNECTIONS: u16 = 1000;
/// Addresses that the storm comes from.
const SOURCES: u16 = 8;
/// No storm sends more, however fast the machine.
const MOST_PER_S: f64 = 20_000.0;
/// Between two requests to `/users/me`.
const PROBE: Duration = Duration::from_millis(10);
/// Between two logins of somebody who has no part in the storm.
const GUEST: Duration = Duration::from_secs(1);
const CALM: Duration = Duration::from_secs(8);
/// MiB that one hash of the default policy holds.
const HASH_MIB: u16 = 20;
/// How long the server has to recover.
const RECOVERY: Duration = Duration::from_secs(5);

const PROBE_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 1);
const GUEST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 3, 1);

pub(crate) async fn measure(span: Duration) -> Result<Report> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let budget_mib = u16::try_from(threads).unwrap_or(u16::MAX).saturating_mul(HASH_MIB);
    let data = data_with_a_user()?;
    let server = Server::start_with(&data, &["--throttle", "off", "--hash-budget-mib", &budget_mib.to_string()])?;
    let token = server.log_in().await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle_mib = server.resident_mib()?;

    let good: Arc<[u8]> = login_request(&server.address).into();
    let probe: Arc<[u8]> = me_request(&server.address, &token).into();
    burst(&server.address, &good).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let burst_mib = server.resident_mib()?;
    let mut calm = calmly(&server.address, &probe, &good).await?;
    let memory = Memory::watch(&server)?;
    let storm = storm(&server.address, calm.capacity, span, (&probe, &good)).await?;
    let recovery = recover(&server.address, &good, calm.login_ms).await?;
    tokio::time::sleep(RECOVERY).await;
    let peak_mib = memory.peak_mib();
    let after_mib = server.resident_mib()?;
    // Before and after, since a machine that others use as well changes.
    calm.capacity = f64::midpoint(calm.capacity, answers_per_second(&server.address, &good, 16, CALM).await?);
    let report = Report::new("a storm of logins: ten times the capacity, nine of ten passwords wrong");
    let report = of_logins(report, &calm, &storm);
    let report = of_others(report, &calm, &storm);
    Ok(report
        .figure("recovered after", "s", recovery.as_secs_f64())
        .figure("resident memory, idle", "MiB", idle_mib)
        .figure("resident memory, 3 s after a burst of 500 logins", "MiB", burst_mib)
        .figure("resident memory, peak in the storm", "MiB", peak_mib)
        .figure("resident memory, 5 s after the storm", "MiB", after_mib)
        .bound("recovery takes less than 5 s", recovery < RECOVERY)
        .bound("memory stays below the budget and 64 MiB", peak_mib < f64::from(budget_mib) + 64.0)
        .bound("memory returns to within 16 MiB of idle after a burst", burst_mib <= idle_mib + 16.0))
}

/// What became of the storm.
fn of_logins(report: Report, calm: &Calm, storm: &Storm) -> Report {
    let per_second = |wanted: &[u16]| {
        count(&storm.logins, |status| wanted.is_empty() || wanted.contains(&status)) / storm.lasted.as_secs_f64()
    };
    let refusals = of(&storm.logins, 503);
    let refused_ms = percentile_ms(&refusals, 0.99);
    let checked = per_second(&[200, 400]);
    let failed = count(&storm.logins, |status| ![200, 400, 503].contains(&status));
    report
        .figure("capacity: logins, 16 connections", "1/s", calm.capacity)
        .figure("storm: requests", "1/s", per_second(&[]))
        .figure("storm: passwords checked", "1/s", checked)
        .figure("storm: of these, logged in", "1/s", per_second(&[200]))
        .figure("storm: refused with 503", "1/s", per_second(&[503]))
        .figure("a refusal, median", "ms", percentile_ms(&refusals, 0.5))
        .figure("a refusal, p99", "ms", refused_ms)
        .bound("passwords checked are 80 % of the capacity", checked >= 0.8 * calm.capacity)
        .bound("refusals take less than 20 ms (p99)", refused_ms < 20.0)
        .bound("every login is answered with 200, 400 or 503", failed == 0.0)
}

/// How the others fared.
fn of_others(report: Report, calm: &Calm, storm: &Storm) -> Report {
    let (before, during) = (&calm.probes, &of(&storm.probes, 200));
    let (before_ms, during_ms) = (percentile_ms(before, 0.99), percentile_ms(during, 0.99));
    let failed = count(&storm.probes, |status| status != 200) + count(&storm.guests, |status| status != 200);
    report
        .figure("GET /users/me, median, idle", "ms", percentile_ms(before, 0.5))
        .figure("GET /users/me, median, in the storm", "ms", percentile_ms(during, 0.5))
        .figure("GET /users/me, p99, idle", "ms", before_ms)
        .figure("GET /users/me, p99, in the storm", "ms", during_ms)
        .figure("a login from elsewhere, median, idle", "ms", calm.login_ms)
        .figure("a login from elsewhere, median, in the storm", "ms", percentile_ms(&of(&storm.guests, 200), 0.5))
        .figure("requests of others that failed", "", failed)
        .bound("GET /users/me takes at most twice as long (p99)", during_ms <= 2.0 * before_ms)
        .bound("nobody else gets an error", failed == 0.0)
}

/// Logins that come all at once, each on a connection of its own (S-038). Most are refused.
async fn burst(address: &str, login: &Arc<[u8]>) -> Result<()> {
    let clients: Vec<_> = (0..500)
        .map(|_| {
            let (address, login) = (address.to_owned(), Arc::clone(login));
            tokio::spawn(async move { Connection::open(&address, GUEST_ADDRESS).await?.ask(&login).await })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    Ok(())
}

/// What the server does without a storm.
struct Calm {
    capacity: f64,
    login_ms: f64,
    probes: Vec<Duration>,
}

async fn calmly(address: &str, probe: &Arc<[u8]>, login: &Arc<[u8]>) -> Result<Calm> {
    let until = Instant::now() + CALM;
    let pace = |from, every| Pace { from, first: Instant::now(), every, until };
    let probes = ask_at_pace(address.to_owned(), pace(PROBE_ADDRESS, PROBE), |_| Arc::clone(probe)).await;
    let capacity = answers_per_second(address, login, 16, CALM).await?;
    let mut connection = Connection::open(address, GUEST_ADDRESS).await?;
    let mut logins = Vec::new();
    for _ in 0..9 {
        let asked = Instant::now();
        connection.ask(login).await?;
        logins.push(asked.elapsed());
    }
    Ok(Calm { capacity, login_ms: percentile_ms(&logins, 0.5), probes: of(&probes, 200) })
}

/// What became of the requests in the storm.
struct Storm {
    logins: Answers,
    probes: Answers,
    guests: Answers,
    /// From the first request to the last answer.
    lasted: Duration,
}

async fn storm(address: &str, capacity: f64, span: Duration, (probe, good): (&Arc<[u8]>, &Arc<[u8]>)) -> Result<Storm> {
    let every = Duration::from_secs_f64(f64::from(CONNECTIONS) / (TIMES * capacity).min(MOST_PER_S));
    let wrong: Arc<[u8]> = login_request_with(address, "wrong-horse-1").into();
    let (first, until) = (Instant::now(), Instant::now() + span);
    let at = |from, first, every| Pace { from, first, every, until };
    let constantly = |pace, request: &Arc<[u8]>| {
        let request = Arc::clone(request);
        tokio::spawn(ask_at_pace(address.to_owned(), pace, move |_| Arc::clone(&request)))
    };
    let probes = constantly(at(PROBE_ADDRESS, first, PROBE), probe);
    let guests = constantly(at(GUEST_ADDRESS, first, GUEST), good);
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let (good, wrong) = (Arc::clone(good), Arc::clone(&wrong));
            let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 0, 1, 1)) + u32::from(number % SOURCES));
            let pace = at(from, first + every * u32::from(number) / u32::from(CONNECTIONS), every);
            let request = move |nth: usize| {
                Arc::clone(if (nth + usize::from(number)).is_multiple_of(10) { &good } else { &wrong })
            };
            tokio::spawn(ask_at_pace(address.to_owned(), pace, request))
        })
        .collect();
    let mut logins = Vec::new();
    for client in clients {
        logins.extend(client.await?);
    }
    let lasted = first.elapsed();
    Ok(Storm { logins, probes: probes.await?, guests: guests.await?, lasted })
}

/// How long it takes, after the last answer to the storm, until a login is about as quick as before.
async fn recover(address: &str, login: &[u8], calm_ms: f64) -> Result<Duration> {
    let ended = Instant::now();
    loop {
        let asked = Instant::now();
        load::ask(address, login).await?;
        let took_ms = asked.elapsed().as_secs_f64() * 1000.0;
        if took_ms <= 2.0 * calm_ms || ended.elapsed() > 4 * RECOVERY {
            return Ok(ended.elapsed());
        }
    }
}

/// The resident memory of the server, looked at again and again by a thread that ends with this value.
struct Memory {
    watching: Arc<AtomicBool>,
    peak: std::thread::JoinHandle<f64>,
}

impl Memory {
    fn watch(server: &Server) -> Result<Self> {
        let process = server.process_id();
        let watching = Arc::new(AtomicBool::new(true));
        let go_on = Arc::clone(&watching);
        let mut peak_mib = crate::server::resident_mib(process)?;
        let peak = std::thread::spawn(move || {
            while go_on.load(Ordering::Relaxed) {
                peak_mib = crate::server::resident_mib(process).map_or(peak_mib, |now| now.max(peak_mib));
                std::thread::sleep(Duration::from_millis(20));
            }
            peak_mib
        });
        Ok(Self { watching, peak })
    }

    fn peak_mib(self) -> f64 {
        self.watching.store(false, Ordering::Relaxed);
        self.peak.join().unwrap_or(f64::NAN)
    }
}

/// How long the answers of this status took.
fn of(answers: &Answers, wanted: u16) -> Vec<Duration> {
    answers.iter().filter(|(status, _)| *status == wanted).map(|(_, took)| *took).collect()
}

fn count(answers: &Answers, is_counted: impl Fn(u16) -> bool) -> f64 {
    f64::from(u32::try_from(answers.iter().filter(|(status, _)| is_counted(*status)).count()).unwrap_or(u32::MAX))
}

fn percentile_ms(times: &[Duration], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}
