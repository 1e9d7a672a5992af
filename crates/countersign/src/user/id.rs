//! A user's id: a UUID of version 7 (RFC 9562), so that ids sort by the second of registration.

use std::fmt;
use std::str::FromStr;

use uuid::{NoContext, Timestamp, Uuid};

/// In a second.
const NANOS: u32 = 1_000_000_000;

/// Identifies a user for good: it outlives changes of the name and is never given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Uuid);

/// The text is not a user id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user id looks like 01890a5d-ac96-774b-bcce-b302099a8057: five groups of hexadecimal digits")]
#[non_exhaustive]
pub struct UserIdError;

impl UserId {
    /// A fresh id for a user registered at `now` (Unix seconds): 48 bits of time, 74 random bits. The clock has no milliseconds, and random
    /// ones make it seldom that two ids share the first eight bytes, which are all that SQLite's index of searches knows.
    pub fn new(now: i64) -> Self {
        let seconds = u64::try_from(now).unwrap_or(0);
        let nanos = Uuid::new_v4().as_fields().0 % NANOS;
        Self(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos)))
    }

    /// The id of these 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes of the id; they sort as the ids do.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for UserId {
    type Err = UserIdError;

    /// Only the form that `Display` writes, upper case digits allowed: one id has one spelling in a URL.
    fn from_str(text: &str) -> Result<Self, UserIdError> {
        const HYPHENATED_LENGTH: usize = 36;
        if text.len() != HYPHENATED_LENGTH {
            return Err(UserIdError);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| UserIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_version_7_uuid_of_the_given_second() {
        let id = UserId::new(1_700_000_000);
        let text = id.to_string();
        // 1 700 000 000 000 ms is 0x018bcfe56800, and 999 later is 0x018bcfe56be7.
        assert!(("018bcfe5-6800-7".."018bcfe5-6be7-8").contains(&text.as_str()), "{text}");
        assert_ne!(id, UserId::new(1_700_000_000));
        assert!(id < UserId::new(1_700_000_001));
        assert!(UserId::new(-1) < UserId::new(1));
    }

    #[test]
    fn an_id_is_read_back_in_one_spelling_only() {
        let id = UserId::new(1_700_000_000);
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(text.to_uppercase().parse(), Ok(id));
        assert_eq!(UserId::from_bytes(*id.as_bytes()), id);
        for wrong in
            ["", "x", &text.replace('-', ""), &format!("{{{text}}}"), &format!("urn:uuid:{text}"), &format!("{text} ")]
        {
            assert_eq!(wrong.parse::<UserId>(), Err(UserIdError), "{wrong}");
        }
    }
}
