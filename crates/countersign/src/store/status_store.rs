//! What a store of token statuses promises.

use async_trait::async_trait;

use crate::status::{StatusListId, StatusPlace};
use crate::store::StoreError;

/// Keeps which tokens were taken back, by the places of their statuses. Whoever keeps sessions as well marks the place of one in the
/// same step that ends it before its time, whatever the reason.
#[async_trait]
pub trait StatusStore: Send + Sync + 'static {
    /// Makes a list known until this time, or longer if it is known for longer.
    async fn keep_status_list(&self, list: StatusListId, until: i64) -> Result<(), StoreError>;

    /// The marked places of a list, in order; `None` if there is no such list.
    async fn list_revoked(&self, list: StatusListId) -> Result<Option<Vec<u16>>, StoreError>;

    /// Whether a place is marked.
    async fn is_revoked(&self, place: StatusPlace) -> Result<bool, StoreError>;

    /// Deletes at most `limit` marks whose tokens have expired at `now`, and the lists whose time is over; how many marks there were.
    async fn purge_statuses(&self, now: i64, limit: usize) -> Result<usize, StoreError>;
}
