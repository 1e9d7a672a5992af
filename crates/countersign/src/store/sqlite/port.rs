//! SQLite's side of what is moved.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, params_from_iter};

use crate::store::sqlite::connection::{self, Access, JobError};
use crate::store::sqlite::examine::{Look, damage};
use crate::store::sqlite::files::DatabaseFiles;
use crate::store::sqlite::worker::Worker;
use crate::store::sqlite::{OpenError, schema as schemas};
use crate::store::transfer::{
    Column, Described, Dialect, Kind, MARK_TABLE, Port, Purpose, Range, Row, Table, Value, delete, in_order, quoted,
    select,
};
use crate::store::{KNOWN_VERSION, Mark, StoreError, sql};

/// Jobs that may wait: a port has one at a time.
const QUEUE_LIMIT: usize = 1;

/// A database of this engine, to be moved out of or into.
pub struct SqlitePort {
    path: PathBuf,
    /// `None` only while another connection takes its place.
    worker: Option<Worker>,
    schema: i64,
    tables: Arc<[Table]>,
}

impl SqlitePort {
    /// A database to read, which has to be there and of exactly this program's schema: it is left as it is. Others may be at work on it.
    pub fn source(path: &Path) -> Result<Self, OpenError> {
        if !path.exists() {
            return Err(OpenError::Missing { path: path.to_owned() });
        }
        let files = DatabaseFiles::prepare(path)?;
        let connection = connection::open(path, Access::Read).map_err(|error| schemas::open_error(path, &error))?;
        let found = schemas::check_ours(&connection, path)?;
        schemas::check_finished(&connection, path)?;
        if found != KNOWN_VERSION {
            return Err(OpenError::Older { path: path.to_owned(), found, known: KNOWN_VERSION });
        }
        files.check_modes()?;
        Self::over(path, connection, found)
    }

    /// A database to write into, made if it is not there, as are its tables: as they were in this version of the schema, or in the newest
    /// that this program knows.
    pub fn target(path: &Path, schema: Option<i64>) -> Result<Self, OpenError> {
        let schema = schema.unwrap_or(KNOWN_VERSION);
        let files = DatabaseFiles::prepare(path)?;
        let mut connection =
            connection::open(path, Access::Write).map_err(|error| schemas::open_error(path, &error))?;
        schemas::bring_up_to(&mut connection, path, schema)?;
        connection::use_write_ahead_log(&connection).map_err(|error| schemas::open_error(path, &error))?;
        files.check_modes()?;
        Self::over(path, connection, schema)
    }

    fn over(path: &Path, connection: Connection, schema: i64) -> Result<Self, OpenError> {
        let failed = |reason: String| OpenError::Failed { path: path.to_owned(), reason };
        let tables = tables(&connection).map_err(|error| failed(error.0.to_string()))?;
        let worker =
            Worker::start("sqlite-port", connection, QUEUE_LIMIT).map_err(|error| failed(error.to_string()))?;
        Ok(Self { path: path.to_owned(), worker: Some(worker), schema, tables: tables.into() })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shut = || StoreError::Unavailable("the connection to the database is closed".to_owned());
        self.worker.as_ref().ok_or_else(shut)?.run(move |connection| work(connection)).await
    }

    async fn batch(&self, statements: &'static str) -> Result<(), StoreError> {
        self.run(move |connection| Ok(connection.execute_batch(statements)?)).await
    }

    async fn end(&self, [mark, delete]: [&'static str; 2]) -> Result<usize, StoreError> {
        self.run(move |connection| {
            connection.execute(mark, [])?;
            Ok(connection.execute(delete, [])?)
        })
        .await
    }
}

#[async_trait]
impl Port for SqlitePort {
    fn engine(&self) -> &'static str {
        "sqlite"
    }

    fn schema(&self) -> i64 {
        self.schema
    }

    fn tables(&self) -> Arc<[Table]> {
        Arc::clone(&self.tables)
    }

