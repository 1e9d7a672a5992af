//! Who is refused, and how often that was.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::StoreError;

/// There were too many attempts: another one may be made later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Too many attempts, try again in {}", Wait(*retry_after_s))]
pub struct Throttled {
    /// When, in seconds.
    pub retry_after_s: u32,
}

/// Why an attempt is not looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThrottleError {
    /// There were too many.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// It could not be counted.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempted {
    /// A login.
    Login,
    /// A change of the own password, with the current one.
    PasswordChange,
    /// The secret of a client.
    Client,
    /// A registration.
    Registration,
    /// A token for a thing.
    EntityToken,
    /// Another e-mail address for the own account.
    EmailChange,
}

impl Attempted {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Login, Self::PasswordChange, Self::Client, Self::Registration, Self::EntityToken, Self::EmailChange];

    /// Its name in the log and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::PasswordChange => "password_change",
            Self::Client => "client",
            Self::Registration => "registration",
            Self::EntityToken => "entity_token",
            Self::EmailChange => "email_change",
        }
    }
}

/// How often each was refused since the start.
#[derive(Default)]
pub(super) struct Refusals([AtomicU64; Attempted::ALL.len()]);

impl Refusals {
    pub(super) fn count(&self, attempted: Attempted) {
        if let Some(count) = self.0.get(attempted as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn counts(&self) -> [(Attempted, u64); Attempted::ALL.len()] {
        Attempted::ALL.map(|attempted| {
            (attempted, self.0.get(attempted as usize).map_or(0, |count| count.load(Ordering::Relaxed)))
        })
    }
}

/// A time as people say it, rounded up.
struct Wait(u32);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u32 = 60;
        const HOUR: u32 = 60 * MINUTE;
        let (count, unit) = match self.0 {
            seconds if seconds < 2 * MINUTE => (seconds, "second"),
            seconds if seconds < 2 * HOUR => (seconds.div_ceil(MINUTE), "minute"),
            seconds => (seconds.div_ceil(HOUR), "hour"),
        };
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_said_as_people_say_it_and_is_never_too_short() {
        for (seconds, said) in
            [(1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (3541, "60 minutes"), (86_400, "24 hours")]
        {
            assert_eq!(Wait(seconds).to_string(), said);
        }
        assert_eq!(Throttled { retry_after_s: 7201 }.to_string(), "Too many attempts, try again in 3 hours");
    }

    #[test]
    fn each_kind_of_refusal_is_counted_by_itself() {
        let refusals = Refusals::default();
        refusals.count(Attempted::EntityToken);
        refusals.count(Attempted::Client);
        refusals.count(Attempted::Client);
        assert_eq!(
            refusals.counts().map(|(attempted, count)| (attempted.name(), count)),
            [
                ("login", 0),
                ("password_change", 0),
                ("client", 2),
                ("registration", 0),
                ("entity_token", 1),
                ("email_change", 0)
            ]
        );
    }
}
