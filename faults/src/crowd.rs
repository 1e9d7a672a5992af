//! The crowd: people who register, log in, refresh, log out, change their passwords, are disabled and given scopes, all at once,
//! each knowing what they were told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::account::{Account, Act, Session};
use crate::http::{Answer, Reply, Request};
use crate::ledger::{Ledger, Outcome};
use crate::random::Random;

/// Alive at one time for each account.
const MOST_SESSIONS: usize = 3;
/// Accounts of one member that are asked about at one time; older ones rest.
const MOST_ACTIVE: usize = 12;
/// How long somebody waits to whom nobody listens, or who is told to come later.
const PAUSE: Duration = Duration::from_millis(20);

/// Where the servers are; faults change it while the load runs.
#[derive(Clone)]
pub(crate) struct Target {
    addresses: Arc<RwLock<Vec<SocketAddr>>>,
    turn: Arc<AtomicUsize>,
    is_dark: Arc<AtomicBool>,
    /// How long the checker asks again who gets no answer, or 503.
    pub(crate) patience: Duration,
}

/// What the crowd may do; the token of an administrator, and how fast.
#[derive(Clone)]
pub(crate) struct Manners {
    pub(crate) administrator: String,
    /// Between two acts of one member.
    pub(crate) pause: Duration,
    /// Whether passwords are hashed: registrations, logins, new passwords. Without them there are more writes.
    pub(crate) rarely_hashes: bool,
}

/// All members, and the ledger.
pub(crate) struct Crowd {
    pub(crate) members: Vec<Member>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) target: Target,
    pub(crate) manners: Manners,
}

/// One who acts for some accounts, which nobody else touches.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) accounts: Vec<Account>,
    pub(crate) random: Random,
    number: usize,
    /// How many accounts were asked for.
    asked: usize,
}

impl Target {
    pub(crate) fn of(addresses: &[SocketAddr]) -> Self {
        let target = Self {
            addresses: Arc::default(),
            turn: Arc::default(),
            is_dark: Arc::default(),
            patience: Duration::from_secs(30),
        };
        target.set(addresses);
        target
    }

    pub(crate) fn set(&self, addresses: &[SocketAddr]) {
        *self.addresses.write().unwrap_or_else(PoisonError::into_inner) = addresses.to_vec();
        self.is_dark.store(false, Ordering::SeqCst);
    }

    /// From now on, until there are servers again, nobody could have answered: what comes all the same acknowledges nothing.
    pub(crate) fn go_dark(&self) {
        self.is_dark.store(true, Ordering::SeqCst);
    }

    /// The next one, in turns.
    pub(crate) fn next(&self) -> Option<SocketAddr> {
        let addresses = self.addresses.read().unwrap_or_else(PoisonError::into_inner);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        addresses.get(turn % addresses.len().max(1)).copied()
    }

    pub(crate) fn send(&self, request: &Request) -> Reply {
        self.next().map_or(Reply::NotSent, |address| request.send(address))
    }

    /// Asks until there is an answer that is no 503.
    pub(crate) fn send_until_answered(&self, request: &Request) -> Result<Answer> {
        let begun = Instant::now();
        loop {
            match self.send(request) {
                Reply::Answer(answer) if answer.status != 503 && answer.status != 429 => return Ok(answer),
                reply if begun.elapsed() > self.patience => {
                    bail!("no answer within {:?}, the last was {}", self.patience, reply.status())
                }
                _ => std::thread::sleep(PAUSE),
            }
        }
    }
}

impl Crowd {
    pub(crate) fn new(size: usize, seed: u64, ledger: Ledger, target: Target, manners: Manners) -> Self {
        let member = |number: usize| Member {
            accounts: Vec::new(),
            random: Random::new(seed ^ (number as u64) << 40),
            number,
            asked: 0,
        };
        Self { members: (0..size).map(member).collect(), ledger: Arc::new(ledger), target, manners }
    }

    /// Everybody acts as long as `work` takes.
    pub(crate) fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let stop = AtomicBool::new(false);
        let (ledger, target, manners) = (&self.ledger, &self.target, &self.manners);
        std::thread::scope(|scope| {
            let _stopped = StopAtEnd(&stop);
            for member in &mut self.members {
                let stop = &stop;
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        member.act(ledger, target, manners);
                        std::thread::sleep(manners.pause);
                    }
                });
            }
            work()
        })
    }

    /// Everybody acts for so long.
    pub(crate) fn act_for(&mut self, time: Duration) {
        self.during(|| std::thread::sleep(time));
    }
}

/// Also when the work panics: the members would act for ever.
struct StopAtEnd<'s>(&'s AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Member {
    /// Does one thing, whatever comes next.
    fn act(&mut self, ledger: &Ledger, target: &Target, manners: &Manners) {
        let active: Vec<_> = (0..self.accounts.len())
            .rev()
            .filter(|at| self.accounts.get(*at).is_some_and(|account| account.pending.is_none()))
            .take(MOST_ACTIVE)
            .collect();
        let dice = self.random.below(100);
        let hashes = !manners.rarely_hashes || dice < 2 || active.is_empty();
        let at = active.get(self.random.below(active.len())).copied();
        let (at, act) = match at {
            Some(at) if !(hashes && dice < 6) => (at, self.choose(at, hashes)),
            _ => (self.open_account(), Act::Register),
        };
        let Some(account) = self.accounts.get_mut(at) else { return };
        let Some(request) = request_of(account, &act, &manners.administrator, &mut self.random) else { return };
        account.begin(&act);
        ledger.ask(&account.name, &act);
        let asked = Instant::now();
        let reply = target.send(&request);
        let is_dark = target.is_dark.load(Ordering::SeqCst);
        let outcome = if is_dark { Outcome::Unknown } else { settle(account, &act, &reply) };
        let took_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        ledger.note(&account.name, &act, outcome, (reply.status(), took_ms));
        if outcome == Outcome::Odd
            && let Reply::Answer(answer) = &reply
        {
            ledger.tell(answer.body.clone());
        }
        if outcome == Outcome::Refused && act == Act::Register {
            self.accounts.remove(at);
        }
        if outcome != Outcome::Acknowledged {
            std::thread::sleep(PAUSE);
        }
    }

