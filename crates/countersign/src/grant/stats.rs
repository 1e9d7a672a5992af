//! What has become of token requests, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::client::Grant;
use crate::grant::GrantError;

/// What has become of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantOutcome {
    /// It was answered with a token.
    Good,
    /// The user, the password or the refresh token was not good.
    Refused,
    /// There were too many wrong passwords or secrets before it.
    Throttled,
    /// It was malformed, or not for this client.
    Invalid,
    /// Who asked did not prove to be the client.
    InvalidClient,
    /// Too many passwords were being checked.
    Busy,
    /// The store or the signing failed.
    Unavailable,
}

impl GrantOutcome {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Good, Self::Refused, Self::Throttled, Self::Invalid, Self::InvalidClient, Self::Busy, Self::Unavailable];

    /// By which it is known.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Invalid => "invalid",
            Self::InvalidClient => "invalid_client",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }

    pub(super) fn of(error: Option<&GrantError>) -> Self {
        match error {
            None => Self::Good,
            Some(GrantError::InvalidGrant(_)) => Self::Refused,
            Some(GrantError::Throttled(_)) => Self::Throttled,
            Some(GrantError::Busy { .. }) => Self::Busy,
            Some(GrantError::Unavailable) => Self::Unavailable,
            Some(_) => Self::Invalid,
        }
    }
}

/// How many token requests there were since the start, by grant and outcome.
#[derive(Debug, Default)]
pub struct GrantStats {
    counts: [[AtomicU64; GrantOutcome::ALL.len()]; Grant::ALL.len()],
    of_none: [AtomicU64; GrantOutcome::ALL.len()],
}

impl GrantStats {
    pub(crate) fn count(&self, grant: Option<Grant>, outcome: GrantOutcome) {
        if let Some(count) = self.place(grant, outcome) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there were of this grant, or of none that there is, with this outcome.
    pub fn read(&self, grant: Option<Grant>, outcome: GrantOutcome) -> u64 {
        self.place(grant, outcome).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn place(&self, grant: Option<Grant>, outcome: GrantOutcome) -> Option<&AtomicU64> {
        let of_grant = match grant {
            Some(grant) => Grant::ALL.iter().zip(&self.counts).find(|(known, _)| **known == grant)?.1,
            None => &self.of_none,
        };
        Some(GrantOutcome::ALL.iter().zip(of_grant).find(|(known, _)| **known == outcome)?.1)
    }
}
