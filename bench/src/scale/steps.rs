//! What is asked of one server at one size, one request at a time, so that each time is that of the work and not of a queue.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use countersign::session::{NewSession, Origin, Refresh, RefreshLink, Session, SessionId};
use countersign::sessions::MOST_SESSIONS;
use countersign::status::{StatusListId, StatusPlace};
use countersign::user::{Login, UserId};
use countersign_token::ScopeSet;
use serde_json::Value;

use crate::load::Connection;
use crate::scale::engine::{Engine, cpu_s};
use crate::scale::figures::{Figures, Series};
use crate::scale::rows::{Rows, SessionRow, mix};
use crate::server::{PASSWORD, Server, form_request, me_request};

/// Sessions that are purged in one step, as the server does it.
const PURGED_AT_ONCE: u64 = 500;
const PURGES: u64 = 40;
const LOGINS: u64 = 300;
const STORE_LOGINS: u64 = 1000;
const PAGES: u64 = 200;
const SEARCHES: u64 = 15;
/// Between two requests of somebody who has no part in the purge.
const PAUSE: Duration = Duration::from_millis(2);

/// A size of the database, its server, and where the figures go.
pub(crate) struct Site<'s> {
    pub(crate) engine: &'s Engine,
    pub(crate) rows: &'s Rows,
    pub(crate) users: u64,
    pub(crate) server: &'s Server,
    pub(crate) figures: &'s mut Figures,
}

/// What a login gives.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Site<'_> {
    /// Everything that one server is asked.
    pub(crate) async fn measure(&mut self) -> Result<()> {
        let before = self.engine.written(self.server).await?;
        let logins = (0..LOGINS).map(|turn| login_request(&self.server.address, mix(turn ^ 0x5eed) % self.users));
        let tokens = read_all(&self.ask("login", logins.collect()).await?)?;
        // The records of the audit log are written a moment later.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.note_written("login", before, LOGINS).await?;
        self.store_steps().await?;

        let before = self.engine.written(self.server).await?;
        let refreshes = tokens.iter().map(|tokens| refresh_request(&self.server.address, &tokens.refresh)).collect();
        let tokens = read_all(&self.ask("refresh", refreshes).await?)?;
        self.note_written("refresh", before, LOGINS).await?;

        let own =
            |path: &str| tokens.iter().map(|tokens| get_request(&self.server.address, path, &tokens.access)).collect();
        self.ask("GET /users/me", [own("/users/me"), own("/users/me"), own("/users/me")].concat()).await?;
        self.ask("GET /users/me/sessions", own("/users/me/sessions")).await?;
        self.listings().await?;
        self.purges(&tokens).await
    }

    /// What a login asks of the store, without the hash and the rest: by the store itself, of another process than the server's.
    async fn store_steps(&mut self) -> Result<()> {
        let store = self.engine.store().await?;
        let cpu = || (cpu_s(std::process::id()), self.engine.database_cpu_s());
        let (before, mut times) = (cpu(), Vec::new());
        for turn in 0..STORE_LOGINS {
            let number = mix(turn ^ 0xfeed) % self.users;
            let login = Login::parse(&Rows::username(number));
            let new = new_session(&self.rows.begun(number, self.users + turn));
            let user = new.session.user;
            let begun = Instant::now();
            let found = store.find_credentials(&login).await?;
            let is_there = store.find_by_id(user).await?.is_some();
            let is_begun = store.begin_session(&new).await?.is_some();
            times.push(begun.elapsed());
            anyhow::ensure!(found.is_some() && is_there && is_begun, "the store did not do as a login wants it");
        }
        let after = cpu();
        self.keep("what a login asks of the store", &times, (after.0 - before.0, after.1 - before.1));
        Ok(())
    }

    async fn listings(&mut self) -> Result<()> {
        let address = self.server.address.clone();
        let form = format!("grant_type=password&username=admin&password={PASSWORD}&scope=users:read");
        let mut connection = Connection::open(&address, Ipv4Addr::LOCALHOST).await?;
        connection.ask_for_200(&form_request(&address, "/token", &form)).await?;
        let admin = Tokens::read(connection.body())?.access;
        let list = |query: &str| get_request(&address, &format!("/users?limit=50{query}"), &admin);
        let (users, rows) = (self.users, self.rows);
        let deep = |turn: u64| users * 9 / 10 - 60 - mix(turn) % (users / 3);
        let after = |turn| format!("&after={}", UserId::from_bytes(rows.user_id(deep(turn))));
        let rare = |turn| format!("&search={}", Rows::username(deep(turn)));
        self.ask("a list of users, the first page", (0..PAGES).map(|_| list("")).collect()).await?;
        self.ask("a list of users, a deep page", (0..PAGES).map(|turn| list(&after(turn))).collect()).await?;
        self.ask("a search that many fit", (0..PAGES).map(|_| list("&search=ada.")).collect()).await?;
        self.ask("a search that one fits", (0..SEARCHES).map(|turn| list(&rare(turn))).collect()).await?;
        Ok(())
    }

    /// Purges by the store itself, while others go on.
    async fn purges(&mut self, tokens: &[Tokens]) -> Result<()> {
        self.engine.add_short_sessions(self.rows, self.users, PURGED_AT_ONCE * PURGES).await?;
        let store = self.engine.store().await?;
        let is_over = Arc::new(AtomicBool::new(false));
        let reads = tokens.iter().map(|tokens| me_request(&self.server.address, &tokens.access)).collect();
        let refreshes = tokens.iter().map(|tokens| refresh_request(&self.server.address, &tokens.refresh)).collect();
        let reading = tokio::spawn(ask_while(self.server.address.clone(), reads, Arc::clone(&is_over)));
        let writing = tokio::spawn(ask_while(self.server.address.clone(), refreshes, Arc::clone(&is_over)));
        let mut times = Vec::new();
        for _ in 0..PURGES {
            let begun = Instant::now();
            let purged = store.purge_sessions(self.rows.purged_at(), usize::try_from(PURGED_AT_ONCE)?).await?;
            times.push(begun.elapsed());
            anyhow::ensure!(purged > 0, "there was nothing to purge");
            tokio::time::sleep(PAUSE).await;
        }
        is_over.store(true, Ordering::Relaxed);
        let (reads, writes) = (reading.await??, writing.await??);
        self.keep("a purge of 500 sessions", &times, (0.0, 0.0));
        self.keep("GET /users/me during a purge", &reads, (0.0, 0.0));
        self.keep("refresh during a purge", &writes, (0.0, 0.0));
        Ok(())
    }

    /// Sends these one after another, and keeps how long each took and what CPU time one took on the average.
    async fn ask(&mut self, what: &'static str, requests: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let mut connection = Connection::open(&self.server.address, Ipv4Addr::LOCALHOST).await?;
        let cpu = || (cpu_s(self.server.process_id()), self.engine.database_cpu_s());
        let (before, mut times, mut answers) = (cpu(), Vec::new(), Vec::new());
        for request in &requests {
            let begun = Instant::now();
            connection.ask_for_200(request).await.with_context(|| what)?;
            times.push(begun.elapsed());
            answers.push(connection.body().to_vec());
        }
        let after = cpu();
        self.keep(what, &times, (after.0 - before.0, after.1 - before.1));
        Ok(answers)
    }

    fn keep(&mut self, what: &str, times: &[Duration], cpu: (f64, f64)) {
        let series = Series::new((self.engine.name, self.users), what, times, cpu);
        eprintln!("  {series}");
        self.figures.series.push(series);
    }

    async fn note_written(&mut self, what: &str, before: f64, count: u64) -> Result<()> {
        let bytes = self.engine.written(self.server).await? - before;
        let each = bytes / f64::from(u32::try_from(count)?);
        self.figures.note(self.engine.name, &format!("bytes written for a {what} at {}", self.users), each);
        Ok(())
    }
}

