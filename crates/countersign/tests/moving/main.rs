//! Everything that is kept, moved from one engine to the other, and into a backup and out of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests fail as the tests do"
)]

#[path = "../support/postgres.rs"]
mod server;

mod backups;
mod moves;
mod sample;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use countersign::store::postgres::PostgresPort;
use countersign::store::sqlite::SqlitePort;
use countersign::store::transfer::{MoveError, Moved, Port, Purpose, Range, Row, bring_over};
use tempfile::TempDir;

/// A database of either engine.
#[derive(Clone)]
enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Database {
    async fn source(&self) -> Box<dyn Port> {
        match self {
            Self::Sqlite(path) => Box::new(SqlitePort::source(path).unwrap()),
            Self::Postgres(url) => Box::new(PostgresPort::source(&url.parse().unwrap()).await.unwrap()),
        }
    }

    async fn target_of(&self, schema: Option<i64>) -> Box<dyn Port> {
        match self {
            Self::Sqlite(path) => Box::new(SqlitePort::target(path, schema).unwrap()),
            Self::Postgres(url) => Box::new(PostgresPort::target(&url.parse().unwrap(), schema).await.unwrap()),
        }
    }

    async fn target(&self) -> Box<dyn Port> {
        self.target_of(None).await
    }

    /// Opens it as a server does; why it cannot.
    async fn open(&self) -> Result<Box<dyn std::any::Any>, String> {
        use countersign::store::postgres::PostgresStore;
        use countersign::store::sqlite::SqliteStore;
        match self {
            Self::Sqlite(path) => {
                SqliteStore::open(path).map(|store| Box::new(store) as Box<_>).map_err(|error| error.to_string())
            }
            Self::Postgres(url) => {
                let opened = PostgresStore::open(&url.parse().unwrap()).await;
                opened.map(|store| Box::new(store) as Box<_>).map_err(|error| error.to_string())
            }
        }
    }

    /// All rows of all tables.
    async fn content(&self) -> Vec<(String, Vec<Row>)> {
        let mut port = self.source().await;
        port.begin(Purpose::Reading).await.unwrap();
        let mut content = Vec::new();
        for table in port.tables().iter() {
            content.push((table.name.clone(), port.rows(table, &Range::default(), 1_000_000).await.unwrap()));
        }
        content
    }

    /// Runs statements that both engines understand.
    fn run(&self, statements: &str) {
        match self {
            Self::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(statements).unwrap(),
            Self::Postgres(url) => server::run(url, statements),
        }
    }
}

/// A folder for databases.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn sqlite(&self, name: &str) -> Database {
        Database::Sqlite(self.path().join(name))
    }

    /// An empty database of each engine.
    fn both(&self, name: &str) -> [Database; 2] {
        [self.sqlite(name), Database::Postgres(server::fresh())]
    }
}

async fn bring(from: &Database, to: &Database) -> Result<Moved, MoveError> {
    bring_over(from.source().await.as_mut(), to.target().await.as_mut(), ("the source", "the target"), &mut |_, _| ())
        .await
}

/// A move that is finished.
async fn bring_all(from: &Database, to: &Database) -> Moved {
    let moved = bring(from, to).await.unwrap();
    assert!(moved.is_finished);
    moved
}
