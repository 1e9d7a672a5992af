//! One, two and four servers on one PostgreSQL, asked in turns by as many connections together.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::load::Connection;
use crate::scale::engine::{Engine, cpu_s};
use crate::scale::figures::Figures;
use crate::scale::rows::mix;
use crate::scale::steps::{Tokens, login_request, refresh_request};
use crate::server::{Server, me_request};

/// How many servers are asked.
pub(crate) const COUNTS: [usize; 3] = [1, 2, 4];
const ROUNDS: usize = 3;
const CONNECTIONS: usize = 24;
/// Of these log in so many: a server hashes for one address within bounds, and refuses more with 503.
const LOG_IN: usize = 8;
const SPAN: Duration = Duration::from_secs(3);

/// What clients do again and again.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    Me,
    Refresh,
    Login,
}

impl Work {
    pub(crate) const ALL: [Self; 3] = [Self::Me, Self::Refresh, Self::Login];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Me => "GET /users/me",
            Self::Refresh => "refresh",
            Self::Login => "login",
        }
    }
}

/// The names of the figures of a kind of work on so many servers: requests a second, and CPU microseconds of each.
pub(crate) fn names(work: Work, servers: usize) -> [String; 3] {
    let of = |what: &str| format!("{} on {servers}: {what}", work.name());
    [of("1/s"), of("server µs"), of("database µs")]
}

/// A client with a session of its own.
struct Client {
    number: u64,
    tokens: Tokens,
    logins: u64,
}

/// What one run of one kind of work gave.
struct Run {
    per_second: f64,
    server_us: f64,
    database_us: f64,
}

pub(crate) async fn measure(engine: &Engine, users: u64, figures: &mut Figures) -> Result<()> {
    let most = COUNTS.into_iter().max().unwrap_or(1);
    let servers: Vec<Server> = (0..most).map(|_| engine.serve()).collect::<Result<_>>()?;
    for server in &servers {
        super::calm_down(server).await?;
    }
    let mut clients = clients(&servers, users).await?;
    for work in Work::ALL {
        let mut runs: Vec<Vec<Run>> = COUNTS.iter().map(|_| Vec::new()).collect();
        for round in 0..=ROUNDS {
            for (count, runs) in COUNTS.iter().zip(&mut runs) {
                let run = run(engine, servers.get(..*count).unwrap_or(&servers), &mut clients, (work, users)).await?;
                // The first round warms up.
                if round > 0 {
                    runs.push(run);
                }
            }
        }
        for (count, runs) in COUNTS.into_iter().zip(&runs) {
            let [rate, server, database] = names(work, count);
            figures.note(engine.name, &rate, median(runs, |run| run.per_second));
            figures.note(engine.name, &server, median(runs, |run| run.server_us));
            figures.note(engine.name, &database, median(runs, |run| run.database_us));
        }
    }
    Ok(())
}

async fn clients(servers: &[Server], users: u64) -> Result<Vec<Client>> {
    let Some(server) = servers.first() else { return Ok(Vec::new()) };
    let mut connection = Connection::open(&server.address, Ipv4Addr::LOCALHOST).await?;
    let mut clients = Vec::new();
    for number in (0..).take(CONNECTIONS) {
        connection.ask_for_200(&login_request(&server.address, user(number, 0, users))).await?;
        clients.push(Client { number, tokens: Tokens::read(connection.body())?, logins: 0 });
    }
    Ok(clients)
}

fn user(client: u64, turn: u64, users: u64) -> u64 {
    mix((client << 32) | turn) % users
}

async fn run(
    engine: &Engine,
    servers: &[Server],
    clients: &mut Vec<Client>,
    (work, users): (Work, u64),
) -> Result<Run> {
    let cpu = || (servers.iter().map(|server| cpu_s(server.process_id())).sum::<f64>(), engine.database_cpu_s());
    let (before, begun) = (cpu(), Instant::now());
    let until = begun + SPAN;
    let at_work = if matches!(work, Work::Login) { LOG_IN } else { CONNECTIONS };
    let tasks: Vec<_> = clients
        .drain(..at_work.min(clients.len()))
        .zip(servers.iter().cycle())
        .map(|(client, server)| tokio::spawn(client.work(server.address.clone(), work, (users, until))))
        .collect();
    let mut answers = 0.0;
    for task in tasks {
        let (client, count) = task.await??;
        clients.push(client);
        answers += f64::from(count);
    }
    let (after, took) = (cpu(), begun.elapsed().as_secs_f64());
    Ok(Run {
        per_second: answers / took,
        server_us: (after.0 - before.0) * 1e6 / answers,
        database_us: (after.1 - before.1) * 1e6 / answers,
    })
}

impl Client {
    async fn work(mut self, address: String, work: Work, (users, until): (u64, Instant)) -> Result<(Self, u32)> {
        let mut connection = Connection::open(&address, Ipv4Addr::LOCALHOST).await?;
        let mut count = 0;
        while Instant::now() < until {
            self.logins += 1;
            let request = match work {
                Work::Me => me_request(&address, &self.tokens.access),
                Work::Refresh => refresh_request(&address, &self.tokens.refresh),
                Work::Login => login_request(&address, user(self.number, self.logins, users)),
            };
            connection.ask_for_200(&request).await?;
            if !matches!(work, Work::Me) {
                self.tokens = Tokens::read(connection.body())?;
            }
            count += 1;
        }
        Ok((self, count))
    }
}

fn median(runs: &[Run], of: fn(&Run) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