impl Tokens {
    pub(crate) fn read(answer: &[u8]) -> Result<Self> {
        let answer: Value = serde_json::from_slice(answer)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { access: text("access_token"), refresh: text("refresh_token") })
    }
}

fn read_all(answers: &[Vec<u8>]) -> Result<Vec<Tokens>> {
    answers.iter().map(|answer| Tokens::read(answer)).collect()
}

fn new_session(row: &SessionRow) -> NewSession {
    let refresh = row.refresh.map(|(_, hash, until)| Refresh {
        link: RefreshLink { number: 0, hash },
        until,
        ends_at: until + 23 * 86_400,
    });
    let index = u16::try_from(row.place).unwrap_or(0);
    let session = Session {
        id: SessionId::from_bytes(row.id),
        user: UserId::from_bytes(row.user),
        client: "first-party".to_owned(),
        scope: ScopeSet::default(),
        origin: Origin { address: Some(row.address.clone()), user_agent: Some(row.user_agent.to_owned()) },
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        access_until: row.access_until,
        status: Some(StatusPlace { list: StatusListId::from_bytes(row.list), index }),
        refresh,
    };
    NewSession { session, generation: 0, most: MOST_SESSIONS }
}

/// The times of requests that are sent until it is over.
async fn ask_while(address: String, requests: Vec<Vec<u8>>, is_over: Arc<AtomicBool>) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(&address, Ipv4Addr::LOCALHOST).await?;
    let mut times = Vec::new();
    for request in requests.iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let begun = Instant::now();
        connection.ask_for_200(request).await?;
        times.push(begun.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    Ok(times)
}

/// The login of the user with this number, who wants a refresh token.
pub(crate) fn login_request(address: &str, number: u64) -> Vec<u8> {
    let name = Rows::username(number);
    let form = format!("grant_type=password&username={name}&password={PASSWORD}&scope=offline_access");
    form_request(address, "/token", &form)
}

pub(crate) fn refresh_request(address: &str, token: &str) -> Vec<u8> {
    form_request(address, "/token", &format!("grant_type=refresh_token&refresh_token={token}"))
}

fn get_request(address: &str, path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}
