//! Many more logins than any of the programs can check, nine of ten with a wrong password, while somebody who is logged in
//! goes on working.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::{sleep_until, timeout};

use super::figures::Run;
use super::program::{PASSWORD, Running, WRONG_PASSWORD};
use crate::load::{Answers, Connection};

pub(crate) const CLIENTS: u32 = 500;
/// Between two logins of one client, which waits for the answer however.
pub(crate) const EVERY: Duration = Duration::from_millis(500);
pub(crate) const SPAN: Duration = Duration::from_secs(10);
/// When a client gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// One login in so many has the right password.
const ONE_IN: usize = 10;
/// Connections that ask for the account meanwhile.
const PROBES: u32 = 4;
const PROBE_EVERY: Duration = Duration::from_millis(40);

/// Measures one storm against a program that has just been started.
pub(crate) async fn measure(run: &mut Run, running: &Running) -> Result<()> {
    let me: Arc<[u8]> = running.log_in().await?.into();
    let good: Arc<[u8]> = running.login_request(PASSWORD).into();
    let wrong: Arc<[u8]> = running.login_request(WRONG_PASSWORD).into();
    let began = Instant::now();
    let until = began + SPAN;
    let probes: Vec<_> = (0..PROBES)
        .map(|number| {
            let client = Client::new(running, began + PROBE_EVERY * number / PROBES, PROBE_EVERY);
            let me = Arc::clone(&me);
            tokio::spawn(client.ask_until(until, move |_| Arc::clone(&me)))
        })
        .collect();
    let logins: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let client = Client::new(running, began + EVERY * number / CLIENTS, EVERY);
            let (good, wrong) = (Arc::clone(&good), Arc::clone(&wrong));
            let request = move |nth: usize| {
                let is_good = (nth + usize::try_from(number).unwrap_or_default()).is_multiple_of(ONE_IN);
                Arc::clone(if is_good { &good } else { &wrong })
            };
            tokio::spawn(client.ask_until(until, request))
        })
        .collect();
    let (mut answers, mut meanwhile) = (Answers::new(), Answers::new());
    for client in logins {
        answers.extend(client.await?);
    }
    for client in probes {
        meanwhile.extend(client.await?);
    }
    report(run, running, (&answers, &meanwhile), began.elapsed())
}

fn report(run: &mut Run, running: &Running, (logins, probes): (&Answers, &Answers), took: Duration) -> Result<()> {
    let program = running.program;
    let per_second = |wanted: &dyn Fn(u16) -> bool| {
        let count = logins.iter().filter(|(status, _)| wanted(*status)).count();
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
    };
    run.add(program, "storm_sent_per_s", per_second(&|_| true));
    run.add(program, "storm_good_per_s", per_second(&|status| status == 200));
    run.add(program, "storm_wrong_per_s", per_second(&|status| [400, 401].contains(&status)));
    run.add(program, "storm_refused_per_s", per_second(&|status| [429, 503].contains(&status)));
    let odd = |status| ![200, 400, 401, 429, 503].contains(&status);
    run.add(program, "storm_unanswered_per_s", per_second(&odd));
    let mut times: Vec<f64> = probes.iter().map(|(_, took)| took.as_secs_f64() * 1000.0).collect();
    times.sort_by(f64::total_cmp);
    let percentile = |hundredth: usize| times.get(times.len() * hundredth / 100).copied().unwrap_or(f64::NAN);
    run.add(program, "storm_me_p50_ms", percentile(50));
    run.add(program, "storm_me_p99_ms", percentile(99));
    let good = u32::try_from(probes.iter().filter(|(status, _)| *status == 200).count())?;
    run.add(program, "storm_me_answered", 100.0 * f64::from(good) / f64::from(u32::try_from(probes.len())?));
    run.add(program, "storm_peak_mib", running.peak_mib()?);
    Ok(())
}

/// One client, which asks at a pace on one connection and gives up what takes too long.
struct Client {
    address: String,
    first: Instant,
    every: Duration,
}

impl Client {
    fn new(running: &Running, first: Instant, every: Duration) -> Self {
        Self { address: running.address.clone(), first, every }
    }

    /// What became of each request: its status, 0 where no answer came.
    async fn ask_until(self, until: Instant, request: impl Fn(usize) -> Arc<[u8]>) -> Answers {
        let (mut connection, mut answers, mut next) = (None, Answers::new(), self.first);
        while next < until {
            sleep_until(next.into()).await;
            let sent = Instant::now();
            let answer = timeout(PATIENCE, self.ask(&mut connection, &request(answers.len()))).await;
            let status = answer.ok().and_then(Result::ok).unwrap_or_default();
            if status == 0 {
                connection = None;
            }
            answers.push((status, sent.elapsed()));
            next = (next + self.every).max(Instant::now());
        }
        answers
    }

    async fn ask(&self, slot: &mut Option<Connection>, request: &[u8]) -> Result<u16> {
        let connection = match slot {
            Some(connection) => connection,
            None => slot.insert(Connection::open(&self.address, Ipv4Addr::LOCALHOST).await?),
        };
        connection.ask(request).await
    }
}
