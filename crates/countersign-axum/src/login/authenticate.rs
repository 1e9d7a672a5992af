//! From a name and a password to the user.

use countersign_password::{HashPool, Password, PasswordHash, PoolError, Verdict};

#[cfg(feature = "form")]
use crate::form::TokenError;
use crate::revocation::Unavailable;

/// What a table answers to a login: the user, and the hash of the password, if there is one.
pub type Found<U> = Option<(U, Option<PasswordHash>)>;

/// How a program keeps its users, as far as a login needs to know. Clones share the table.
pub trait UserTable: Clone + Send + Sync + 'static {
    /// What the program knows of a user.
    type User: Clone + Send + Sync;

    /// The user that a login names, and the hash of the password. What a login names is for the table to say: a user
    /// name, an e-mail address, either. A user without a password cannot log in by one.
    fn find_by_login(&self, login: &str) -> impl Future<Output = Result<Found<Self::User>, Unavailable>> + Send;

    /// Puts a fresh hash of the same password in place of `expected`, in one step: when another hash stands there by now,
    /// nothing is changed, and the answer is `false`.
    fn replace_password_hash(
        &self,
        user: &Self::User,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;
}

/// Why nobody was logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// There is no such user, or the password is wrong: the caller cannot tell which.
    #[error("the user name or the password is wrong")]
    WrongCredentials,
    /// Too many passwords are being checked.
    #[error("too many logins at once: try again in {retry_after_s} s")]
    Busy {
        /// When to try again, in seconds.
        retry_after_s: u32,
    },
    /// The user could not be looked up, or the password not be checked. The cause is in the log.
    #[error("nobody can log in now: try again later")]
    Unavailable,
}

/// The user whose name and password these are.
///
/// An unknown user costs as much as a known one. A hash that is weaker than the policy of the pool, or of another
/// kind, is replaced after the answer: once, unless it was changed meanwhile, and a failure of that fails no login
/// . Whether a user who is disabled may come in is for the table or for the guards to say.
pub async fn authenticate<T: UserTable>(
    users: &T,
    passwords: &HashPool,
    login: &str,
    password: &str,
) -> Result<T::User, LoginError> {
    // What cannot be a password is refused before anybody is looked up, whoever it is for.
    let password = Password::new(password.to_owned()).map_err(|_| LoginError::WrongCredentials)?;
    let found = users.find_by_login(login).await.map_err(unavailable)?;
    let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
    let verdict = passwords.verify(password.clone(), hash.clone()).await.map_err(LoginError::from)?;
    let (Some(user), Some(hash), true) = (user, hash, verdict.is_match()) else {
        return Err(LoginError::WrongCredentials);
    };
    if verdict == Verdict::MatchOutdated {
        tokio::spawn(upgrade(users.clone(), passwords.clone(), user.clone(), (password, hash)));
    }
    Ok(user)
}

/// Replaces an outdated hash. Whether that works is no concern of the login.
async fn upgrade<T: UserTable>(
    users: T,
    passwords: HashPool,
    user: T::User,
    (password, old): (Password, PasswordHash),
) {
    let new = match passwords.hash(password).await {
        Ok(new) => new,
        Err(error) => return tracing::warn!(%error, "a password hash was not upgraded"),
    };
    match users.replace_password_hash(&user, &old, &new).await {
        Ok(true) => tracing::info!(from = old.scheme().name(), "a password hash was upgraded"),
        Ok(false) => tracing::debug!("a password hash was changed before it was upgraded"),
        Err(error) => tracing::warn!(%error, "a password hash was not upgraded"),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unavailable(error: Unavailable) -> LoginError {
    tracing::error!(%error, "a login failed");
    LoginError::Unavailable
}

impl From<PoolError> for LoginError {
    fn from(error: PoolError) -> Self {
        if let PoolError::Busy { retry_after_s } = error {
            return Self::Busy { retry_after_s };
        }
        tracing::error!(%error, "a login failed");
        Self::Unavailable
    }
}

#[cfg(feature = "form")]
impl From<LoginError> for TokenError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::WrongCredentials => Self::wrong_password(),
            LoginError::Busy { retry_after_s } => {
                Self::try_later("Too many logins at once, try again later", retry_after_s)
            }
            LoginError::Unavailable => Self::try_later("Nobody can log in now, try again later", 1),
        }
    }
}
