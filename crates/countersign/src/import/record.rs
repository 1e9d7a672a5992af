//! One user as another program has it, and what has to be right about it.

use countersign_password::{HashError, PasswordHash};
use countersign_token::{ScopeSet, ScopeSyntaxError};

use crate::user::{EmailAddress, EmailAddressError, FullName, FullNameError, NewUser, Username, UsernameError};

/// A user as it was read, unchecked. `Debug` is not derived: the hash is nobody's business.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The name; without one, what stands before the `@` of the address.
    pub username: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// The name to show.
    pub full_name: Option<String>,
    /// Whether the user is kept out.
    pub disabled: bool,
    /// The most that a token of this user may carry, parted by spaces.
    pub scope: Option<String>,
    /// The hash of the password as the other program keeps it.
    pub password_hash: Option<String>,
    /// When the user registered there, in Unix seconds.
    pub created_at: Option<i64>,
}

/// Why a user cannot be taken over. The texts repeat nothing of the hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// What stands there is no user at all.
    #[error("{0}")]
    NotAUser(String),
    /// There is neither a name nor an address to make one of.
    #[error("the user has neither a name nor an e-mail address")]
    Nameless,
    /// See the error of names.
    #[error("user name: {0}")]
    Username(#[from] UsernameError),
    /// See the error of addresses.
    #[error("e-mail address: {0}")]
    Email(#[from] EmailAddressError),
    /// See the error of names to show.
    #[error("full name: {0}")]
    FullName(#[from] FullNameError),
    /// The scopes are not a list of scope tokens.
    #[error("scope: {0}")]
    Scope(#[from] ScopeSyntaxError),
    /// The hash could never be verified here.
    #[error("password hash: {0}")]
    Hash(#[from] HashError),
}

impl Record {
    /// The user that this record makes, if all of it is right. `now` is for who has no date of registration.
    pub fn to_new_user(&self, now: i64) -> Result<NewUser, RecordError> {
        let email = filled(self.email.as_deref());
        let from_email = || email.and_then(|email| email.split('@').next());
        let username = filled(self.username.as_deref()).or_else(from_email).ok_or(RecordError::Nameless)?;
        let mut user = NewUser::new(Username::new(username)?, now);
        user.email = email.map(EmailAddress::new).transpose()?;
        user.full_name = filled(self.full_name.as_deref()).map(FullName::new).transpose()?;
        user.disabled = self.disabled;
        user.scopes = filled(self.scope.as_deref()).map(ScopeSet::parse).transpose()?.unwrap_or_default();
        // Django writes an exclamation mark for a user who has no password.
        let hash = filled(self.password_hash.as_deref()).filter(|hash| !hash.starts_with('!'));
        user.password_hash = hash.map(PasswordHash::parse).transpose()?;
        user.created_at = self.created_at.unwrap_or(now);
        Ok(user)
    }
}

/// An empty text is none.
fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// A time as the programs write it: RFC 3339, perhaps with a space for the `T` and without a zone, which is then UTC.
pub(super) fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    let moment: Result<jiff::Timestamp, _> = text.parse();
    let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    moment.ok().or_else(|| civil().map(|zoned| zoned.timestamp())).map(jiff::Timestamp::as_second)
}

/// Whether a text means yes, as tables write it.
pub(super) fn is_yes(text: &str) -> bool {
    ["1", "t", "true", "yes", "y"].iter().any(|yes| text.trim().eq_ignore_ascii_case(yes))
}

/// Whether a text means no, as tables write it.
pub(super) fn is_no(text: &str) -> bool {
    ["0", "f", "false", "no", "n"].iter().any(|no| text.trim().eq_ignore_ascii_case(no))
}

/// Two names to show as one.
pub(super) fn joined(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let names: Vec<&str> = [first, last].into_iter().filter_map(filled).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::import::{Item, ReadError};

    /// The first user that a reader finds in a text.
    pub(in crate::import) fn first<'a>(
        read: impl FnOnce(&'a [u8], &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError>,
        text: &'a str,
    ) -> Record {
        let mut found = None;
        let mut each = |(_, record): Item| {
            found = record.ok();
            false
        };
        read(text.as_bytes(), &mut each).unwrap();
        found.unwrap()
    }

    #[test]
    fn a_user_without_a_name_is_called_like_the_address() {
        let record = Record { email: Some("ada@example.com".to_owned()), ..Record::default() };
        assert_eq!(record.to_new_user(7).unwrap().username.as_str(), "ada");
        assert_eq!(Record::default().to_new_user(7).unwrap_err(), RecordError::Nameless);
    }

    #[test]
    fn an_unusable_password_of_django_is_none() {
        let record = |hash: &str| Record {
            username: Some("ada".to_owned()),
            password_hash: Some(hash.to_owned()),
            ..Record::default()
        };
        assert!(record("!kf8sJ2").to_new_user(7).unwrap().password_hash.is_none());
        assert!(matches!(record("plaintext").to_new_user(7), Err(RecordError::Hash(HashError::UnknownFormat))));
    }

    #[test]
    fn times_are_read_as_the_programs_write_them() {
        for text in
            ["1970-01-02T00:00:00Z", "1970-01-02T01:00:00.5+01:00", "1970-01-02 00:00:00", "1970-01-02 00:00:00+00"]
        {
            assert_eq!(time(text), Some(86_400), "{text}");
        }
        assert_eq!(time("yesterday"), None);
    }
}
