//! PostgreSQL's side of what is moved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;

use crate::store::postgres::connection::{StepError, Turn, get};
use crate::store::postgres::{Address, OpenError, PostgresStore, schema as schemas, sql};
use crate::store::transfer::{
    Column, Described, Dialect, Kind, MARK_TABLE, Port, Purpose, Range, Row, Table, Value, delete, in_order, quoted,
    select,
};
use crate::store::{KNOWN_VERSION, Mark, StoreError};

/// How long connections may be there still that were given up: the server of the database hears of it later.
const LONGEST_GOODBYE: Duration = Duration::from_secs(3);
const NEXT_TRY: Duration = Duration::from_millis(100);

type Sendable = Box<dyn ToSql + Sync + Send>;

/// A database of this engine, to be moved out of or into.
pub struct PostgresPort {
    /// Its one connection.
    turn: Turn,
    schema: i64,
    tables: Arc<[Table]>,
    dialect: Postgres,
    /// Columns whose numbers the database gives by itself.
    counted: Vec<(String, String)>,
}

impl PostgresPort {
    /// A database to read, which has to be there and of exactly this program's schema: it is left as it is. Others may be at work on it.
    pub async fn source(address: &Address) -> Result<Self, OpenError> {
        let store = PostgresStore::connect(&address.clone().connections(1))?;
        let failed = |error: StepError| schemas::open_error(&store.database, error);
        let turn = store.turn().await.map_err(failed)?;
        let found = schemas::check_ours(turn.lane(), &store.database).await?;
        schemas::check_finished(turn.lane(), &store.database).await?;
        match found {
            KNOWN_VERSION => {}
            0 => return Err(OpenError::Missing { database: store.database }),
            found => return Err(OpenError::Older { database: store.database, found, known: KNOWN_VERSION }),
        }
        Self::over(turn, found).await.map_err(failed)
    }

    /// A database to write into, whose tables are made if they are not there: as they were in this version of the schema, or in the newest
    /// that this program knows.
    pub async fn target(address: &Address, schema: Option<i64>) -> Result<Self, OpenError> {
        let schema = schema.unwrap_or(KNOWN_VERSION);
        let store = PostgresStore::connect(&address.clone().connections(1))?;
        schemas::bring_up_to(&store.pool, &store.database, schema).await?;
        let failed = |error: StepError| schemas::open_error(&store.database, error);
        Self::over(store.turn().await.map_err(failed)?, schema).await.map_err(failed)
    }

    async fn over(turn: Turn, schema: i64) -> Result<Self, StepError> {
        let lane = turn.lane();
        lane.batch(sql::MOVING_SETTINGS).await?;
        let columns = lane.read_all(sql::COLUMNS, &[], |row| {
            let column: (String, String, String) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
            Ok((column, get::<Option<i64>>(row, 3)?, get::<bool>(row, 4)?))
        });
        let columns = columns.await?;
        let references =
            lane.read_all(sql::REFERENCES, &[], |row| Ok((get::<String>(row, 0)?, get::<String>(row, 1)?)));
        let references = references.await?;
        let mut described: BTreeMap<String, Described> = BTreeMap::new();
        let (mut truths, mut counted) = (BTreeSet::new(), Vec::new());
        for ((table, name, of_type), in_key, is_counted) in columns {
            if of_type == "boolean" {
                truths.insert((table.clone(), name.clone()));
            }
            if is_counted {
                counted.push((table.clone(), name.clone()));
            }
            described.entry(table).or_default().columns.push((name, of_type, in_key));
        }
        for (table, other) in references {
            described.entry(table).or_default().refers_to.insert(other);
        }
        let described = described.into_iter().map(|(name, table)| Described { name, ..table }).collect();
        let tables = in_order(described, kind_of)?.into();
        Ok(Self { turn, schema, tables, dialect: Postgres { truths }, counted })
    }

    async fn batch(&mut self, statements: &str) -> Result<(), StoreError> {
        Ok(self.turn.lane().batch(statements).await?)
    }

