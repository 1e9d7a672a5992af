//! The checker: what the server says now, held against the ledger. An act of unknown outcome has happened wholly or not at all.

use std::ops::AddAssign;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::account::{Account, State, level_in};
use crate::crowd::{Crowd, Manners, Member, Target, log_in, new_session, refresh, whoami};
use crate::http::Request;

/// Endings that are looked at again with each check of everything; the older ones have been, and are forgotten.
const MOST_ENDINGS: usize = 4;
const MOST_EXAMPLES: usize = 8;

/// Which accounts are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Those that something was asked of since the last check.
    Touched,
    /// All, with all their passwords.
    Everything,
    /// All, for what was ended and is good again; what is refused may have expired, or be not yet good, by a clock that jumped.
    Endings,
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) accounts: u64,
    /// Facts that were compared.
    pub(crate) facts: u64,
    /// Acknowledged, and gone.
    pub(crate) lost: u64,
    /// Ended or used, and good again.
    pub(crate) undone: u64,
    /// Neither as before an act of unknown outcome nor as after it.
    pub(crate) between: u64,
    /// Acts without an answer that have happened.
    pub(crate) ghosts: u64,
    pub(crate) examples: Vec<String>,
}

/// How the server differs from what it should say.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Difference {
    Lost(String),
    Undone(String),
}

/// What the server says of an account.
#[derive(Default)]
struct Sight {
    exists: bool,
    disabled: bool,
    level: Option<u32>,
    /// Whether each password that was tried opens it.
    passwords: Vec<(String, bool)>,
    sessions: Vec<SessionSight>,
}

/// Which tokens of a session are good.
#[derive(Clone, Copy, Default)]
struct SessionSight {
    access: bool,
    /// The level that the access token carries.
    level: Option<u32>,
    refresh: bool,
}

impl AddAssign for Findings {
    fn add_assign(&mut self, other: Self) {
        self.accounts += other.accounts;
        self.facts += other.facts;
        self.lost += other.lost;
        self.undone += other.undone;
        self.between += other.between;
        self.ghosts += other.ghosts;
        self.examples.extend(other.examples);
        self.examples.truncate(MOST_EXAMPLES);
    }
}

impl Findings {
    /// Nothing is lost, undone, or half done.
    pub(crate) fn is_good(&self) -> bool {
        self.lost + self.undone + self.between == 0
    }

    fn tell(&mut self, example: String) {
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(example);
        }
    }
}

impl Crowd {
    /// Compares what the servers say with the ledger, and writes what became of acts of unknown outcome into it.
    pub(crate) fn check(&mut self, depth: Depth) -> Result<Findings> {
        let (target, manners) = (&self.target, &self.manners);
        let found: Vec<Result<Findings>> = std::thread::scope(|scope| {
            let members: Vec<_> = self
                .members
                .iter_mut()
                .map(|member| scope.spawn(move || check_member(member, target, manners, depth)))
                .collect();
            members.into_iter().map(|member| member.join().unwrap_or_else(|_| bail!("a checker panicked"))).collect()
        });
        let mut findings = Findings::default();
        for found in found {
            findings += found?;
        }
        Ok(findings)
    }
}

fn check_member(member: &mut Member, target: &Target, manners: &Manners, depth: Depth) -> Result<Findings> {
    let mut findings = Findings::default();
    let Member { accounts, random, .. } = member;
    for account in accounts.iter_mut().filter(|account| depth != Depth::Touched || account.is_touched) {
        let looks_at_password = depth != Depth::Touched || account.is_password_touched || account.pending.is_some();
        let acknowledged = account.state.clone();
        check_account(account, target, manners, looks_at_password, &mut findings)
            .with_context(|| format!("the account {}", account.name))?;
        if depth == Depth::Endings {
            // Refused for now is not ended.
            for (session, before) in account.state.sessions.iter_mut().zip(&acknowledged.sessions) {
                session.is_alive = before.is_alive;
            }
        }
        if random.below(4) == 0 {
            present_used_token(account, target, &mut findings)?;
        }
        let endings = account.state.sessions.iter().filter(|session| !session.is_alive).count();
        let mut forgotten = endings.saturating_sub(MOST_ENDINGS);
        account.state.sessions.retain(|session| {
            let forget = forgotten > 0 && !session.is_alive;
            forgotten -= usize::from(forget);
            !forget
        });
        (account.is_touched, account.is_password_touched) = (false, false);
    }
    // Registrations that turned out not to have happened: nobody has been told of them.
    accounts.retain(|account| account.state.exists);
    Ok(findings)
}

