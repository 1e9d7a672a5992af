//! Accounts: logging in, registering, changing a password. A plaintext password comes no further than this module; what goes
//! on to the store is a hash.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use countersign_axum::Clock;
use countersign_password::{HashPool, Password, PasswordError, PasswordHash, PoolError, Source, Verdict};
use countersign_token::ScopeSet;

use tracing::Instrument;

use crate::password_rules::{PasswordRefused, PasswordRules};
use crate::refusal_log::RefusalLog;
use crate::store::{StoreError, UserStore};
use crate::throttles::{Attempt, Attempted, Guess, ThrottleError, Throttled, Throttles, Whence, Whose};
use crate::user::{Credentials, EmailAddress, FullName, Login, NewUser, User, UserId, Username};

/// Hashes that are read in one step.
const HASHES_AT_ONCE: usize = 1000;

/// What accounts are kept and checked with. Clones share it.
#[derive(Clone)]
pub struct Accounts {
    users: Arc<dyn UserStore>,
    hashing: HashPool,
    rules: PasswordRules,
    clock: Clock,
    refusal_log: Arc<RefusalLog>,
    throttles: Throttles,
    whence: Whence,
}

/// An account to be made.
#[derive(Debug)]
pub struct NewAccount {
    /// The user name, unique and not to be confused with another.
    pub username: Username,
    /// The e-mail address, unique as well.
    pub email: Option<EmailAddress>,
    /// The name to show.
    pub full_name: Option<FullName>,
    /// The most that this user's tokens may carry.
    pub scopes: ScopeSet,
    /// The password, which the rules have to allow.
    pub password: Password,
}

