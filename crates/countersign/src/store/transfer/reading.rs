//! A backup, read line by line. Whatever is not exactly what was written is refused, at the latest at the end.

use std::io::{self, BufRead};

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value as Json;

use crate::store::transfer::BATCH;
use crate::store::transfer::backup::{FORMAT, Header, SIGN, Written, last_line};
use crate::store::transfer::line::{Digest, Summing, row_of, table_of};
use crate::store::transfer::table::{Row, Table};

/// Longer lines are in no backup: the longest text that a row can hold is far shorter.
const LONGEST_LINE: u64 = 16 << 20;

/// Why a backup was refused; one line each.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is something else.
    #[error("this is no backup of Countersign")]
    NoBackup,
    /// A newer program made it.
    #[error("this backup has form {0}, and this program knows up to {FORMAT}: restore it by the newer program")]
    NewerForm(u64),
    /// It was cut off.
    #[error("the backup breaks off after line {0}: it is not whole, take another one")]
    CutOff(u64),
    /// It is not what was written.
    #[error("the backup is damaged at line {0}: take another one")]
    Damaged(u64),
    /// It cannot be read.
    #[error("the backup cannot be read: {0}")]
    File(#[from] io::Error),
}

/// A backup that is being read.
pub struct Backup<R> {
    input: R,
    whole: Context,
    /// How many lines were read.
    lines: u64,
    tables: usize,
    header: Header,
}

/// What comes next.
pub(super) enum Part {
    /// Rows of a table, at most as many as are written in one step.
    Rows(Vec<Row>),
    /// The end of a table.
    End(Digest),
}

impl<R: BufRead> Backup<R> {
    /// Reads the header.
    pub fn open(mut input: R) -> Result<Self, ReadError> {
        let mut whole = Context::new(&SHA256);
        let first = match read_line(&mut input) {
            Ok(Some(line)) => line,
            Ok(None) => return Err(ReadError::NoBackup),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(ReadError::NoBackup),
            Err(error) => return Err(error.into()),
        };
        let line: Json = serde_json::from_str(&first).map_err(|_| ReadError::NoBackup)?;
        match line.get(SIGN).and_then(Json::as_u64) {
            None => return Err(ReadError::NoBackup),
            Some(form) if form > FORMAT => return Err(ReadError::NewerForm(form)),
            Some(_) => {}
        }
        let header = Header::of(&line).ok_or(ReadError::Damaged(1))?;
        whole.update(first.as_bytes());
        Ok(Self { input, whole, lines: 1, tables: 0, header })
    }

    /// What it says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads everything to the end, and keeps nothing; refuses what is damaged or not whole.
    pub fn check(mut self) -> Result<Written, ReadError> {
        let header = self.header.clone();
        let mut tables = Vec::new();
        while let Some(table) = self.next_table()? {
            let mut summing = Summing::of(&table);
            loop {
                if let Part::End(digest) = self.next_part(&table, &mut summing)? {
                    tables.push((table.name, digest));
                    break;
                }
            }
        }
        Ok(Written { header, tables })
    }

    /// The table that begins; `None` at the end, which has to be what was written.
    pub(super) fn next_table(&mut self) -> Result<Option<Table>, ReadError> {
        let so_far = self.whole.clone();
        let (text, line) = self.next()?;
        if let Some(table) = table_of(&line) {
            self.tables += 1;
            return Ok(Some(table));
        }
        let is_all = text == last_line(self.tables, so_far) && self.input.fill_buf()?.is_empty();
        if is_all { Ok(None) } else { Err(ReadError::Damaged(self.lines)) }
    }

    /// The next rows of this table, or its end, which has to be what `summing` has found.
    pub(super) fn next_part(&mut self, table: &Table, summing: &mut Summing) -> Result<Part, ReadError> {
        let mut rows = Vec::new();
        while rows.len() < BATCH && self.begins_a_row()? {
            let (text, line) = self.next()?;
            rows.push(row_of(table, &line).ok_or(ReadError::Damaged(self.lines))?);
            summing.take(&text);
        }
        if !rows.is_empty() {
            return Ok(Part::Rows(rows));
        }
        let line = self.next()?.1;
        let found = std::mem::replace(summing, Summing::of(table)).end();
        let is_said = line.get("rows").and_then(Json::as_u64) == Some(found.rows)
            && line.get("sha256").and_then(Json::as_str) == Some(&found.sha256);
        if is_said { Ok(Part::End(found)) } else { Err(ReadError::Damaged(self.lines)) }
    }

    fn begins_a_row(&mut self) -> Result<bool, ReadError> {
        Ok(self.input.fill_buf()?.first() == Some(&b'['))
    }

    fn next(&mut self) -> Result<(String, Json), ReadError> {
        let line = match read_line(&mut self.input) {
            Ok(line) => line.ok_or(ReadError::CutOff(self.lines))?,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(ReadError::Damaged(self.lines + 1)),
            Err(error) => return Err(error.into()),
        };
        self.lines += 1;
        self.whole.update(line.as_bytes());
        let value = serde_json::from_str(&line).map_err(|_| ReadError::Damaged(self.lines))?;
        Ok((line, value))
    }
}

/// A line with its end; `None` where there is no whole one any more.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    io::Read::take(input, LONGEST_LINE).read_line(&mut line)?;
    Ok(line.ends_with('\n').then_some(line))
}
