//! What somebody typed to say who they are.

use crate::user::email_address::EmailAddress;
use crate::user::username::Username;

/// The user that a login names, by the form of what was typed: with an `@` it is an e-mail address, else a user name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Look for this user name.
    Username(Username),
    /// Look for this address.
    EmailAddress(EmailAddress),
    /// No user can have this name: the login fails as any other does, and the answer does not tell why.
    Nobody,
}

impl Login {
    /// Reads what was typed; it never fails, because a failure would tell something about the users.
    pub fn parse(typed: &str) -> Self {
        if typed.contains('@') {
            EmailAddress::new(typed).map_or(Self::Nobody, Self::EmailAddress)
        } else {
            Username::new(typed).map_or(Self::Nobody, Self::Username)
        }
    }
}