/// Held against the state as acknowledged and, if an act is pending, as after it.
fn check_account(
    account: &mut Account,
    target: &Target,
    manners: &Manners,
    looks_at_password: bool,
    findings: &mut Findings,
) -> Result<()> {
    let pending = account.pending.take();
    let after = pending.as_ref().map(|act| account.state.after(act));
    let sight = look(account, after.as_ref(), target, manners, looks_at_password)?;
    findings.accounts += 1;
    findings.facts += (sight.passwords.len() + 2 * sight.sessions.len() + 3) as u64;
    let differences = differences(&account.state, &sight);
    if differences.is_empty() {
        return Ok(());
    }
    if let (Some(after), Some(act)) = (after, &pending) {
        let others = self::differences(&after, &sight);
        if others.is_empty() {
            findings.ghosts += 1;
        } else {
            findings.between += 1;
            findings.tell(format!("{} is between: {act:?}: {differences:?}, {others:?}", account.name));
        }
        account.state = after;
    } else {
        for difference in &differences {
            match difference {
                Difference::Lost(_) => findings.lost += 1,
                Difference::Undone(_) => findings.undone += 1,
            }
        }
        findings.tell(format!("{}: {differences:?}", account.name));
    }
    agree(&mut account.state, &sight);
    Ok(())
}

/// What was found is told once: from now on it is expected.
fn agree(state: &mut State, sight: &Sight) {
    (state.exists, state.disabled, state.level) = (sight.exists, sight.disabled, sight.level);
    if let Some((good, _)) = sight.passwords.iter().find(|(_, is_good)| *is_good) {
        state.password.clone_from(good);
    }
    for (session, seen) in state.sessions.iter_mut().zip(&sight.sessions) {
        session.is_alive = seen.refresh;
    }
}

fn differences(state: &State, sight: &Sight) -> Vec<Difference> {
    let mut found = Vec::new();
    let (lost, undone) =
        (|what: &str| Difference::Lost(what.to_owned()), |what: &str| Difference::Undone(what.to_owned()));
    if state.exists != sight.exists {
        found.push(if state.exists { lost("the account") } else { undone("an account") });
    }
    if state.disabled != sight.disabled {
        found.push(if state.disabled { undone("that it is disabled") } else { lost("that it is enabled") });
    }
    if state.level != sight.level {
        found.push(Difference::Lost(format!("level {:?}, there is {:?}", state.level, sight.level)));
    }
    for (password, is_good) in &sight.passwords {
        match (state.admits(password), is_good) {
            (true, false) => found.push(lost("the password")),
            (false, true) => found.push(undone("a password that is good no more")),
            _ => {}
        }
    }
    for (at, (session, seen)) in state.sessions.iter().zip(&sight.sessions).enumerate() {
        let takes_access = state.takes(session.is_alive, seen.level);
        for (what, should, is_good) in
            [("access", takes_access, seen.access), ("refresh", session.is_alive, seen.refresh)]
        {
            match (should, is_good) {
                (true, false) => found.push(Difference::Lost(format!(
                    "the {what} token of session {at} after {} uses, of level {:?}",
                    session.used.len(),
                    seen.level
                ))),
                (false, true) => found.push(Difference::Undone(format!(
                    "the {what} token of session {at} after {} uses, of level {:?}",
                    session.used.len(),
                    seen.level
                ))),
                _ => {}
            }
        }
    }
    found
}

/// Asks the server about everything. Refresh tokens that are good give way to the next ones.
fn look(
    account: &mut Account,
    after: Option<&State>,
    target: &Target,
    manners: &Manners,
    looks_at_password: bool,
) -> Result<Sight> {
    let mut sight = Sight::default();
    for at in 0..account.state.sessions.len() {
        sight.sessions.push(look_at_session(account, at, target)?);
    }
    let mut token = None;
    if looks_at_password || account.id.is_none() {
        let mut passwords: Vec<String> = account.state.old_passwords.last().cloned().into_iter().collect();
        passwords.push(account.state.password.clone());
        passwords.extend(after.map(|after| after.password.clone()).filter(|next| *next != account.state.password));
        for password in passwords {
            let answer = target.send_until_answered(&log_in(&account.name, &password))?;
            token = answer.text("access_token").or(token);
            sight.passwords.push((password, answer.status == 200));
        }
    }
    if account.id.is_none() {
        // The answer to the registration was lost: the account tells its id itself, if it is there.
        let Some(token) = token else { return Ok(sight) };
        account.id = target.send_until_answered(&whoami(&token))?.text("id");
    }
    let id = account.id.as_ref().context("no id")?;
    let answer = target.send_until_answered(&Request::get(format!("/users/{id}")).bearer(&manners.administrator))?;
    match answer.status {
        200 => {
            let user = answer.value().context("no JSON")?;
            sight.exists = true;
            sight.disabled = user.get("disabled") == Some(&Value::Bool(true));
            let scopes = user.get("scopes").and_then(Value::as_array).context("no scopes")?;
            sight.level = level_in(scopes.iter().filter_map(Value::as_str));
        }
        404 => {}
        other => bail!("an administrator who asks for a user is answered {other}: {}", answer.body),
    }
    Ok(sight)
}

