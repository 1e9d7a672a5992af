//! A backup: one file of lines of JSON, the same from every engine. A header; each table with its columns, its rows, their number and
//! digest; at the end the digest of everything above.

use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Value as Json, json};

use crate::store::transfer::BATCH;
use crate::store::transfer::line::{Digest, Summing, hexadecimal, row_line, table_line};
use crate::store::transfer::port::{Port, Purpose, count_all};
use crate::store::transfer::table::{Range, Table};
use crate::store::{Mark, StoreError};

/// The version of the form of a backup.
pub const FORMAT: u64 = 1;
/// By what a backup is known.
pub(super) const SIGN: &str = "countersign-backup";

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the schema that the rows are of.
    pub schema: i64,
    /// The engine that they come from.
    pub engine: String,
    /// When the backup was begun, in Unix seconds: nothing that was acknowledged before is missing.
    pub made_at: i64,
    /// The fingerprint of the sealing key that belongs to it, if that was at hand. The key itself is not in the backup.
    pub sealing_key: Option<String>,
}

impl Header {
    pub(super) fn to_line(&self) -> String {
        let header = json!({
            SIGN: FORMAT,
            "schema": self.schema,
            "engine": self.engine,
            "made_at": self.made_at,
            "sealing_key": self.sealing_key,
        });
        format!("{header}\n")
    }

    pub(super) fn of(line: &Json) -> Option<Self> {
        Some(Self {
            schema: line.get("schema")?.as_i64()?,
            engine: line.get("engine")?.as_str()?.to_owned(),
            made_at: line.get("made_at")?.as_i64()?,
            sealing_key: line.get("sealing_key").and_then(Json::as_str).map(str::to_owned),
        })
    }
}

/// What stands in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its header.
    pub header: Header,
    /// Each table by its name.
    pub tables: Vec<(String, Digest)>,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database failed.
    #[error("reading the database failed: {0}")]
    Store(#[from] StoreError),
    /// It is not in use any more.
    #[error("everything in the database was moved to {0}: back that one up")]
    Moved(String),
    /// The file failed.
    #[error("the backup cannot be written: {0}")]
    File(#[from] io::Error),
}

/// Writes everything as it is at one moment, whoever writes to the database meanwhile. It waits for the file on the thread that calls.
/// `sealing_key` is the fingerprint of that key. `progress` hears how many rows are done, and how many there are.
pub async fn back_up(
    port: &mut dyn Port,
    (made_at, sealing_key): (i64, Option<String>),
    out: &mut (dyn Write + Send),
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Written, BackupError> {
    if let Some(Mark::MovedTo(target)) = port.mark().await? {
        return Err(BackupError::Moved(target));
    }
    let header = Header { schema: port.schema(), engine: port.engine().to_owned(), made_at, sealing_key };
    let mut lines = Lines { out, whole: Context::new(&SHA256) };
    lines.write(&header.to_line())?;
    port.begin(Purpose::Reading).await?;
    let total = count_all(port).await?;
    let mut done = 0;
    let mut tables = Vec::new();
    for table in port.tables().iter() {
        let digest = write_table(port, table, &mut lines, &mut |rows| progress(done + rows, total)).await?;
        done += digest.rows;
        tables.push((table.name.clone(), digest));
    }
    port.commit().await?;
    lines.end(tables.len())?;
    Ok(Written { header, tables })
}

async fn write_table(
    port: &mut dyn Port,
    table: &Table,
    lines: &mut Lines<'_>,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Digest, BackupError> {
    lines.write(&table_line(table))?;
    let (mut summing, mut range) = (Summing::of(table), Range::default());
    loop {
        let rows = port.rows(table, &range, BATCH).await?;
        for row in &rows {
            let line = row_line(row);
            summing.take(&line);
            lines.write(&line)?;
        }
        progress(summing.rows());
        match rows.last() {
            Some(last) if rows.len() == BATCH => range = Range::after(Some(table.key_of(last))),
            _ => break,
        }
    }
    let digest = summing.end();
    lines.write(&format!("{}\n", json!({ "rows": digest.rows, "sha256": digest.sha256 })))?;
    Ok(digest)
}

/// Lines on their way into a file, summed up.
struct Lines<'l> {
    out: &'l mut (dyn Write + Send),
    whole: Context,
}

impl Lines<'_> {
    fn write(&mut self, line: &str) -> io::Result<()> {
        self.whole.update(line.as_bytes());
        self.out.write_all(line.as_bytes())
    }

    fn end(self, tables: usize) -> io::Result<()> {
        self.out.write_all(last_line(tables, self.whole).as_bytes())?;
        self.out.flush()
    }
}

/// What stands at the end.
pub(super) fn last_line(tables: usize, whole: Context) -> String {
    let sha256 = hexadecimal(whole.finish().as_ref());
    format!("{}\n", json!({ "tables": tables, "sha256_of_all": sha256 }))
}
