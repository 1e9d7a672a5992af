//! What somebody outside knows of an account: what was acknowledged, and the one act whose outcome nobody knows.

/// Something that is asked of the server, by its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Register,
    LogIn,
    /// The session at this place goes on.
    Refresh(usize),
    /// The session at this place ends.
    End(usize),
    EndAll,
    ChangePassword(String),
    SetDisabled(bool),
    SetLevel(u32),
}

/// A login, as its client knows it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) access: String,
    /// The level that the access token carries.
    pub(crate) level: Option<u32>,
    /// The last refresh token that was acknowledged.
    pub(crate) refresh: String,
    /// Those before it, the latest last.
    pub(crate) used: Vec<String>,
    pub(crate) is_alive: bool,
}

/// An account, as far as a client can see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) exists: bool,
    pub(crate) disabled: bool,
    pub(crate) password: String,
    /// Passwords that were good once.
    pub(crate) old_passwords: Vec<String>,
    /// The scope `level:N`, which only an administrator gives, in the place of another.
    pub(crate) level: Option<u32>,
    pub(crate) sessions: Vec<Session>,
}

/// An account in the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    /// Known with the first answer that tells it.
    pub(crate) id: Option<String>,
    /// As acknowledged.
    pub(crate) state: State,
    /// Nobody knows whether this has happened.
    pub(crate) pending: Option<Act>,
    /// Whether anything was asked since the last check.
    pub(crate) is_touched: bool,
    /// Whether that was about the password.
    pub(crate) is_password_touched: bool,
}

impl State {
    /// The state that the act leads to, but for what only its answer tells.
    pub(crate) fn after(&self, act: &Act) -> Self {
        let mut next = self.clone();
        match act {
            Act::Register => next.exists = true,
            // Whoever lost the answer of a login holds no token of it; the last refresh token stays good for a retry.
            Act::LogIn | Act::Refresh(_) => {}
            Act::End(at) => {
                if let Some(session) = next.sessions.get_mut(*at) {
                    session.is_alive = false;
                }
            }
            Act::EndAll => next.end_all(),
            Act::ChangePassword(new) => {
                next.old_passwords.push(std::mem::replace(&mut next.password, new.clone()));
                next.end_all();
            }
            Act::SetDisabled(disabled) => {
                next.disabled = *disabled;
                if *disabled {
                    next.end_all();
                }
            }
            Act::SetLevel(level) => next.level = Some(*level),
        }
        next
    }

    /// Whether this password opens it.
    pub(crate) fn admits(&self, password: &str) -> bool {
        self.exists && !self.disabled && self.password == password
    }

    /// Whether an access token of this session is good that carries this level: who loses a scope is out at once.
    pub(crate) fn takes(&self, is_alive: bool, level: Option<u32>) -> bool {
        is_alive && level.is_none_or(|level| self.level == Some(level))
    }

    /// A session whose access token is good.
    pub(crate) fn one_to_act_in(&self) -> Option<&Session> {
        self.sessions.iter().find(|session| self.takes(session.is_alive, session.level))
    }

    pub(crate) fn alive(&self) -> Vec<usize> {
        (0..self.sessions.len()).filter(|at| self.sessions.get(*at).is_some_and(|session| session.is_alive)).collect()
    }

    fn end_all(&mut self) {
        for session in &mut self.sessions {
            session.is_alive = false;
        }
    }
}

impl Account {
    /// One that is asked for with this password.
    pub(crate) fn new(name: String, password: String) -> Self {
        let state = State { password, ..State::default() };
        Self { name, id: None, state, pending: None, is_touched: false, is_password_touched: false }
    }

    /// Before the act is asked for.
    pub(crate) fn begin(&mut self, act: &Act) {
        self.is_touched = true;
        self.is_password_touched |= matches!(act, Act::Register | Act::ChangePassword(_) | Act::SetDisabled(_));
        self.pending = Some(act.clone());
    }

    /// After the answer said that it has happened.
    pub(crate) fn acknowledge(&mut self) {
        if let Some(act) = self.pending.take() {
            self.state = self.state.after(&act);
        }
    }

    /// It is known that it has not happened.
    pub(crate) fn withdraw(&mut self) {
        self.pending = None;
    }
}

impl Session {
    pub(crate) fn new(access: String, refresh: String, scope: &str) -> Self {
        Self { access, level: level_in(scope.split(' ')), refresh, used: Vec::new(), is_alive: true }
    }

    /// The next pair is acknowledged.
    pub(crate) fn go_on(&mut self, next: Self) {
        (self.access, self.level) = (next.access, next.level);
        self.used.push(std::mem::replace(&mut self.refresh, next.refresh));
    }
}

/// The level among scopes.
pub(crate) fn level_in<'s>(mut scopes: impl Iterator<Item = &'s str>) -> Option<u32> {
    scopes.find_map(|scope| scope.strip_prefix("level:")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_of_unknown_outcome_leaves_the_acknowledged_state_and_one_other() {
        let mut account = Account::new("ada".to_owned(), "first".to_owned());
        account.begin(&Act::Register);
        account.acknowledge();
        account.state.sessions.push(Session::new("a".to_owned(), "r".to_owned(), "base level:3"));
        let change = Act::ChangePassword("second".to_owned());
        account.begin(&change);
        assert!(account.state.admits("first") && !account.state.admits("second"));
        let after = account.state.after(&change);
        assert!(after.admits("second") && !after.admits("first") && after.alive().is_empty());
        account.withdraw();
        assert_eq!(account.state.alive(), [0]);
    }

    #[test]
    fn a_token_with_a_scope_that_was_taken_away_is_good_no_more() {
        let mut state = State { exists: true, level: Some(3), ..State::default() };
        state.sessions.push(Session::new("a".to_owned(), "r".to_owned(), "base level:3"));
        assert!(state.one_to_act_in().is_some());
        assert!(state.after(&Act::SetLevel(4)).one_to_act_in().is_none());
    }

    #[test]
    fn a_disabled_account_admits_nobody_and_its_sessions_stay_dead() {
        let mut state = State { exists: true, password: "p".to_owned(), ..State::default() };
        state.sessions.push(Session::new("a".to_owned(), "r".to_owned(), "base level:3"));
        let disabled = state.after(&Act::SetDisabled(true));
        assert!(!disabled.admits("p"));
        let enabled = disabled.after(&Act::SetDisabled(false));
        assert!(enabled.admits("p") && enabled.alive().is_empty());
    }
}