    async fn end(&mut self, statement: &'static str) -> Result<usize, StoreError> {
        self.turn.renew();
        let ended: Option<i64> = self.turn.lane().read_first(statement, &[], |row| get(row, 0)).await?;
        Ok(usize::try_from(ended.unwrap_or_default()).unwrap_or_default())
    }
}

#[async_trait]
impl Port for PostgresPort {
    fn engine(&self) -> &'static str {
        "postgres"
    }

    fn schema(&self) -> i64 {
        self.schema
    }

    fn tables(&self) -> Arc<[Table]> {
        Arc::clone(&self.tables)
    }

    async fn claim(&mut self) -> Result<bool, StoreError> {
        self.turn.renew();
        let until = Instant::now() + LONGEST_GOODBYE;
        // Whoever waited in line for the lock would keep out those who come after.
        while self.turn.lane().read_first(sql::CLAIM, &[], |row| get(row, 0)).await? != Some(true) {
            if Instant::now() > until {
                return Ok(false);
            }
            tokio::time::sleep(NEXT_TRY).await;
        }
        Ok(true)
    }

    async fn begin(&mut self, purpose: Purpose) -> Result<(), StoreError> {
        // A moment is taken hold of by the first statement.
        let reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1";
        self.batch(if purpose == Purpose::Writing { "BEGIN" } else { reading }).await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.batch("COMMIT").await
    }

    async fn undo(&mut self) -> Result<(), StoreError> {
        self.batch("ROLLBACK").await
    }

    async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        self.turn.renew();
        let found = self.turn.lane().query_once(&format!("SELECT count(*) FROM {}", quoted(&table.name)), &[]).await?;
        let count: i64 = found.first().map(|row| get(row, 0)).transpose()?.unwrap_or_default();
        Ok(u64::try_from(count).unwrap_or_default())
    }

    async fn rows(&mut self, table: &Table, range: &Range, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.turn.renew();
        let values: Vec<Sendable> = range.values().map(sendable).collect();
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect();
        let statement = select(&self.dialect, table, range, limit);
        let found = self.turn.lane().query_once(&statement, &values).await?;
        let read = |row| {
            let values = table.columns.iter().enumerate().map(|(place, column)| read(row, place, column.kind));
            values.collect::<Result<Row, StepError>>()
        };
        Ok(found.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn insert(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.turn.renew();
        let statement = self.dialect.insert(table);
        let values: Vec<Sendable> = columns_of(table, rows);
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect();
        Ok(self.turn.lane().execute_once(&statement, &values).await.map(drop)?)
    }

    async fn delete(&mut self, table: &Table, range: &Range) -> Result<(), StoreError> {
        self.turn.renew();
        let values: Vec<Sendable> = range.values().map(sendable).collect();
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect();
        let statement = delete(&self.dialect, table, range);
        Ok(self.turn.lane().execute_once(&statement, &values).await.map(drop)?)
    }

    async fn mark(&mut self) -> Result<Option<Mark>, StoreError> {
        self.turn.renew();
        Ok(schemas::mark(self.turn.lane()).await?)
    }

    async fn set_mark(&mut self, mark: Option<&Mark>) -> Result<(), StoreError> {
        self.turn.renew();
        self.batch(&format!("DROP TABLE IF EXISTS {MARK_TABLE}")).await?;
        if let Some((kind, place)) = mark.map(Mark::parts) {
            self.batch(&format!("CREATE TABLE {MARK_TABLE} (kind TEXT NOT NULL, place TEXT NOT NULL)")).await?;
            let insert = format!("INSERT INTO {MARK_TABLE} VALUES ($1, $2)");
            self.turn.lane().execute_once(&insert, &[&kind, &place]).await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), StoreError> {
        for (table, column) in self.counted.clone() {
            self.turn.renew();
            let (table, column) = (quoted(&table), quoted(&column));
            let next = format!(
                "SELECT setval(pg_get_serial_sequence($1, $2), coalesce(max({column}), 0) + 1, false) FROM {table}"
            );
            let names: [&(dyn ToSql + Sync); 2] = [&table, &column.trim_matches('"')];
            self.turn.lane().query_once(&next, &names).await?;
        }
        Ok(())
    }

    async fn end_all_sessions(&mut self) -> Result<usize, StoreError> {
        self.end(sql::END_ALL_SESSIONS).await
    }

    async fn end_all_entity_tokens(&mut self) -> Result<usize, StoreError> {
        self.end(sql::END_ALL_ENTITY_TOKENS).await
    }
}

/// As PostgreSQL wants it: whatever type a column has, it goes through one of three.
struct Postgres {
    /// Tables and columns that hold truth.
    truths: BTreeSet<(String, String)>,
}

impl Postgres {
    fn is_truth(&self, table: &Table, column: &Column) -> bool {
        self.truths.contains(&(table.name.clone(), column.name.clone()))
    }

    /// Many rows in one statement, a list of values for each column.
    fn insert(&self, table: &Table) -> String {
        let names: Vec<_> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let lists = table
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| format!("${}::{}[]", place + 1, name_of(column.kind)));
        let given = table.columns.iter().enumerate().map(|(place, column)| {
            if self.is_truth(table, column) { format!("c{place} <> 0") } else { format!("c{place}") }
        });
        let places: Vec<_> = (0..names.len()).map(|place| format!("c{place}")).collect();
        format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest({}) AS r({})",
            quoted(&table.name),
            names.join(", "),
            given.collect::<Vec<_>>().join(", "),
            lists.collect::<Vec<_>>().join(", "),
            places.join(", "),
        )
    }
}

