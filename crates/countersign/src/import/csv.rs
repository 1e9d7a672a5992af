//! A table with a line of titles.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader};

use crate::import::titles;
use crate::import::{Found, Item, LONGEST_LINE, ReadError};

/// The most cells of a row.
const MOST_CELLS: usize = 1024;

pub(super) fn read(file: impl BufRead, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    let mut rows = Rows::of(file);
    let failed = |line: usize, error: io::Error| ReadError::after(line - 1, &error);
    let first = rows.next().map_err(|error| failed(1, error))?;
    let Some(Row::Whole(titles)) = first else { return Err(ReadError::NoTitles) };
    let titles: Vec<String> = titles.cells().map(|title| title.trim().to_ascii_lowercase()).collect();
    if !titles.iter().any(|title| title == "username" || title == "email") {
        return Err(ReadError::NoTitles);
    }
    loop {
        let line = rows.skip_to_row().map_err(|error| failed(rows.line, error))?;
        let found = match rows.next().map_err(|error| failed(line, error))? {
            None => return Ok(()),
            Some(Row::Whole(row)) => found(&titles, &row),
            Some(Row::Unreadable(reason)) => Found::Unreadable(reason),
        };
        if !each(Item { place: line, found }) {
            return Ok(());
        }
    }
}

fn found(titles: &[String], row: &Cells<'_>) -> Found {
    // One comma too many or too few would give a user the hash or the state of another column.
    if row.ends.len() != titles.len() {
        return Found::Unreadable("the row has another number of cells than the line of titles");
    }
    Found::User(titles::record(|title| {
        let column = titles.iter().position(|own| own == title)?;
        row.cells().nth(column).filter(|cell| !cell.is_empty()).map(str::to_owned)
    }))
}

/// The rows of a table, of which no more than one is held.
struct Rows<R> {
    file: R,
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// The line that comes next.
    line: usize,
}

enum Row<'r> {
    Whole(Cells<'r>),
    Unreadable(&'static str),
}

/// The text of all cells, and where in it each ends.
struct Cells<'r> {
    text: &'r str,
    ends: &'r [usize],
}

impl<'r> Cells<'r> {
    fn cells(&self) -> impl Iterator<Item = &'r str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let text = self.text;
        starts.zip(self.ends).map(move |(start, end)| text.get(start..*end).unwrap_or_default())
    }
}

impl<R: BufRead> Rows<R> {
    fn of(file: R) -> Self {
        Self { file, reader: Reader::new(), text: vec![0; LONGEST_LINE], ends: vec![0; MOST_CELLS], line: 1 }
    }

    /// Passes over empty lines, and says in which line the next row begins.
    fn skip_to_row(&mut self) -> io::Result<usize> {
        while let Some(&byte @ (b'\r' | b'\n')) = self.file.fill_buf()?.first() {
            self.file.consume(1);
            self.line += usize::from(byte == b'\n');
        }
        Ok(self.line)
    }

    /// The next row; of one that is too long no more is held than the limit.
    fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        let (mut length, mut count, mut is_whole) = (0, 0, true);
        loop {
            let input = self.file.fill_buf()?;
            let text = self.text.get_mut(length..).unwrap_or_default();
            let ends = self.ends.get_mut(count..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(input, text, ends);
            self.line += input.iter().take(read).filter(|byte| **byte == b'\n').count();
            self.file.consume(read);
            length += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    is_whole = false;
                    (length, count) = (0, 0);
                }
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record if !is_whole => {
                    return Ok(Some(Row::Unreadable("this row is longer than 64 KiB: is a quotation mark missing?")));
                }
                ReadRecordResult::Record => break,
            }
        }
        let text = str::from_utf8(self.text.get(..length).unwrap_or_default());
        let ends = self.ends.get(..count).unwrap_or_default();
        Ok(Some(text.map_or(Row::Unreadable("this row is not UTF-8"), |text| Row::Whole(Cells { text, ends }))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::record::tests::{all, first};

    #[test]
    fn who_is_not_plainly_active_stays_out() {
        for (text, disabled) in [("", false), ("no", false), ("0", false), ("yes", true), ("-1", true), ("on", true)] {
            assert_eq!(first(read, &format!("username,disabled\nada,{text}\n")).disabled, disabled, "{text}");
        }
        for (text, disabled) in [("", false), ("t", false), ("f", true), ("on", true)] {
            assert_eq!(first(read, &format!("username,is_active\nada,{text}\n")).disabled, disabled, "{text}");
        }
    }

    #[test]
    fn cells_may_hold_commas_quotation_marks_and_lines() {
        let text = "Full_Name , username\n\"Ada, \"\"Countess\"\"\nof Lovelace\",ada\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
            let record = first(read, &text);
            assert_eq!(record.username.as_deref(), Some("ada"));
            let full_name = record.full_name.unwrap().replace("\r\n", "\n");
            assert_eq!(full_name, "Ada, \"Countess\"\nof Lovelace");
        }
    }

    #[test]
    fn a_row_that_is_wrong_keeps_no_other_out_and_lines_are_counted() {
        let long = "x".repeat(LONGEST_LINE);
        let many = ",".repeat(MOST_CELLS);
        let rows: [&[u8]; 9] = [
            b"username,email",
            b"ada,ada@example.com",
            b"b\xFFb,bob@example.com",
            b"",
            b"bob,\"bob@\nexample.com\"",
            long.as_bytes(),
            many.as_bytes(),
            b"eve",
            b"zoe,zoe@example.com",
        ];
        let expected = [(2, true), (3, false), (5, true), (7, false), (8, false), (9, false), (10, true)];
        for end in ["\n", "\r\n"] {
            assert_eq!(all(read, &rows.join(end.as_bytes())), expected, "{end:?}");
        }
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_takes_no_memory() {
        let rest = "eve,eve@example.com\n".repeat(10_000);
        let text = format!("username,email\nada,ada@example.com\n\"bob,bob@example.com\n{rest}");
        assert_eq!(all(read, text.as_bytes()), [(2, true), (3, false)]);
    }
}
