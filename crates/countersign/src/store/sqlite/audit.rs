//! The audit log in SQLite.

use async_trait::async_trait;
use rusqlite::{Row, params};

use crate::audit::{AuditId, AuditPage, AuditQuery, AuditRecord};
use crate::store::sqlite::connection::JobError;
use crate::store::sqlite::{SqliteStore, sql};
use crate::store::{AuditStore, StoreError};

#[async_trait]
impl AuditStore for SqliteStore {
    async fn keep_records(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let records = records.to_vec();
        self.write(move |transaction| {
            let mut statement = transaction.prepare_cached(sql::KEEP_RECORD)?;
            for record in &records {
                statement.execute(params![
                    record.id.as_bytes(),
                    record.event,
                    record.outcome,
                    record.cause,
                    record.user,
                    record.by,
                    record.client,
                    record.source,
                    record.request_id,
                    record.times,
                    sql::detail_to_text(&record.detail),
                ])?;
            }
            Ok(())
        })
        .await
    }

    async fn list_records(&self, query: &AuditQuery) -> Result<AuditPage, StoreError> {
        let query = query.clone();
        self.listing(move |connection| {
            let one_more = i64::try_from(query.page_limit() + 1).unwrap_or(i64::MAX);
            let mut statement = connection.prepare_cached(sql::list_records(&query))?;
            let AuditQuery { event, by, client, source, user, after, before, .. } = &query;
            let mut rows = match user {
                None => statement.query(params![
                    after.as_bytes(),
                    before.as_bytes(),
                    event,
                    by,
                    client,
                    source,
                    one_more
                ])?,
                Some(user) => statement.query(params![
                    after.as_bytes(),
                    before.as_bytes(),
                    event,
                    by,
                    client,
                    source,
                    user,
                    one_more
                ])?,
            };
            let mut records = Vec::new();
            while let Some(row) = rows.next()? {
                records.push(read_record(row)?);
            }
            Ok(AuditPage::from_one_more(records, query.page_limit()))
        })
        .await
    }

    async fn purge_records(&self, before: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let bound = AuditId::bound(before);
        self.write(move |transaction| {
            Ok(transaction.prepare_cached(sql::PURGE_RECORDS)?.execute(params![bound.as_bytes(), limit])?)
        })
        .await
    }
}

fn read_record(row: &Row<'_>) -> Result<AuditRecord, JobError> {
    Ok(AuditRecord {
        id: AuditId::from_bytes(row.get(0)?),
        event: row.get(1)?,
        outcome: row.get(2)?,
        cause: row.get(3)?,
        user: row.get(4)?,
        by: row.get(5)?,
        client: row.get(6)?,
        source: row.get(7)?,
        request_id: row.get(8)?,
        times: row.get(9)?,
        detail: sql::detail_of_text(&row.get::<_, String>(10)?)?,
    })
}