fn look_at_session(account: &mut Account, at: usize, target: &Target) -> Result<SessionSight> {
    let Some(session) = account.state.sessions.get_mut(at) else { return Ok(SessionSight::default()) };
    let access = target.send_until_answered(&whoami(&session.access))?.status;
    if access != 200 && access != 401 {
        bail!("an access token is answered {access}");
    }
    let mut sight = SessionSight { access: access == 200, level: session.level, refresh: false };
    let answer = target.send_until_answered(&refresh(&session.refresh))?;
    if answer.status != 200 {
        return Ok(sight);
    }
    let next = new_session(&answer)?;
    // R-118: whoever lost the answer asks again, and is given the very same child.
    let again = new_session(&target.send_until_answered(&refresh(&session.refresh))?)?;
    if again.refresh != next.refresh {
        bail!("a refresh that was tried again gave another child");
    }
    session.go_on(next);
    sight.refresh = true;
    Ok(sight)
}

/// A token that was used, and whose child was used as well, stays dead, and its return ends the session (R-113).
fn present_used_token(account: &mut Account, target: &Target, findings: &mut Findings) -> Result<()> {
    let found = account.state.sessions.iter_mut().find(|session| session.is_alive && session.used.len() >= 2);
    let Some(session) = found else { return Ok(()) };
    let Some(used) = session.used.get(session.used.len() - 2).cloned() else { return Ok(()) };
    // In a session that has expired by its clock, no return of a token is noticed.
    let answer = target.send_until_answered(&refresh(&session.refresh))?;
    if answer.status != 200 {
        return Ok(());
    }
    session.go_on(new_session(&answer)?);
    findings.facts += 2;
    let answer = target.send_until_answered(&refresh(&used))?;
    if answer.status == 200 {
        findings.undone += 1;
        findings.tell(format!("{}: a refresh token that was used is good again", account.name));
    }
    session.is_alive = false;
    let status = target.send_until_answered(&whoami(&session.access))?.status;
    if status != 401 {
        findings.undone += 1;
        findings.tell(format!("{}: a session goes on ({status}) whose used token came back", account.name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Act, Session};

    fn state() -> State {
        let session = Session::new("a".to_owned(), "r".to_owned(), "base");
        State { exists: true, password: "p".to_owned(), sessions: vec![session], ..State::default() }
    }

    fn sight(password: bool, (access, refresh): (bool, bool)) -> Sight {
        let sessions = vec![SessionSight { access, level: None, refresh }];
        Sight { exists: true, passwords: vec![("p".to_owned(), password)], sessions, ..Sight::default() }
    }

    #[test]
    fn what_is_as_acknowledged_is_no_difference() {
        assert_eq!(differences(&state(), &sight(true, (true, true))), []);
    }

    #[test]
    fn what_is_gone_is_lost_and_what_comes_back_is_undone() {
        let lost = differences(&state(), &sight(false, (false, true)));
        assert!(matches!(&lost[..], [Difference::Lost(_), Difference::Lost(_)]), "{lost:?}");
        let undone = differences(&state().after(&Act::EndAll), &sight(true, (true, false)));
        assert!(matches!(&undone[..], [Difference::Undone(_)]), "{undone:?}");
        let disabled = differences(&state().after(&Act::SetDisabled(true)), &sight(true, (false, false)));
        assert_eq!(disabled.len(), 2, "{disabled:?}");
    }

    #[test]
    fn an_unknown_change_of_the_password_that_ended_no_session_is_between() {
        let after = state().after(&Act::ChangePassword("q".to_owned()));
        let mut half = sight(false, (true, true));
        half.passwords.push(("q".to_owned(), true));
        assert!(!differences(&state(), &half).is_empty() && !differences(&after, &half).is_empty());
    }
}
