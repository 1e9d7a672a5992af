//! Statements for tables that are not known before: names come from the database's own schema, and are quoted; values never stand in them.

use std::fmt::Write as _;

use crate::store::transfer::table::{Column, Kind, Range, Table};

/// How an engine wants columns and values written.
pub(in crate::store) trait Dialect {
    /// A column of the table `t`, as one of the three kinds.
    fn column(&self, table: &Table, column: &Column) -> String;

    /// The placeholder of this number, for a value of this kind.
    fn placeholder(&self, number: usize, kind: Kind) -> String;
}

/// A name as it is written in a statement.
pub(in crate::store) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Reads rows of a range in the order of their keys.
pub(in crate::store) fn select(dialect: &impl Dialect, table: &Table, range: &Range, limit: usize) -> String {
    let columns: Vec<_> = table.columns.iter().map(|column| dialect.column(table, column)).collect();
    let mut statement = format!("SELECT {} FROM {} AS t", columns.join(", "), quoted(&table.name));
    statement.push_str(&within(dialect, table, range));
    // Writing to a string does not fail.
    let _ = write!(statement, " ORDER BY {} LIMIT {limit}", key(table).join(", "));
    statement
}

/// Deletes the rows of a range.
pub(in crate::store) fn delete(dialect: &impl Dialect, table: &Table, range: &Range) -> String {
    format!("DELETE FROM {} AS t{}", quoted(&table.name), within(dialect, table, range))
}

/// The names say the table, so that no column of the answer is meant.
fn key(table: &Table) -> Vec<String> {
    table.key_columns().map(|column| format!("t.{}", quoted(&column.name))).collect()
}

fn within(dialect: &impl Dialect, table: &Table, range: &Range) -> String {
    let mut conditions = Vec::new();
    let mut number = 0;
    let ends = [(">", range.after.is_some()), ("<=", range.upto.is_some())];
    for (comparison, _) in ends.iter().filter(|(_, is_there)| *is_there) {
        let values = table.key_columns().map(|column| {
            number += 1;
            dialect.placeholder(number, column.kind)
        });
        let values: Vec<_> = values.collect();
        conditions.push(format!("({}) {comparison} ({})", key(table).join(", "), values.join(", ")));
    }
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}
