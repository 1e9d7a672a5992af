//! The one text of a table and of a row, and what is summed up over it: JSON, one line each.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::store::transfer::table::{Column, Kind, Row, Table, Value};

/// How many rows, and the SHA-256 of their text: the same in every engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// How many.
    pub rows: u64,
    /// In hexadecimal digits.
    pub sha256: String,
}

/// Sums rows up, in the order of their keys, under what the table says of them.
pub(super) struct Summing {
    context: Context,
    rows: u64,
}

impl Summing {
    pub(super) fn of(table: &Table) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(table_line(table).as_bytes());
        Self { context, rows: 0 }
    }

    pub(super) fn take(&mut self, line: &str) {
        self.context.update(line.as_bytes());
        self.rows += 1;
    }

    pub(super) fn take_all(&mut self, rows: &[Row]) {
        for row in rows {
            self.take(&row_line(row));
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn end(self) -> Digest {
        Digest { rows: self.rows, sha256: hexadecimal(self.context.finish().as_ref()) }
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What stands before the rows of a table.
pub(super) fn table_line(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().map(|column| json!([column.name, column.kind.name()])).collect();
    let key: Vec<_> = table.key_columns().map(|column| column.name.as_str()).collect();
    format!("{}\n", json!({ "table": table.name, "columns": columns, "key": key }))
}

/// The table that such a line tells of.
pub(super) fn table_of(line: &Json) -> Option<Table> {
    let column = |pair: &Json| {
        Some(Column { name: pair.get(0)?.as_str()?.to_owned(), kind: Kind::of_name(pair.get(1)?.as_str()?)? })
    };
    let columns: Vec<Column> = line.get("columns")?.as_array()?.iter().map(column).collect::<Option<_>>()?;
    let place = |name: &Json| columns.iter().position(|column| Some(column.name.as_str()) == name.as_str());
    let key = line.get("key")?.as_array()?.iter().map(place).collect::<Option<_>>()?;
    Some(Table { name: line.get("table")?.as_str()?.to_owned(), columns, key })
}

/// The text of a row.
pub(super) fn row_line(row: &Row) -> String {
    let values = row.iter().map(|value| match value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Bytes(bytes) => Json::from(STANDARD.encode(bytes)),
    });
    format!("{}\n", Json::Array(values.collect()))
}

/// The row that such a line holds.
pub(super) fn row_of(table: &Table, line: &Json) -> Option<Row> {
    let values = line.as_array()?;
    if values.len() != table.columns.len() {
        return None;
    }
    let value = |(value, column): (&Json, &Column)| match (value, column.kind) {
        (Json::Null, _) => Some(Value::Null),
        (Json::String(text), Kind::Text) => Some(Value::Text(text.clone())),
        (Json::Number(number), Kind::Integer) => number.as_i64().map(Value::Integer),
        (Json::String(text), Kind::Bytes) => STANDARD.decode(text).ok().map(Value::Bytes),
        _ => None,
    };
    values.iter().zip(&table.columns).map(value).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> Table {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        Table {
            name: "t".to_owned(),
            columns: vec![column("b", Kind::Bytes), column("n", Kind::Integer), column("t", Kind::Text)],
            key: vec![2, 0],
        }
    }

    fn json(line: &str) -> Json {
        serde_json::from_str(line).unwrap()
    }

    proptest! {
        #[test]
        fn every_row_comes_back_from_its_line(
            bytes in proptest::option::of(any::<Vec<u8>>()), number in any::<i64>(), text in proptest::option::of(any::<String>())
        ) {
            let row = vec![
                bytes.map_or(Value::Null, Value::Bytes),
                Value::Integer(number),
                text.map_or(Value::Null, Value::Text),
            ];
            let line = row_line(&row);
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert!(row_of(&table(), &json(&line)) == Some(row));
        }
    }

    #[test]
    fn a_table_comes_back_from_its_line_and_a_row_of_another_shape_does_not() {
        assert_eq!(table_of(&json(&table_line(&table()))), Some(table()));
        for line in ["[]", r#"["AA==",1]"#, r#"["AA==","1","t"]"#, r#"["*",1,"t"]"#, r#"["AA==",1.5,"t"]"#, "{}"] {
            assert!(row_of(&table(), &json(line)).is_none(), "{line}");
        }
    }

    #[test]
    fn a_digest_is_of_rows_in_their_order_and_of_what_the_table_is() {
        let digest = |table: &Table, lines: &[&str]| {
            let mut summing = Summing::of(table);
            for line in lines {
                summing.take(line);
            }
            summing.end()
        };
        let other = Table { name: "u".to_owned(), ..table() };
        let of_both = digest(&table(), &["[1]\n", "[2]\n"]);
        assert_eq!((of_both.rows, of_both.sha256.len()), (2, 64));
        assert_ne!(of_both, digest(&table(), &["[2]\n", "[1]\n"]));
        assert_ne!(of_both, digest(&other, &["[1]\n", "[2]\n"]));
    }
}
