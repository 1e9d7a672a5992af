//! One user as another program has it, and what has to be right about it.

use countersign_password::{HashError, PasswordHash};
use countersign_token::{ScopeSet, ScopeSyntaxError};

use crate::user::username::MAX_CODE_POINTS;
use crate::user::visible::escaped;
use crate::user::{EmailAddress, EmailAddressError, FullName, FullNameError, NewUser, Username, UsernameError};

/// A user as it was read, unchecked. `Debug` is not derived: the hash is nobody's business.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The name. One that is an e-mail address is the address as well, if there is no other.
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
    /// When the user registered there.
    pub created_at: CreatedAt,
}

/// When a user registered, as far as a file says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CreatedAt {
    /// It says nothing.
    #[default]
    Unsaid,
    /// In Unix seconds.
    At(i64),
    /// It says something that is no time.
    Unreadable,
}

impl CreatedAt {
    /// A time as the programs write it: RFC 3339, perhaps with a space for the `T` and without a zone, which is then UTC; or
    /// Unix seconds.
    pub(super) fn of_text(text: &str) -> Self {
        let text = text.trim();
        let moment = || text.parse::<jiff::Timestamp>().ok();
        let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        let moment = moment().or_else(|| civil().map(|zoned| zoned.timestamp()));
        let seconds = || text.parse().map_or(Self::Unreadable, Self::of_seconds);
        moment.map_or_else(seconds, |moment| Self::At(moment.as_second()))
    }

    /// A time in Unix seconds. What would lie beyond the year 9999 was meant otherwise.
    pub(super) fn of_seconds(seconds: i64) -> Self {
        jiff::Timestamp::from_second(seconds).map_or(Self::Unreadable, |moment| Self::At(moment.as_second()))
    }
}

/// A user that is to be taken over: checked, but perhaps not alone in having this name.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// The user.
    pub user: NewUser,
    /// The name was made of the address, because the other program knows its users by that: the address says who the user
    /// is, and of a name that is taken another can be made.
    pub is_name_derived: bool,
}

impl Newcomer {
    /// The name with a number behind it, no longer than a name may be.
    pub(crate) fn numbered(&self, number: u32) -> Option<Username> {
        let number = number.to_string();
        let kept = self.user.username.as_str().chars().take(MAX_CODE_POINTS.saturating_sub(number.len()));
        Username::new(&kept.chain(number.chars()).collect::<String>()).ok()
    }
}

/// Why a user cannot be taken over. The texts repeat nothing of the hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
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
    /// What should say when the user registered is no time.
    #[error("the time of registration cannot be read: write it as 2020-01-02T03:04:05Z, or leave it out")]
    CreatedAt,
}

impl Record {
    /// The user that this record makes, if all of it is right. `now` is for who has no date of registration.
    pub fn to_newcomer(&self, now: i64) -> Result<Newcomer, RecordError> {
        let name = filled(self.username.as_deref());
        let name_as_address = name.filter(|name| EmailAddress::new(name).is_ok());
        let email = filled(self.email.as_deref()).or(name_as_address);
        let own_name = name.filter(|_| name_as_address.is_none());
        let derived_name = || name_as_address.or(email)?.split('@').next();
        let username = own_name.or_else(derived_name).ok_or(RecordError::Nameless)?;
        let mut user = NewUser::new(Username::new(username)?, now);
        user.email = email.map(EmailAddress::new).transpose()?;
        user.full_name = filled(self.full_name.as_deref()).map(FullName::new).transpose()?;
        user.disabled = self.disabled;
        user.scopes = filled(self.scope.as_deref()).map(ScopeSet::parse).transpose()?.unwrap_or_default();
        // Django writes an exclamation mark for a user who has no password.
        let hash = filled(self.password_hash.as_deref()).filter(|hash| !hash.starts_with('!'));
        user.password_hash = hash.map(PasswordHash::parse).transpose()?;
        user.created_at = match self.created_at {
            CreatedAt::Unsaid => now,
            CreatedAt::At(seconds) => seconds,
            CreatedAt::Unreadable => return Err(RecordError::CreatedAt),
        };
        Ok(Newcomer { user, is_name_derived: own_name.is_none() })
    }

    /// The name or the address, to say on a terminal whose record this is: short, and with nothing in it that cannot be
    /// seen. What might be a hash that went into the wrong column is not shown.
    pub fn who(&self) -> Option<String> {
        const LONGEST: usize = 100;
        let texts = [&self.username, &self.email].map(|text| filled(text.as_deref()));
        let shown = texts.into_iter().flatten().find(|text| !text.contains(['$', '{']))?;
        let is_cut = shown.chars().nth(LONGEST).is_some();
        let shown: String = shown.chars().take(LONGEST).collect();
        Some(escaped(&shown) + if is_cut { "…" } else { "" })
    }
}