    fn open_account(&mut self) -> usize {
        self.asked += 1;
        let name = format!("m{}x{}x{:06x}", self.number, self.asked, self.random.next() & 0xff_ffff);
        let password = new_password(&mut self.random);
        self.accounts.push(Account::new(name, password));
        self.accounts.len() - 1
    }

    fn choose(&mut self, at: usize, hashes: bool) -> Act {
        let Some(state) = self.accounts.get(at).map(|account| &account.state) else { return Act::LogIn };
        if state.disabled {
            return Act::SetDisabled(false);
        }
        let alive = state.alive();
        let Some(session) = alive.get(self.random.below(alive.len())).copied() else { return Act::LogIn };
        let may_log_in = hashes && alive.len() < MOST_SESSIONS;
        match self.random.below(100) {
            0..20 if may_log_in => Act::LogIn,
            20..24 if hashes => Act::ChangePassword(new_password(&mut self.random)),
            24..34 if hashes || alive.len() > 1 => Act::End(session),
            34..36 if hashes => Act::EndAll,
            36..39 if hashes => Act::SetDisabled(true),
            39..46 => Act::SetLevel(u32::try_from(self.random.below(1000)).unwrap_or_default()),
            _ => Act::Refresh(session),
        }
    }
}

fn new_password(random: &mut Random) -> String {
    format!("quite-{:016x}", random.next())
}

/// The request that asks for an act; `None` if it cannot be asked for.
fn request_of(account: &Account, act: &Act, administrator: &str, random: &mut Random) -> Option<Request> {
    let state = &account.state;
    let session = |at: &usize| state.sessions.get(*at);
    let of_admin = |body| {
        let id = account.id.as_ref()?;
        Some(Request::json("PATCH", format!("/users/{id}"), &body).bearer(administrator))
    };
    match act {
        Act::Register => {
            let body = json!({ "username": account.name, "password": state.password });
            Some(Request::json("POST", "/users", &body))
        }
        Act::LogIn => Some(log_in(&account.name, &state.password)),
        Act::Refresh(at) => Some(refresh(&session(at)?.refresh)),
        Act::End(at) => {
            let session = session(at)?;
            let is_good = state.takes(session.is_alive, session.level);
            let token = if is_good && random.below(2) == 0 { &session.access } else { &session.refresh };
            Some(Request::form("/revoke", &[("token", token)]))
        }
        Act::EndAll => Some(Request::delete("/users/me/sessions").bearer(&state.one_to_act_in()?.access)),
        Act::ChangePassword(new) => {
            let body = json!({ "current_password": state.password, "new_password": new });
            Some(Request::json("PUT", "/users/me/password", &body).bearer(&state.one_to_act_in()?.access))
        }
        Act::SetDisabled(disabled) => of_admin(json!({ "disabled": disabled })),
        Act::SetLevel(level) => of_admin(json!({ "scopes": ["base", format!("level:{level}")] })),
    }
}

pub(crate) fn log_in(name: &str, password: &str) -> Request {
    let pairs = [("grant_type", "password"), ("username", name), ("password", password), ("scope", "offline_access")];
    Request::form("/token", &pairs)
}

pub(crate) fn refresh(token: &str) -> Request {
    Request::form("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

pub(crate) fn whoami(access: &str) -> Request {
    Request::get("/users/me").bearer(access)
}

/// Writes down what the reply means.
fn settle(account: &mut Account, act: &Act, reply: &Reply) -> Outcome {
    let answer = match reply {
        // Throttled: refused before anything was looked at.
        Reply::Answer(answer) if answer.status == 429 => {
            account.withdraw();
            return Outcome::Refused;
        }
        Reply::Answer(answer) if answer.status == 503 => return Outcome::Unknown,
        Reply::Answer(answer) => answer,
        Reply::NotSent => {
            account.withdraw();
            return Outcome::Refused;
        }
        Reply::Lost => return Outcome::Unknown,
    };
    let wanted = match act {
        Act::Register => 201,
        Act::EndAll | Act::ChangePassword(_) => 204,
        _ => 200,
    };
    if answer.status != wanted || take_in(account, act, answer).is_err() {
        return Outcome::Odd;
    }
    account.acknowledge();
    Outcome::Acknowledged
}

/// What only the answer tells.
fn take_in(account: &mut Account, act: &Act, answer: &Answer) -> Result<()> {
    match act {
        Act::Register => account.id = Some(answer.text("id").context("no id")?),
        Act::LogIn => account.state.sessions.push(new_session(answer)?),
        Act::Refresh(at) => {
            let next = new_session(answer)?;
            let session = account.state.sessions.get_mut(*at).context("no session")?;
            session.go_on(next);
        }
        _ => {}
    }
    Ok(())
}

/// The pair of tokens that an answer holds.
pub(crate) fn new_session(answer: &Answer) -> Result<Session> {
    let access = answer.text("access_token").context("no access token")?;
    let refresh = answer.text("refresh_token").context("no refresh token")?;
    Ok(Session::new(access, refresh, &answer.text("scope").unwrap_or_default()))
}
