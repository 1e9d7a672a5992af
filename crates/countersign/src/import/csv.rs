//! A table with a line of titles. Titles are those of the programs: `username`; `email`; `full_name`, `name`, or `first_name` and
//! `last_name`; `disabled`, or its opposites `is_active` and `enabled`; `scope`; `password_hash`, `hashed_password`, or `password`,
//! which holds a hash in Django's table; `created_at`, `date_joined`. Others are passed over.

use std::io::BufRead;

use ::csv::{ReaderBuilder, StringRecord};

use crate::import::record::{Record, RecordError, is_no, is_yes, joined, time};
use crate::import::{Item, ReadError};

pub(super) fn read(file: impl BufRead, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    let mut table = ReaderBuilder::new().flexible(true).from_reader(file);
    let titles = table.headers().map_err(|error| ReadError::new(0, &error))?.clone();
    if column(&titles, &["username", "email"]).is_none() {
        return Err(ReadError::new(0, &"the first line has no title `username` or `email`"));
    }
    let mut row = StringRecord::new();
    loop {
        let line = usize::try_from(table.position().line()).unwrap_or(usize::MAX);
        let item = match table.read_record(&mut row) {
            Ok(true) => Ok(record(&titles, &row)),
            Ok(false) => return Ok(()),
            Err(error) if error.is_io_error() => return Err(ReadError::new(line, &error)),
            Err(_) => Err(RecordError::NotAUser("this is not a row of UTF-8 text".to_owned())),
        };
        if !each((line, item)) {
            return Ok(());
        }
    }
}

fn record(titles: &StringRecord, row: &StringRecord) -> Record {
    let cell = |names: &[&str]| row.get(column(titles, names)?).filter(|cell| !cell.is_empty());
    let owned = |names: &[&str]| cell(names).map(str::to_owned);
    let is_active = cell(&["is_active", "enabled"]).is_none_or(is_yes);
    Record {
        username: owned(&["username"]),
        email: owned(&["email"]),
        full_name: owned(&["full_name", "name"]).or_else(|| joined(cell(&["first_name"]), cell(&["last_name"]))),
        // What is not plainly active stays out.
        disabled: cell(&["disabled"]).is_some_and(|text| !is_no(text)) || !is_active,
        scope: owned(&["scope"]),
        password_hash: owned(&["password_hash", "hashed_password", "password"]),
        created_at: cell(&["created_at", "date_joined"]).and_then(time),
    }
}

fn column(titles: &StringRecord, names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| titles.iter().position(|title| title.trim().eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::record::tests::first;

    #[test]
    fn who_is_not_plainly_active_stays_out() {
        for (text, disabled) in [("", false), ("no", false), ("0", false), ("yes", true), ("-1", true), ("on", true)] {
            assert_eq!(first(read, &format!("username,disabled\nada,{text}\n")).disabled, disabled, "{text}");
        }
        for (text, disabled) in [("", false), ("t", false), ("f", true), ("on", true)] {
            assert_eq!(first(read, &format!("username,is_active\nada,{text}\n")).disabled, disabled, "{text}");
        }
    }
}