impl Dialect for Postgres {
    fn column(&self, table: &Table, column: &Column) -> String {
        let name = quoted(&column.name);
        let by_way_of = if self.is_truth(table, column) { "::integer" } else { "" };
        format!("t.{name}{by_way_of}::{}", name_of(column.kind))
    }

    fn placeholder(&self, number: usize, kind: Kind) -> String {
        format!("${number}::{}", name_of(kind))
    }
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "bigint",
        Kind::Bytes => "bytea",
    }
}

fn kind_of(of_type: &str) -> Option<Kind> {
    match of_type {
        "text" | "character varying" => Some(Kind::Text),
        "bigint" | "integer" | "smallint" | "boolean" => Some(Kind::Integer),
        "bytea" => Some(Kind::Bytes),
        _ => None,
    }
}

fn read(row: &tokio_postgres::Row, place: usize, kind: Kind) -> Result<Value, StepError> {
    Ok(match kind {
        Kind::Text => get::<Option<String>>(row, place)?.map_or(Value::Null, Value::Text),
        Kind::Integer => get::<Option<i64>>(row, place)?.map_or(Value::Null, Value::Integer),
        Kind::Bytes => get::<Option<Vec<u8>>>(row, place)?.map_or(Value::Null, Value::Bytes),
    })
}

/// A value of a key, which is never `Null`.
fn sendable(value: &Value) -> Sendable {
    match value.clone() {
        Value::Null => Box::new(None::<String>),
        Value::Text(text) => Box::new(text),
        Value::Integer(number) => Box::new(number),
        Value::Bytes(bytes) => Box::new(bytes),
    }
}

/// The values of each column, as lists.
fn columns_of(table: &Table, rows: Vec<Row>) -> Vec<Sendable> {
    let mut lists: Vec<Vec<Value>> = table.columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        lists.iter_mut().zip(row).for_each(|(list, value)| list.push(value));
    }
    let list_of = |(column, values): (&Column, Vec<Value>)| -> Sendable {
        match column.kind {
            Kind::Text => Box::new(values.into_iter().map(text).collect::<Vec<Option<String>>>()),
            Kind::Integer => Box::new(values.iter().map(integer).collect::<Vec<Option<i64>>>()),
            Kind::Bytes => Box::new(values.into_iter().map(bytes).collect::<Vec<Option<Vec<u8>>>>()),
        }
    };
    table.columns.iter().zip(lists).map(list_of).collect()
}

fn text(value: Value) -> Option<String> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

fn integer(value: &Value) -> Option<i64> {
    if let Value::Integer(number) = value { Some(*number) } else { None }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    if let Value::Bytes(bytes) = value { Some(bytes) } else { None }
}
