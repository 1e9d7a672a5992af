//! The audit log in PostgreSQL.

use async_trait::async_trait;
use tokio_postgres::Row;

use crate::audit::{AuditId, AuditPage, AuditQuery, AuditRecord};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::{StepError, get, get_bytes};
use crate::store::postgres::sql::{KEEP_RECORDS, PURGE_RECORDS};
use crate::store::{AuditStore, StoreError, sql};

#[async_trait]
impl AuditStore for PostgresStore {
    async fn keep_records(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let details: Vec<String> = records.iter().map(|record| sql::detail_to_text(&record.detail)).collect();
        let ids: Vec<&[u8]> = records.iter().map(|record| record.id.as_bytes().as_slice()).collect();
        let events: Vec<&str> = records.iter().map(|record| record.event.as_str()).collect();
        let times: Vec<i64> = records.iter().map(|record| i64::from(record.times)).collect();
        let column = |of: fn(&AuditRecord) -> &Option<String>| -> Vec<Option<&str>> {
            records.iter().map(|record| of(record).as_deref()).collect()
        };
        let turn = self.turn().await?;
        turn.lane()
            .execute(
                KEEP_RECORDS,
                &[
                    &ids,
                    &events,
                    &column(|record| &record.outcome),
                    &column(|record| &record.cause),
                    &column(|record| &record.user),
                    &column(|record| &record.by),
                    &column(|record| &record.client),
                    &column(|record| &record.source),
                    &column(|record| &record.request_id),
                    &times,
                    &details,
                ],
            )
            .await?;
        Ok(())
    }

    async fn list_records(&self, query: &AuditQuery) -> Result<AuditPage, StoreError> {
        let (after, before) = (query.after.as_bytes().as_slice(), query.before.as_bytes().as_slice());
        let one_more = i64::try_from(query.page_limit() + 1).unwrap_or(i64::MAX);
        let AuditQuery { event, by, client, source, user, .. } = query;
        // PostgreSQL takes no NUL, not even to compare with: no record has one.
        if [event, by, client, source, user].into_iter().flatten().any(|asked| asked.contains('\0')) {
            return Ok(AuditPage::from_one_more(Vec::new(), query.page_limit()));
        }
        let turn = self.turn().await?;
        let lane = turn.lane();
        let statement = sql::list_records(query);
        let records = match user {
            None => {
                lane.read_all(statement, &[&after, &before, event, by, client, source, &one_more], read_record).await?
            }
            Some(user) => {
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
                    [&after, &before, event, by, client, source, user, &one_more];
                lane.read_all(statement, &values, read_record).await?
            }
        };
        Ok(AuditPage::from_one_more(records, query.page_limit()))
    }

    async fn purge_records(&self, before: i64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let bound = AuditId::bound(before);
        let turn = self.turn().await?;
        let purged = turn.lane().execute(PURGE_RECORDS, &[&bound.as_bytes().as_slice(), &limit]).await?;
        Ok(usize::try_from(purged).unwrap_or(usize::MAX))
    }
}

fn read_record(row: &Row) -> Result<AuditRecord, StepError> {
    let times: i64 = get(row, 9)?;
    Ok(AuditRecord {
        id: AuditId::from_bytes(get_bytes(row, 0)?),
        event: get(row, 1)?,
        outcome: get(row, 2)?,
        cause: get(row, 3)?,
        user: get(row, 4)?,
        by: get(row, 5)?,
        client: get(row, 6)?,
        source: get(row, 7)?,
        request_id: get(row, 8)?,
        times: u32::try_from(times).map_err(|error| StoreError::Damaged(format!("an audit record: {error}")))?,
        detail: sql::detail_of_text(get(row, 10)?)?,
    })
}
