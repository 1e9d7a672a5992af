//! Users as the stores keep them: who they are, what they may do, since when.
//!
//! Names are checked and brought into their canonical form here, once, by the types of the modules below; whoever
//! holds a [`Username`] need not ask again. Times are Unix seconds.

pub(crate) mod visible;

pub mod id;
pub mod username;
pub mod email_address;
pub mod full_name;
pub mod login;

use countersign_password::PasswordHash;
use countersign_token::ScopeSet;

pub use crate::user::email_address::{EmailAddress, EmailAddressError};
pub use crate::user::full_name::{FullName, FullNameError};
pub use crate::user::id::{UserId, UserIdError};
pub use crate::user::login::Login;
pub use crate::user::username::{Username, UsernameError};

/// A registered user, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Never changes and is never given again.
    pub id: UserId,
    /// Unique among all users.
    pub username: Username,
    /// Unique among all users who have one.
    pub email: Option<EmailAddress>,
    /// For display only.
    pub full_name: Option<FullName>,
    /// A disabled user is kept but cannot log in.
    pub disabled: bool,
    /// The most that a token of this user may carry.
    pub scopes: ScopeSet,
    /// When the user was registered.
    pub created_at: i64,
    /// When anything of this user was last changed on purpose; a password hash that is merely brought up to date
    /// leaves it alone.
    pub updated_at: i64,
    /// Goes up with every new password and when the user is disabled: a login whose password was checked against an earlier
    /// generation begins no session (S-009). Seconds would not do: both can happen in the same one.
    pub generation: i64,
}

/// A user to be registered.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// See [`User::id`].
    pub id: UserId,
    /// See [`User::username`].
    pub username: Username,
    /// See [`User::email`].
    pub email: Option<EmailAddress>,
    /// See [`User::full_name`].
    pub full_name: Option<FullName>,
    /// See [`User::disabled`].
    pub disabled: bool,
    /// See [`User::scopes`].
    pub scopes: ScopeSet,
    /// Nobody can log in with a password as this user while it is `None`.
    pub password_hash: Option<PasswordHash>,
    /// See [`User::created_at`].
    pub created_at: i64,
}

impl NewUser {
    /// A user with a fresh id and this name, enabled, with nothing else; set the fields that are known.
    pub fn new(username: Username, now: i64) -> Self {
        Self {
            id: UserId::new(now),
            username,
            email: None,
            full_name: None,
            disabled: false,
            scopes: ScopeSet::default(),
            password_hash: None,
            created_at: now,
        }
    }

    /// The user that registration makes of this.
    pub fn to_user(&self) -> User {
        User {
            id: self.id,
            username: self.username.clone(),
            email: self.email.clone(),
            full_name: self.full_name.clone(),
            disabled: self.disabled,
            scopes: self.scopes.clone(),
            created_at: self.created_at,
            updated_at: self.created_at,
            generation: 0,
        }
    }
}

/// A user together with the stored hash that a login is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose they are.
    pub user: User,
    /// `None` when the user has no password.
    pub password_hash: Option<PasswordHash>,
}

/// What becomes of a value that a user may have or not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is removed.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T: Clone> Change<T> {
    fn apply_to(&self, value: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *value = None,
            Self::Set(new) => *value = Some(new.clone()),
        }
    }
}

/// What becomes of a user's scopes. Granting and revoking are computed by the store in one step with the writing, so
/// that two of them at once lose nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ScopesChange {
    /// They stay as they are.
    #[default]
    Keep,
    /// They become exactly these.
    Replace(ScopeSet),
    /// These are added.
    Grant(ScopeSet),
    /// These are taken away.
    Revoke(ScopeSet),
}

/// A change of a user, field by field; the default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// A new user name.
    pub username: Option<Username>,
    /// A new address, or none.
    pub email: Change<EmailAddress>,
    /// A new display name, or none.
    pub full_name: Change<FullName>,
    /// Disable or enable.
    pub disabled: Option<bool>,
    /// Other scopes.
    pub scopes: ScopesChange,
}

impl UserChange {
    /// The names of what it is to change, for the log; what they become is nobody's business there.
    pub fn names(&self) -> String {
        let names = [
            ("username", self.username.is_some()),
            ("email", self.email != Change::Keep),
            ("full_name", self.full_name != Change::Keep),
            ("disabled", self.disabled.is_some()),
            ("scopes", self.scopes != ScopesChange::Keep),
        ];
        let names: Vec<&str> = names.into_iter().filter_map(|(name, is_named)| is_named.then_some(name)).collect();
        names.join(" ")
    }

    /// What this change makes of `user`. Stores call it inside the transaction that read the user; `updated_at` moves
    /// to `now` only if something really differs.
    pub fn apply_to(&self, user: &User, now: i64) -> User {
        let mut changed = user.clone();
        if let Some(username) = &self.username {
            changed.username = username.clone();
        }
        self.email.apply_to(&mut changed.email);
        self.full_name.apply_to(&mut changed.full_name);
        if let Some(disabled) = self.disabled {
            changed.disabled = disabled;
            changed.generation += i64::from(disabled && !user.disabled);
        }
        match &self.scopes {
            ScopesChange::Keep => {}
            ScopesChange::Replace(scopes) => changed.scopes = scopes.clone(),
            ScopesChange::Grant(scopes) => changed.scopes = changed.scopes.union(scopes),
            ScopesChange::Revoke(scopes) => changed.scopes = changed.scopes.difference(scopes),
        }
        if changed != *user {
            changed.updated_at = now;
        }
        changed
    }
}
