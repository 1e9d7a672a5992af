//! The audit log in memory.

use async_trait::async_trait;

use crate::audit::{AuditId, AuditPage, AuditQuery, AuditRecord};
use crate::store::memory::MemoryStore;
use crate::store::{AuditStore, StoreError};

#[async_trait]
impl AuditStore for MemoryStore {
    async fn keep_records(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let mut audit = self.audit();
        for record in records {
            audit.entry(record.id).or_insert_with(|| record.clone());
        }
        Ok(())
    }

    async fn list_records(&self, query: &AuditQuery) -> Result<AuditPage, StoreError> {
        let audit = self.audit();
        let limit = query.page_limit();
        let found = audit.values().filter(|record| query.matches(record));
        let records = if query.oldest_first {
            found.take(limit + 1).cloned().collect()
        } else {
            found.rev().take(limit + 1).cloned().collect()
        };
        Ok(AuditPage::from_one_more(records, limit))
    }

    async fn purge_records(&self, before: i64, limit: usize) -> Result<usize, StoreError> {
        let over = self.audit().extract_if(..AuditId::bound(before), |_, _| true).take(limit).count();
        Ok(over)
    }
}
