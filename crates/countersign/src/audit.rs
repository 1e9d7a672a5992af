//! The audit log: what was done to accounts, sessions, clients, things and keys, by whom, when and from where.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use uuid::{Timestamp, Uuid};

pub use uuid::ContextV7;

/// The most records of one page.
const MAX_LIMIT: usize = 1000;
/// The records of one page when nothing else is asked.
const DEFAULT_LIMIT: usize = 50;
/// The outcome of what was not done. Attackers can have many of these written, so that repetitions are counted.
pub(crate) const REFUSED: &str = "refused";

/// Identifies a record: a UUID of version 7 (RFC 9562). Ids sort by the millisecond in which they were made, and those of one process in
/// the order in which they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(Uuid);

/// The text is not the id of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a record looks like 01890a5d-ac96-774b-bcce-b302099a8057: five groups of hexadecimal digits")]
#[non_exhaustive]
pub struct AuditIdError;

/// What one act has left in the log. Whatever the act did not name is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Which record it is, and of which moment.
    pub id: AuditId,
    /// What was done, such as `login`.
    pub event: String,
    /// What came of it: `good` or `refused`.
    pub outcome: Option<String>,
    /// Why it was refused; never told to the caller.
    pub cause: Option<String>,
    /// The id of the account that it is about.
    pub user: Option<String>,
    /// Who did it to others: an account's id, a client, or `command line`.
    pub by: Option<String>,
    /// The client that asked.
    pub client: Option<String>,
    /// The address from which it came.
    pub source: Option<String>,
    /// The name of the request, as the log and the answer have it.
    pub request_id: Option<String>,
    /// How often it happened within a moment; refusals that are alike are one record.
    pub times: u32,
    /// What else there is to say, by name.
    pub detail: BTreeMap<String, String>,
}

/// Which records to list; the default is the latest ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only acts with this name.
    pub event: Option<String>,
    /// Only acts about this account.
    pub user: Option<String>,
    /// Only acts by this account, or by `command line`.
    pub by: Option<String>,
    /// Only acts of this client.
    pub client: Option<String>,
    /// Only acts from this address.
    pub source: Option<String>,
    /// Oldest first in place of latest first.
    pub oldest_first: bool,
    /// Only records after this one.
    pub after: AuditId,
    /// Only records before this one.
    pub before: AuditId,
    /// At most so many, 1 to 1000; a number outside is brought to the nearer end. 50 unless set.
    pub limit: usize,
}

/// A page of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// Where the next page goes on ([`AuditQuery::go_on`]); `None` when this is the last.
    pub next: Option<AuditId>,
}

impl AuditId {
    /// A fresh id of this moment (Unix time in milliseconds), after all that were made with this context.
    pub fn new(context: &ContextV7, now_ms: i64) -> Self {
        let now_ms = u64::try_from(now_ms).unwrap_or(0);
        let nanos = u32::try_from(now_ms % 1000).unwrap_or(0) * 1_000_000;
        Self(Uuid::new_v7(Timestamp::from_unix(context, now_ms / 1000, nanos)))
    }

    /// The id of these 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes of the id; they sort as the ids do.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// When the act was, in milliseconds of Unix time.
    pub fn millis(self) -> i64 {
        i64::try_from(self.0.as_u128() >> 80).unwrap_or(i64::MAX)
    }

    /// Less than every id of this second, and greater than all before; no record has it.
    pub(crate) fn bound(second: i64) -> Self {
        const LATEST: u64 = (1 << 48) - 1;
        let millis = u64::try_from(second).unwrap_or(0).saturating_mul(1000).min(LATEST);
        Self(Uuid::from_u128(u128::from(millis) << 80))
    }
}

impl fmt::Display for AuditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for AuditId {
    type Err = AuditIdError;

    /// Only the form that `Display` writes.
    fn from_str(text: &str) -> Result<Self, AuditIdError> {
        let id = Uuid::try_parse(text).map(Self).map_err(|_| AuditIdError)?;
        if id.to_string() == text { Ok(id) } else { Err(AuditIdError) }
    }
}

