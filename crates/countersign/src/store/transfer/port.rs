//! The side of an engine that things are moved through.

use std::sync::Arc;

use async_trait::async_trait;

use crate::store::transfer::BATCH;
use crate::store::transfer::line::{Digest, Summing};
use crate::store::transfer::table::{Range, Row, Table};
use crate::store::{Mark, StoreError};

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read everything as it is at one moment, whoever writes meanwhile.
    Reading,
    /// To change rows: all at the commit, or none.
    Writing,
}

/// One connection to a database, through which all of it is read or written. Dropped without a commit, it undoes what was begun.
#[async_trait]
pub trait Port: Send {
    /// The name of the engine.
    fn engine(&self) -> &'static str;

    /// The version of the schema that the tables are of.
    fn schema(&self) -> i64;

    /// All tables, each after those that its rows refer to.
    fn tables(&self) -> Arc<[Table]>;

    /// Shuts everybody else out until this port is dropped: processes that begin meanwhile do not get in. `false` if one is in there
    /// already. Not within a transaction.
    async fn claim(&mut self) -> Result<bool, StoreError>;

    /// Begins a transaction.
    async fn begin(&mut self, purpose: Purpose) -> Result<(), StoreError>;

    /// Ends it, and what was changed holds.
    async fn commit(&mut self) -> Result<(), StoreError>;

    /// Ends it, and nothing was changed.
    async fn undo(&mut self) -> Result<(), StoreError>;

    /// What is found to be damaged when every page is read; `None` also where the engine sees that by itself as it reads.
    async fn damage(&mut self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// How many rows there are.
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError>;

    /// At most `limit` rows, in the order of their keys.
    async fn rows(&mut self, table: &Table, range: &Range, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Puts rows in.
    async fn insert(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), StoreError>;

    /// Deletes rows, and with them what belongs to them in other tables.
    async fn delete(&mut self, table: &Table, range: &Range) -> Result<(), StoreError>;

    /// Why nobody else opens this database, if nobody does.
    async fn mark(&mut self) -> Result<Option<Mark>, StoreError>;

    /// Sets that, or takes it away.
    async fn set_mark(&mut self, mark: Option<&Mark>) -> Result<(), StoreError>;

    /// Once all rows are in: numbers that the database gives by itself go on after those that are taken.
    async fn settle(&mut self) -> Result<(), StoreError>;

    /// Ends all sessions, and marks their access tokens as taken back; how many there were.
    async fn end_all_sessions(&mut self) -> Result<usize, StoreError>;

    /// The same for the tokens of things.
    async fn end_all_entity_tokens(&mut self) -> Result<usize, StoreError>;
}

/// How many rows there are in all tables.
pub(super) async fn count_all(port: &mut dyn Port) -> Result<u64, StoreError> {
    let mut rows = 0;
    for table in port.tables().iter() {
        rows += port.count(table).await?;
    }
    Ok(rows)
}

/// The first table that has a row.
pub(super) async fn first_in_use(port: &mut dyn Port) -> Result<Option<String>, StoreError> {
    for table in port.tables().iter() {
        if !port.rows(table, &Range::default(), 1).await?.is_empty() {
            return Ok(Some(table.name.clone()));
        }
    }
    Ok(None)
}

/// Sums a table up.
pub(super) async fn digest(port: &mut dyn Port, table: &Table) -> Result<Digest, StoreError> {
    let (mut summing, mut range) = (Summing::of(table), Range::default());
    loop {
        let rows = port.rows(table, &range, BATCH).await?;
        summing.take_all(&rows);
        match rows.last() {
            Some(last) if rows.len() == BATCH => range = Range::after(Some(table.key_of(last))),
            _ => return Ok(summing.end()),
        }
    }
}
