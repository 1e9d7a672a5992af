//! What is moved: tables, their columns and rows, as both engines know them.

use std::collections::BTreeSet;

use crate::store::StoreError;

/// What a column holds. Truth is an integer, 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Text.
    Text,
    /// An integer of 64 bits.
    Integer,
    /// Bytes.
    Bytes,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Text, Self::Integer, Self::Bytes];

    /// Its name in a backup.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Bytes => "bytes",
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// A table: its columns by their names, and which of them tell its rows apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// In the order of their names.
    pub columns: Vec<Column>,
    /// Places in `columns`, in the order of the primary key, which is the order of the rows.
    pub key: Vec<usize>,
}

impl Table {
    /// The columns of the primary key.
    pub(super) fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().filter_map(|place| self.columns.get(*place))
    }

    /// What tells this row from all others.
    pub(super) fn key_of(&self, row: &Row) -> Vec<Value> {
        self.key.iter().filter_map(|place| row.get(*place)).cloned().collect()
    }
}

/// One value of a row.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// None.
    Null,
    /// Of [`Kind::Text`].
    Text(String),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Bytes`].
    Bytes(Vec<u8>),
}

/// The values of a row, in the order of the columns.
pub type Row = Vec<Value>;

/// Rows of a table by their keys: those beyond `after` and up to `upto`.
#[derive(Clone, Default)]
pub struct Range {
    /// The last key that is not meant; `None` from the first row on.
    pub after: Option<Vec<Value>>,
    /// The last key that is meant; `None` to the last row.
    pub upto: Option<Vec<Value>>,
}

impl Range {
    /// All rows after this key.
    pub(super) fn after(key: Option<Vec<Value>>) -> Self {
        Self { after: key, upto: None }
    }

    /// The values that stand for its ends in a statement.
    pub(in crate::store) fn values(&self) -> impl Iterator<Item = &Value> {
        self.after.iter().chain(&self.upto).flatten()
    }
}

/// A table as an engine describes it: names and what they hold, which of them are the key, and the tables that its rows refer to.
#[derive(Default)]
pub(in crate::store) struct Described {
    pub(in crate::store) name: String,
    /// Name, the engine's name for the type, and the place in the primary key, counted from any number upwards.
    pub(in crate::store) columns: Vec<(String, String, Option<i64>)>,
    pub(in crate::store) refers_to: BTreeSet<String>,
}

impl Described {
    fn to_table(&self, kind_of: fn(&str) -> Option<Kind>) -> Result<Table, StoreError> {
        let mut columns: Vec<_> = self.columns.iter().collect();
        columns.sort();
        let mut key: Vec<_> = columns
            .iter()
            .enumerate()
            .filter_map(|(place, (_, _, in_key))| in_key.map(|in_key| (in_key, place)))
            .collect();
        key.sort_unstable();
        if key.is_empty() {
            return Err(StoreError::Damaged(format!("the table {} has no primary key", self.name)));
        }
        let columns = columns.into_iter().map(|(name, of_type, _)| {
            let unknown =
                || StoreError::Damaged(format!("{}.{name} is of type {of_type}, which cannot be moved", self.name));
            Ok(Column { name: name.clone(), kind: kind_of(of_type).ok_or_else(unknown)? })
        });
        let columns = columns.collect::<Result<_, StoreError>>()?;
        Ok(Table { name: self.name.clone(), columns, key: key.into_iter().map(|(_, place)| place).collect() })
    }
}

/// The tables, each after those that its rows refer to, and otherwise by their names.
pub(in crate::store) fn in_order(
    mut described: Vec<Described>,
    kind_of: fn(&str) -> Option<Kind>,
) -> Result<Vec<Table>, StoreError> {
    described.sort_by(|one, other| one.name.cmp(&other.name));
    let mut tables: Vec<Table> = Vec::with_capacity(described.len());
    while !described.is_empty() {
        let is_free = |table: &Described| {
            table.refers_to.iter().all(|name| *name == table.name || tables.iter().any(|before| before.name == *name))
        };
        let Some(next) = described.iter().position(is_free) else {
            return Err(StoreError::Damaged("tables refer to one another in a circle".to_owned()));
        };
        tables.push(described.remove(next).to_table(kind_of)?);
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, refers_to: &[&str]) -> Described {
        Described {
            name: name.to_owned(),
            columns: vec![("id".to_owned(), "T".to_owned(), Some(1)), ("b".to_owned(), "T".to_owned(), None)],
            refers_to: refers_to.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn any(of_type: &str) -> Option<Kind> {
        (of_type == "T").then_some(Kind::Text)
    }

    #[test]
    fn tables_come_after_those_they_refer_to_and_columns_by_their_names() {
        let tables = in_order(vec![described("a", &["z"]), described("c", &["c"]), described("z", &[])], any).unwrap();
        assert_eq!(tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["c", "z", "a"]);
        let columns: Vec<_> = tables[0].columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((columns, &tables[0].key), (vec!["b", "id"], &vec![1]));
    }

    #[test]
    fn what_cannot_be_moved_is_said_and_not_left_out() {
        let circle = in_order(vec![described("a", &["b"]), described("b", &["a"])], any).unwrap_err();
        assert!(circle.to_string().contains("circle"), "{circle}");
        let unknown = in_order(vec![described("a", &[])], |_| None).unwrap_err();
        assert!(unknown.to_string().contains("a.b is of type T"), "{unknown}");
        let keyless = Described { name: "a".to_owned(), ..Described::default() };
        assert!(in_order(vec![keyless], any).unwrap_err().to_string().contains("no primary key"));
    }
}