/// Why something with an account was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The name, the password or both are wrong, or the account is disabled: the caller cannot tell which.
    #[error("Incorrect username or password")]
    WrongCredentials,
    /// There is no such account, or it was changed or deleted in the meantime.
    #[error("There is no such account, or it was changed at the same moment")]
    Gone,
    /// The text is no password at all: empty, overlong or with control characters.
    #[error(transparent)]
    NotAPassword(#[from] PasswordError),
    /// The rules for new passwords refuse it.
    #[error(transparent)]
    PasswordRefused(#[from] PasswordRefused),
    /// A name or address is taken, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There were too many attempts.
    #[error(transparent)]
    Throttled(Throttled),
    /// Too many passwords are being hashed.
    #[error("too many logins at once: try again in {retry_after_s} s")]
    Busy {
        /// When to try again, in seconds.
        retry_after_s: u32,
    },
    /// Hashing failed for a reason that is not the caller's.
    #[error("hashing failed: {0}")]
    Hashing(PoolError),
}

impl Accounts {
    /// Puts together what accounts need. Nothing is throttled.
    pub fn new(users: Arc<dyn UserStore>, hashing: HashPool, rules: PasswordRules, clock: Clock) -> Self {
        let throttles = Throttles::off(clock.clone());
        Self { users, hashing, rules, clock, refusal_log: Arc::default(), throttles, whence: Whence::default() }
    }

    /// The same accounts, whose attempts are counted.
    #[must_use]
    pub fn throttled(self, throttles: Throttles) -> Self {
        Self { throttles, ..self }
    }

    /// The same accounts, for requests from here: addresses take turns at hashing, and what comes from them is counted.
    #[must_use]
    pub fn for_requests_from(&self, whence: Whence) -> Self {
        let source = whence.address.map_or(Source::UNKNOWN, Source::from);
        Self { hashing: self.hashing.for_source(source), whence, ..self.clone() }
    }

    /// What the device is to keep from which this user has just logged in ([`Throttles::device`]).
    pub fn device_of(&self, user: UserId) -> Option<String> {
        self.throttles.device(user, &self.whence)
    }

    /// The user whose name (or e-mail address) and password these are.
    ///
    /// An unknown name costs one hash as well, inside the hasher, and a disabled account is checked before it is refused, so
    /// that the time tells nothing. It is counted before it is checked, also for a name that nobody has. The
    /// cause of a refusal is in the log alone.
    pub async fn authenticate(&self, typed: &str, password: Password) -> Result<User, AccountError> {
        let login = Login::parse(typed);
        let found = self.users.find_credentials(&login).await?;
        let whose = match &found {
            Some(credentials) => Whose::User(&login, credentials.user.id),
            None => Whose::NoUser(&login, typed),
        };
        let attempt = self.guess(Attempted::Login, whose).await?;
        let stored = found.as_ref().and_then(|credentials| credentials.password_hash.clone());
        let (verdict, attempt) = self.verify(attempt, password.clone(), stored).await?;
        let Some(Credentials { user, password_hash: Some(hash) }) = found else {
            attempt.wrong();
            tracing::info!(event = "login", outcome = "refused", cause = "no such user, or no password");
            return Err(AccountError::WrongCredentials);
        };
        let cause = match verdict {
            Verdict::Mismatch => Some("wrong password"),
            _ if user.disabled => Some("disabled"),
            _ => None,
        };
        if let Some(cause) = cause {
            attempt.wrong();
            tracing::info!(event = "login", outcome = "refused", cause, user = %user.id);
            return Err(AccountError::WrongCredentials);
        }
        attempt.right().await;
        // The check waited its turn: what was read before it may not hold any more (R-090, S-009).
        let user = match self.users.find_by_id(user.id).await? {
            Some(now) if !now.disabled && now.generation == user.generation => now,
            _ => {
                tracing::info!(event = "login", outcome = "refused", cause = "changed meanwhile", user = %user.id);
                return Err(AccountError::WrongCredentials);
            }
        };
        if verdict == Verdict::MatchOutdated {
            self.upgrade_in_background(user.id, password, hash);
        }
        Ok(user)
    }

    /// Learns how long the hashes that users have take to verify, one of each kind, so that from the first login on the time does
    /// not tell whose hash was checked. To be called once at the start; it reads through the whole table.
    pub async fn learn_hash_times(&self) -> Result<(), StoreError> {
        let (mut after, mut told) = (None, BTreeSet::new());
        loop {
            let page = self.users.list_hashes(after, HASHES_AT_ONCE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for hash in page.into_iter().filter_map(|record| record.hash?.ok()) {
                let (scheme, parameters) = (hash.scheme(), hash.parameters());
                if let Err(error) = self.hashing.learn(hash).await
                    && told.insert(error.to_string())
                {
                    tracing::warn!(%scheme, parameters, %error, "who has such a hash cannot log in");
                }
            }
        }
    }

    /// Makes an account for somebody who wants one, of whom there may be too many.
    pub async fn sign_up(&self, account: NewAccount) -> Result<User, AccountError> {
        self.check_new(&account).await?;
        let attempt = self.throttles.register(self.whence.address).await?;
        match self.insert(account).await {
            Err(error @ (AccountError::Busy { .. } | AccountError::Hashing(_))) => {
                attempt.undone().await;
                Err(error)
            }
            made_or_not => made_or_not,
        }
    }

    /// Makes an account.
    pub async fn register(&self, account: NewAccount) -> Result<User, AccountError> {
        self.check_new(&account).await?;
        self.insert(account).await
    }

    async fn check_new(&self, account: &NewAccount) -> Result<(), AccountError> {
        let words = [account.username.as_str(), account.email.as_ref().map_or("", EmailAddress::as_str)];
        Ok(self.rules.check(&account.password, &words).await?)
    }

    async fn insert(&self, account: NewAccount) -> Result<User, AccountError> {
        let hash = self.hash(account.password).await?;
        let mut new = NewUser::new(account.username, self.clock.now());
        new.email = account.email;
        new.full_name = account.full_name;
        new.scopes = account.scopes;
        new.password_hash = Some(hash);
        let user = self.users.insert(&new).await?;
        tracing::info!(event = "register", user = %user.id);
        Ok(user)
    }

    /// Sets a new password for somebody who knows the current one.
    ///
    /// Nothing is done with the new one before the current one is known to be right: to look it up and to hash it costs. The change is
    /// conditional on the hash that was checked. When that was replaced meanwhile, by the upgrade of a login or by
    /// another change, the current password is checked once more against what stands now (S-031).
    pub async fn change_password(&self, id: UserId, current: Password, new: Password) -> Result<(), AccountError> {
        let mut checked = self.check_current(id, current.clone()).await?;
        let new = self.hash_for(id, new).await?;
        for _ in 0..2 {
            if self.users.change_password(id, &checked, &new, self.clock.now()).await? {
                tracing::info!(event = "change password", outcome = "good", user = %id);
                return Ok(());
            }
            checked = self.check_current(id, current.clone()).await?;
        }
        Err(AccountError::Gone)
    }

    /// The stored hash, which the current password fits.
    async fn check_current(&self, id: UserId, current: Password) -> Result<PasswordHash, AccountError> {
        let Credentials { user, password_hash: stored } =
            self.users.find_credentials_by_id(id).await?.ok_or(AccountError::Gone)?;
        let login = Login::Username(user.username);
        let attempt = self.guess(Attempted::PasswordChange, Whose::User(&login, id)).await?;
        let (verdict, attempt) = self.verify(attempt, current, stored.clone()).await?;
        match stored {
            Some(stored) if verdict != Verdict::Mismatch => {
                attempt.right().await;
                Ok(stored)
            }
            _ => {
                attempt.wrong();
                tracing::info!(event = "change password", outcome = "refused", user = %id);
                Err(AccountError::WrongCredentials)
            }
        }
    }

    /// Sets a new password whatever the current one is: an administrator's act. Wrong ones before are forgotten.
    pub async fn set_password(&self, id: UserId, new: Password) -> Result<(), AccountError> {
        let user = self.users.find_by_id(id).await?.ok_or(AccountError::Gone)?;
        let hash = self.hash_for(id, new).await?;
        if !self.users.set_password(id, &hash, self.clock.now()).await? {
            return Err(AccountError::Gone);
        }
        self.throttles.forgive(&user).await?;
        tracing::info!(event = "set password", user = %id);
        Ok(())
    }

    /// The hash of a new password, which is checked against the rules and the words of its context.
    async fn hash_new(&self, password: Password, words: &[&str]) -> Result<PasswordHash, AccountError> {
        self.rules.check(&password, words).await?;
        self.hash(password).await
    }

    async fn hash(&self, password: Password) -> Result<PasswordHash, AccountError> {
        let hashing = self.hashing.hash(password).instrument(tracing::debug_span!("hash password"));
        hashing.await.map_err(|error| self.not_hashed(error))
    }

    async fn guess(&self, attempted: Attempted, whose: Whose<'_>) -> Result<Attempt, AccountError> {
        Ok(self.throttles.guess(Guess { attempted, whose, whence: &self.whence }).await?)
    }

    /// An attempt that is not looked at, because too many are being looked at, does not count.
    async fn verify(
        &self,
        attempt: Attempt,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<(Verdict, Attempt), AccountError> {
        let verifying = self.hashing.verify(password, stored).instrument(tracing::debug_span!("verify password"));
        match verifying.await {
            Ok(verdict) => Ok((verdict, attempt)),
            Err(error) => {
                attempt.undone().await;
                Err(self.not_hashed(error))
            }
        }
    }

    fn not_hashed(&self, error: PoolError) -> AccountError {
        let PoolError::Busy { retry_after_s } = error else { return AccountError::Hashing(error) };
        if let Some(refused) = self.refusal_log.count(Instant::now()) {
            tracing::warn!(refused, retry_after_s, "too many passwords to check: some are refused");
        }
        AccountError::Busy { retry_after_s }
    }

    /// The same as [`Self::hash_new`], for a user who exists.
    async fn hash_for(&self, id: UserId, password: Password) -> Result<PasswordHash, AccountError> {
        let user = self.users.find_by_id(id).await?.ok_or(AccountError::Gone)?;
        self.hash_new(password, &[user.username.as_str(), user.email.as_ref().map_or("", EmailAddress::as_str)]).await
    }

    /// Replaces an outdated hash after the login has been answered. A password that was changed in between wins, and a failed
    /// write harms nobody: the next login tries again.
    fn upgrade_in_background(&self, id: UserId, password: Password, outdated: PasswordHash) {
        let accounts = self.clone();
        tokio::spawn(async move {
            let Ok(new) = accounts.hashing.hash(password).await else { return };
            match accounts.users.replace_password_hash(id, &outdated, &new).await {
                Ok(true) => tracing::info!(event = "upgrade hash", user = %id),
                Ok(false) => {}
                Err(error) => tracing::warn!(user = %id, %error, "a password hash was not upgraded"),
            }
        });
    }
}

impl From<ThrottleError> for AccountError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::Throttled(throttled) => Self::Throttled(throttled),
            ThrottleError::Store(error) => Self::Store(error),
        }
    }
}
