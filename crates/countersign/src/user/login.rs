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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_what_was_typed_tells_an_address_from_a_name() {
        assert_eq!(Login::parse("Alice"), Login::Username(Username::new("alice").unwrap()));
        let typed = "Alice@Example.com";
        assert_eq!(Login::parse(typed), Login::EmailAddress(EmailAddress::new(typed).unwrap()));
    }

    #[test]
    fn what_nobody_can_be_called_is_nobody_and_no_error() {
        for typed in ["", " ", "alice ", "a\0", "a\u{200B}", "@", "a@", "a@b@c", "\u{202E}", "a:b", "\u{0430}lice"] {
            assert_eq!(Login::parse(typed), Login::Nobody, "{typed:?}");
        }
        assert_eq!(Login::parse(&"a".repeat(1_000_000)), Login::Nobody);
    }
}
