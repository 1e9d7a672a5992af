//! What a store of the audit log promises.

use async_trait::async_trait;

use crate::audit::{AuditPage, AuditQuery, AuditRecord};
use crate::store::StoreError;

/// Keeps what was done. Nothing changes a record; it goes when its time is over.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Keeps these, all or none; those that are kept already stay as they are.
    async fn keep_records(&self, records: &[AuditRecord]) -> Result<(), StoreError>;

    /// A page of records.
    async fn list_records(&self, query: &AuditQuery) -> Result<AuditPage, StoreError>;

    /// Deletes at most `limit` records of before this second; how many there were.
    async fn purge_records(&self, before: i64, limit: usize) -> Result<usize, StoreError>;
}