    async fn claim(&mut self) -> Result<bool, StoreError> {
        // Ours is a connection as well, and a lock that excludes others is had by the first access only.
        self.worker = None;
        let failed = |error| JobError::from(error).0;
        let (connection, is_alone) = match connection::open_alone(&self.path) {
            Ok(connection) => (connection, true),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                (connection::open(&self.path, Access::Write).map_err(failed)?, false)
            }
            Err(error) => return Err(failed(error)),
        };
        let worker = Worker::start("sqlite-port", connection, QUEUE_LIMIT);
        self.worker = Some(worker.map_err(|error| StoreError::Unavailable(error.to_string()))?);
        Ok(is_alone)
    }

    async fn begin(&mut self, purpose: Purpose) -> Result<(), StoreError> {
        // A moment is taken hold of by the first read.
        let reading = "BEGIN; SELECT count(*) FROM sqlite_schema";
        self.batch(if purpose == Purpose::Writing { "BEGIN IMMEDIATE" } else { reading }).await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.batch("COMMIT").await
    }

    async fn undo(&mut self) -> Result<(), StoreError> {
        self.run(
            |connection| if connection.is_autocommit() { Ok(()) } else { Ok(connection.execute_batch("ROLLBACK")?) },
        )
        .await
    }

    async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let statement = format!("SELECT count(*) FROM {}", quoted(&table.name));
        let count =
            self.run(move |connection| Ok(connection.query_row(&statement, [], |row| row.get::<_, i64>(0))?)).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    async fn rows(&mut self, table: &Table, range: &Range, limit: usize) -> Result<Vec<Row>, StoreError> {
        let statement = select(&Sqlite, table, range, limit);
        let values: Vec<Value> = range.values().cloned().collect();
        let kinds: Vec<Kind> = table.columns.iter().map(|column| column.kind).collect();
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(&statement)?;
            let mut found = statement.query(params_from_iter(values))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let values = kinds.iter().enumerate().map(|(place, kind)| read(row.get_ref(place)?, *kind));
                rows.push(values.collect::<Result<Row, JobError>>()?);
            }
            Ok(rows)
        })
        .await
    }

    async fn insert(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), StoreError> {
        let names: Vec<_> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let places: Vec<_> = (1..=names.len()).map(|number| format!("${number}")).collect();
        let (names, places) = (names.join(", "), places.join(", "));
        let statement = format!("INSERT INTO {} ({names}) VALUES ({places})", quoted(&table.name));
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(&statement)?;
            for row in rows {
                statement.execute(params_from_iter(row))?;
            }
            Ok(())
        })
        .await
    }

    async fn delete(&mut self, table: &Table, range: &Range) -> Result<(), StoreError> {
        let statement = delete(&Sqlite, table, range);
        let values: Vec<Value> = range.values().cloned().collect();
        self.run(move |connection| Ok(connection.execute(&statement, params_from_iter(values)).map(drop)?)).await
    }

    async fn damage(&mut self) -> Result<Option<String>, StoreError> {
        self.run(|connection| Ok(damage(connection, Look::Quick)?)).await
    }

    async fn mark(&mut self) -> Result<Option<Mark>, StoreError> {
        self.run(|connection| Ok(schemas::mark(connection)?)).await
    }

    async fn set_mark(&mut self, mark: Option<&Mark>) -> Result<(), StoreError> {
        let mark = mark.cloned();
        self.run(move |connection| {
            connection.execute_batch(&format!("DROP TABLE IF EXISTS {MARK_TABLE}"))?;
            if let Some((kind, place)) = mark.as_ref().map(Mark::parts) {
                let columns = "(kind TEXT NOT NULL, place TEXT NOT NULL)";
                connection.execute_batch(&format!("CREATE TABLE {MARK_TABLE} {columns} STRICT"))?;
                connection.execute(&format!("INSERT INTO {MARK_TABLE} VALUES ($1, $2)"), [kind, place])?;
            }
            Ok(())
        })
        .await
    }

    async fn settle(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn end_all_sessions(&mut self) -> Result<usize, StoreError> {
        self.end(sql::END_ALL_SESSIONS).await
    }

    async fn end_all_entity_tokens(&mut self) -> Result<usize, StoreError> {
        self.end(sql::END_ALL_ENTITY_TOKENS).await
    }
}

/// As SQLite wants it.
struct Sqlite;

impl Dialect for Sqlite {
    fn column(&self, _: &Table, column: &Column) -> String {
        format!("t.{}", quoted(&column.name))
    }

    fn placeholder(&self, number: usize, _: Kind) -> String {
        format!("${number}")
    }
}

fn tables(connection: &Connection) -> Result<Vec<Table>, JobError> {
    // An index of words is a table of its own kind, over others that hold it: triggers make it of what is moved.
    let names = "SELECT name FROM pragma_table_list
        WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> $1";
    let mut names = connection.prepare(names)?;
    let names = names.query_map([MARK_TABLE], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let mut described = Vec::with_capacity(names.len());
    for name in names {
        // A column that is computed of others is not among these.
        let mut columns = connection.prepare("SELECT name, type, nullif(pk, 0) FROM pragma_table_info($1)")?;
        let columns = columns.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let columns = columns.collect::<Result<_, _>>()?;
        let mut refers_to = connection.prepare("SELECT \"table\" FROM pragma_foreign_key_list($1)")?;
        let refers_to = refers_to.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        described.push(Described { name, columns, refers_to });
    }
    Ok(in_order(described, kind_of)?)
}

/// The tables are STRICT: what is declared is what there is.
fn kind_of(of_type: &str) -> Option<Kind> {
    match of_type {
        "TEXT" => Some(Kind::Text),
        "INTEGER" | "INT" => Some(Kind::Integer),
        "BLOB" => Some(Kind::Bytes),
        _ => None,
    }
}

fn read(value: ValueRef<'_>, kind: Kind) -> Result<Value, JobError> {
    Ok(match (value, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Kind::Integer) => Value::Integer(number),
        (ValueRef::Text(text), Kind::Text) => {
            let damaged = |_| StoreError::Damaged("a text is not UTF-8".to_owned());
            Value::Text(String::from_utf8(text.to_vec()).map_err(damaged)?)
        }
        (ValueRef::Blob(bytes), Kind::Bytes) => Value::Bytes(bytes.to_vec()),
        (other, _) => {
            let text = format!("a value is {}, where {} is declared", other.data_type(), kind.name());
            return Err(StoreError::Damaged(text).into());
        }
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