/// An empty text is none.
fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Two names to show as one.
pub(super) fn joined(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let names: Vec<&str> = [first, last].into_iter().filter_map(filled).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::import::{Found, Item, ReadError};

    /// The first user that a reader finds in a text.
    pub(in crate::import) fn first<'a>(
        read: impl FnOnce(&'a [u8], &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError>,
        text: &'a str,
    ) -> Record {
        let mut found = None;
        let mut each = |item: Item| {
            found = Some(item.found);
            false
        };
        read(text.as_bytes(), &mut each).unwrap();
        let Some(Found::User(record)) = found else { panic!("no user: {text}") };
        record
    }

    /// What a reader finds: where, and whether it is a user.
    pub(in crate::import) fn all<'a>(
        read: impl FnOnce(&'a [u8], &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError>,
        text: &'a [u8],
    ) -> Vec<(usize, bool)> {
        let mut found = Vec::new();
        let mut each = |item: Item| {
            found.push((item.place, matches!(item.found, Found::User(_))));
            true
        };
        read(text, &mut each).unwrap();
        found
    }

    fn record(username: &str, email: &str) -> Record {
        Record { username: Some(username.to_owned()), email: Some(email.to_owned()), ..Record::default() }
    }

    #[test]
    fn a_user_without_a_name_is_called_like_the_address() {
        let newcomer = record("", "ada@example.com").to_newcomer(7).unwrap();
        assert_eq!((newcomer.user.username.as_str(), newcomer.is_name_derived), ("ada", true));
        assert!(!record("ada", "ada@example.com").to_newcomer(7).unwrap().is_name_derived);
        assert_eq!(Record::default().to_newcomer(7).unwrap_err(), RecordError::Nameless);
    }

    #[test]
    fn a_name_that_is_an_address_is_the_address_unless_there_is_another() {
        for (email, expected) in [("", "Ada@example.com"), ("ada@EXAMPLE.com", "ada@EXAMPLE.com"), ("b@c.d", "b@c.d")] {
            let newcomer = record("Ada@example.com", email).to_newcomer(7).unwrap();
            assert_eq!((newcomer.user.username.as_str(), newcomer.is_name_derived), ("ada", true));
            assert_eq!(newcomer.user.email.unwrap().as_str(), expected);
        }
        let refused = record("ada@", "").to_newcomer(7).unwrap_err();
        assert_eq!(refused, RecordError::Username(UsernameError::Reserved('@')));
    }

    #[test]
    fn a_numbered_name_is_no_longer_than_a_name_may_be() {
        let numbered = |name: &str, number| {
            let newcomer = record("", &format!("{name}@example.com")).to_newcomer(7).unwrap();
            newcomer.numbered(number).unwrap().as_str().to_owned()
        };
        assert_eq!(numbered("ada", 2), "ada2");
        assert_eq!(numbered(&"a".repeat(64), 12), "a".repeat(62) + "12");
    }

    #[test]
    fn an_unusable_password_of_django_is_none() {
        let record = |hash: &str| Record { password_hash: Some(hash.to_owned()), ..record("ada", "") };
        assert!(record("!kf8sJ2").to_newcomer(7).unwrap().user.password_hash.is_none());
        let refused = record("plaintext").to_newcomer(7).unwrap_err();
        assert_eq!(refused, RecordError::Hash(HashError::UnknownFormat));
    }

    #[test]
    fn times_are_read_as_the_programs_write_them_and_no_other_is_taken_for_now() {
        for text in [
            "1970-01-02T00:00:00Z",
            "1970-01-02T01:00:00.5+01:00",
            "1970-01-02 00:00:00",
            "1970-01-02 00:00:00+00",
            "86400",
        ] {
            assert_eq!(CreatedAt::of_text(text), CreatedAt::At(86_400), "{text}");
        }
        // The last are milliseconds.
        for text in ["yesterday", "02/01/1970", "0000-00-00 00:00:00", "1.5", "1577934245000"] {
            assert_eq!(CreatedAt::of_text(text), CreatedAt::Unreadable, "{text}");
        }
        let refused = Record { created_at: CreatedAt::Unreadable, ..record("ada", "") }.to_newcomer(7).unwrap_err();
        assert_eq!(refused, RecordError::CreatedAt);
    }

    #[test]
    fn who_it_is_is_said_without_what_cannot_be_seen_and_without_a_hash() {
        let who = |username: &str, email: &str| record(username, email).who();
        assert_eq!(who("ada", "ada@example.com").as_deref(), Some("ada"));
        assert_eq!(who(" ", "ada@example.com").as_deref(), Some("ada@example.com"));
        assert_eq!(who("", ""), None);
        let hostile = "a\u{1b}[2K\u{202e}b\n\u{2028}\0é";
        assert_eq!(who(hostile, "").as_deref(), Some(r"a\u{1b}[2K\u{202e}b\u{a}\u{2028}\u{0}é"));
        assert_eq!(who(&"é".repeat(101), "").unwrap(), "é".repeat(100) + "…");
        let hash = "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";
        assert_eq!(who(hash, "ada@example.com").as_deref(), Some("ada@example.com"));
        assert_eq!(who(hash, ""), None);
    }
}