impl AuditRecord {
    /// An act of this name that has nothing else to say.
    pub fn new(id: AuditId, event: &str) -> Self {
        Self {
            id,
            event: event.to_owned(),
            outcome: None,
            cause: None,
            user: None,
            by: None,
            client: None,
            source: None,
            request_id: None,
            times: 1,
            detail: BTreeMap::new(),
        }
    }

    /// Whether this is the same refusal once more.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        let essence = |record: &Self| {
            let Self { event, outcome, cause, user, by, client, source, .. } = record.clone();
            (event, outcome, cause, user, by, client, source)
        };
        self.outcome.as_deref() == Some(REFUSED) && essence(self) == essence(other)
    }
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self {
            event: None,
            user: None,
            by: None,
            client: None,
            source: None,
            oldest_first: false,
            after: AuditId(Uuid::nil()),
            before: AuditId(Uuid::max()),
            limit: DEFAULT_LIMIT,
        }
    }
}

impl AuditQuery {
    /// Only acts at or after this second (Unix time).
    #[must_use]
    pub fn since(mut self, second: i64) -> Self {
        self.after = self.after.max(AuditId::bound(second));
        self
    }

    /// Only acts before this second (Unix time).
    #[must_use]
    pub fn until(mut self, second: i64) -> Self {
        self.before = self.before.min(AuditId::bound(second));
        self
    }

    /// The page that follows the one whose `next` this is.
    #[must_use]
    pub fn go_on(mut self, next: AuditId) -> Self {
        if self.oldest_first {
            self.after = self.after.max(next);
        } else {
            self.before = self.before.min(next);
        }
        self
    }

    /// How many records a page has at most.
    pub fn page_limit(&self) -> usize {
        self.limit.clamp(1, MAX_LIMIT)
    }

    /// Whether a record is one of those that are asked for, whatever the page.
    pub fn matches(&self, record: &AuditRecord) -> bool {
        let fits = |asked: &Option<String>, has: &Option<String>| asked.is_none() || asked == has;
        self.event.as_ref().is_none_or(|event| *event == record.event)
            && fits(&self.user, &record.user)
            && fits(&self.by, &record.by)
            && fits(&self.client, &record.client)
            && fits(&self.source, &record.source)
            && (self.after < record.id && record.id < self.before)
    }
}

impl AuditPage {
    /// Makes the page of `records`, which a store read in order, one more than `limit` if there are so many: the one too many tells
    /// that another page follows.
    pub fn from_one_more(mut records: Vec<AuditRecord>, limit: usize) -> Self {
        let more = records.len() > limit;
        records.truncate(limit);
        let next = if more { records.last().map(|record| record.id) } else { None };
        Self { records, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_within_a_moment_by_order() {
        let context = ContextV7::new();
        let ids: Vec<AuditId> = [7000, 7999, 7999, 8000, 8001, 1_764_000_000_000]
            .map(|ms| AuditId::new(&context, ms))
            .into_iter()
            .collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| ids.iter().filter(|other| *other == id).count() == 1));
        assert_eq!(ids.iter().map(|id| id.millis()).collect::<Vec<_>>()[3..5], [8000, 8001]);
        assert!(ids[2] < AuditId::bound(8) && AuditId::bound(8) < ids[3]);
    }

    // F-13
    #[test]
    fn ids_stay_in_order_when_the_clock_jumps_back() {
        let context = ContextV7::new();
        let earlier = AuditId::new(&context, 1_000_000);
        assert!(earlier < AuditId::new(&context, 10_000));
    }

    #[test]
    fn an_id_is_read_back_in_one_spelling_only() {
        let id = AuditId::new(&ContextV7::new(), 1_764_000_000_123);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(AuditId::from_bytes(*id.as_bytes()), id);
        for wrong in ["", "x", &id.to_string().to_uppercase(), &id.to_string().replace('-', "")] {
            assert_eq!(wrong.parse::<AuditId>(), Err(AuditIdError), "{wrong}");
        }
    }

    #[test]
    fn bounds_hold_for_times_that_no_id_can_have() {
        assert!(AuditId::bound(i64::MIN) <= AuditId::bound(0) && AuditId::bound(0) < AuditId::bound(i64::MAX));
    }
}
