//! The two engines: where the rows are put, past the store, and what their files and processes take.

use std::io::{BufRead, BufReader, Cursor};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use countersign::store::Store;
use countersign::store::postgres::PostgresStore;
use countersign::store::sqlite::SqliteStore;
use futures_util::SinkExt as _;
use rusqlite::{Connection, params};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::scale::rows::{Rows, SessionRow, UserRow, hex};
use crate::server::{Server, countersign};

/// Bytes that go to PostgreSQL at once.
const CHUNK: usize = 1 << 20;
/// For each server. All logins come from one address: counted, they would be refused.
const ARGUMENTS: [&str; 4] = ["--issuer", "http://127.0.0.1:8000", "--throttle", "off"];

const INSERT_USER: &str = "
    INSERT INTO users (id, username, username_skeleton, email, email_canonical, full_name, disabled, scopes, created_at,
        updated_at, generation, password_hash)
    VALUES (?1, ?2, ?3, ?4, ?4, ?5, 0, '', ?6, ?6, 0, ?7)";
const INSERT_SESSION: &str = "
    INSERT INTO sessions (id, user_id, client, scope, address, user_agent, created_at, last_used_at, expires_at,
        refresh_number, refresh_hash, refresh_until, refresh_ends_at, access_until, status_list, status_index)
    VALUES (?1, ?2, 'first-party', '', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
const COPY_USERS: &str = "
    COPY users (id, username, username_skeleton, email, email_canonical, full_name, disabled, scopes, created_at,
        updated_at, generation, password_hash) FROM STDIN";
const COPY_SESSIONS: &str = "
    COPY sessions (id, user_id, client, scope, address, user_agent, created_at, last_used_at, expires_at,
        refresh_number, refresh_hash, refresh_until, refresh_ends_at, access_until, status_list, status_index) FROM STDIN";
const SIZES: &str = "
    SELECT relname::text, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relname IN ('users', 'sessions', 'audit_log')";

/// An engine with everything that a run needs; its files are gone with this value.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    data: TempDir,
    postgres: Option<Postgres>,
}

struct Postgres {
    // Its standard input is open for as long as it shall run.
    process: Child,
    url: String,
    client: Client,
    /// The first of its processes, whose children the others are.
    head: u32,
}

/// What a table takes on the disk, in bytes.
pub(crate) struct TableSize {
    pub(crate) table: String,
    pub(crate) rows: f64,
    pub(crate) indexes: f64,
}

impl Engine {
    pub(crate) fn sqlite() -> Result<Self> {
        Self::prepare("SQLite", None)
    }

    pub(crate) async fn postgres() -> Result<Self> {
        Self::prepare("PostgreSQL", Some(Postgres::start().await?))
    }

    /// Makes the tables, and an administrator in them.
    fn prepare(name: &'static str, postgres: Option<Postgres>) -> Result<Self> {
        let data = tempfile::tempdir()?;
        std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o700))?;
        let engine = Self { name, data, postgres };
        let mut adding = engine
            .command()?
            .args(["user", "add", "admin", "--scope", "users:read", "--password-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        std::io::Write::write_all(&mut adding.stdin.take().context("no input")?, crate::server::PASSWORD.as_bytes())?;
        ensure!(adding.wait()?.success(), "no administrator could be added");
        Ok(engine)
    }

    /// Whether several servers can work on it.
    pub(crate) fn is_for_many(&self) -> bool {
        self.postgres.is_some()
    }

    fn command(&self) -> Result<Command> {
        let mut command = countersign(&self.data)?;
        if let Some(postgres) = &self.postgres {
            command.env("COUNTERSIGN_DATABASE", &postgres.url);
        }
        Ok(command)
    }

    /// Starts a server on it.
    pub(crate) fn serve(&self) -> Result<Server> {
        Server::start_by(self.command()?, &ARGUMENTS)
    }

    /// The store itself, of another process than the server's.
    pub(crate) async fn store(&self) -> Result<Arc<dyn Store>> {
        Ok(match &self.postgres {
            None => Arc::new(SqliteStore::open(&self.file())?),
            Some(postgres) => Arc::new(PostgresStore::open(&postgres.url.parse()?).await?),
        })
    }

    /// Adds the users with these numbers, and their sessions.
    pub(crate) async fn fill(&self, rows: &Rows, from: u64, to: u64) -> Result<()> {
        let Some(postgres) = &self.postgres else {
            return fill_file(&self.file(), rows, from, to);
        };
        // Foreign keys hold by the way in which the rows are made.
        postgres.client.batch_execute("SET session_replication_role = replica").await?;
        let users = (from..to).map(|number| rows.user(number).map(|row| line_of_user(&row)));
        postgres.copy(COPY_USERS, users).await?;
        postgres.copy(COPY_SESSIONS, rows.sessions(from, to).map(|row| Ok(line_of_session(&row)))).await?;
        for list in Rows::lists(from, to) {
            let until = rows.purged_at() + 40 * 86_400;
            let statement = "INSERT INTO status_lists (id, until) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            postgres.client.execute(statement, &[&list.as_slice(), &until]).await?;
        }
        postgres.client.batch_execute("SET session_replication_role = DEFAULT").await?;
        // As autovacuum does in its time.
        postgres.client.batch_execute("VACUUM ANALYZE").await?;
        Ok(postgres.client.batch_execute("CHECKPOINT").await?)
    }

    /// Adds sessions that can be purged.
    pub(crate) async fn add_short_sessions(&self, rows: &Rows, users: u64, count: u64) -> Result<()> {
        match &self.postgres {
            None => {
                let mut connection = Connection::open(self.file())?;
                let transaction = connection.transaction()?;
                insert_sessions(&transaction, rows.short_sessions(users, count))?;
                Ok(transaction.commit()?)
            }
            Some(postgres) => {
                postgres
                    .copy(COPY_SESSIONS, rows.short_sessions(users, count).map(|row| Ok(line_of_session(&row))))
                    .await
            }
        }
    }

    /// What the tables take; of SQLite's file no index is told apart.
    pub(crate) async fn sizes(&self) -> Result<Vec<TableSize>> {
        let Some(postgres) = &self.postgres else {
            let bytes = std::fs::metadata(self.file())?.len();
            return Ok(vec![TableSize { table: "everything".to_owned(), rows: of(bytes), indexes: 0.0 }]);
        };
        let found = postgres.client.query(SIZES, &[]).await?;
        let read = |row: &tokio_postgres::Row| {
            let (rows, indexes): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
            Ok(TableSize { table: row.try_get(0)?, rows: of(rows.unsigned_abs()), indexes: of(indexes.unsigned_abs()) })
        };
        found.iter().map(read).collect()
    }

    /// Bytes that were written to the log ahead since the start, by PostgreSQL's count or by that of the process `server`.
    pub(crate) async fn written(&self, server: &Server) -> Result<f64> {
        match &self.postgres {
            None => {
                let io = std::fs::read_to_string(format!("/proc/{}/io", server.process_id()))?;
                Ok(io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).context("no write_bytes")?.parse()?)
            }
            Some(postgres) => {
                let statement = "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8";
                Ok(postgres.client.query_one(statement, &[]).await?.try_get(0)?)
            }
        }
    }

    /// CPU seconds of the database's own processes since their start.
    pub(crate) fn database_cpu_s(&self) -> f64 {
        self.postgres.as_ref().map_or(0.0, |postgres| cpu_s_of_family(postgres.head))
    }

    fn file(&self) -> PathBuf {
        self.data.path().join("data/countersign.db")
    }
}

impl Postgres {
    async fn start() -> Result<Self> {
        let mut process = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../script/postgres"))
            .arg("--durable")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut url)?;
        let url = url.trim().to_owned();
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        let own: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
        let head = stat(own.unsigned_abs()).context("no process of PostgreSQL")?.parent;
        Ok(Self { process, url, client, head })
    }

    async fn copy(&self, statement: &str, lines: impl Iterator<Item = Result<String>>) -> Result<()> {
        let mut sink = Box::pin(self.client.copy_in::<_, Cursor<Vec<u8>>>(statement).await?);
        let mut chunk = Vec::with_capacity(CHUNK + 1024);
        for line in lines {
            chunk.extend_from_slice(line?.as_bytes());
            if chunk.len() > CHUNK {
                sink.send(Cursor::new(std::mem::take(&mut chunk))).await?;
            }
        }
        sink.send(Cursor::new(chunk)).await?;
        sink.as_mut().finish().await?;
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn fill_file(file: &Path, rows: &Rows, from: u64, to: u64) -> Result<()> {
    let mut connection = Connection::open(file)?;
    // In the order in which they come in life, so that the trees are as full as they are then. Nothing has to survive until it is done.
    let settings =
        "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
        PRAGMA cache_size = -5000000";
    connection.execute_batch(settings)?;
    let transaction = connection.transaction()?;
    let mut statement = transaction.prepare(INSERT_USER)?;
    for number in from..to {
        let UserRow { id, username, skeleton, email, full_name, created_at, hash } = rows.user(number)?;
        statement.execute(params![id, username, skeleton, email, full_name, created_at, hash])?;
    }
    drop(statement);
    let until = rows.purged_at() + 40 * 86_400;
    for list in Rows::lists(from, to) {
        transaction.execute("INSERT OR IGNORE INTO status_lists (id, until) VALUES (?1, ?2)", params![list, until])?;
    }
    insert_sessions(&transaction, rows.sessions(from, to))?;
    transaction.commit()?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL")?;
    std::fs::File::open(file)?.sync_all()?;
    Ok(())
}

fn insert_sessions(connection: &Connection, sessions: impl Iterator<Item = SessionRow>) -> Result<()> {
    let mut statement = connection.prepare(INSERT_SESSION)?;
    for row in sessions {
        let (number, hash, until) = row.refresh.map_or((None, None, None), |(n, h, u)| (Some(n), Some(h), Some(u)));
        let ends_at = until.map(|until| until + 23 * 86_400);
        statement.execute(params![
            row.id,
            row.user,
            row.address,
            row.user_agent,
            row.created_at,
            row.last_used_at,
            row.expires_at,
            number,
            hash,
            until,
            ends_at,
            row.access_until,
            row.list,
            row.place,
        ])?;
    }
    Ok(())
}

fn line_of_user(row: &UserRow) -> String {
    let UserRow { id, username, skeleton, email, full_name, created_at, hash } = row;
    let id = hex(id);
    format!("{id}\t{username}\t{skeleton}\t{email}\t{email}\t{full_name}\tf\t\t{created_at}\t{created_at}\t0\t{hash}\n")
}

fn line_of_session(row: &SessionRow) -> String {
    let SessionRow { address, user_agent, created_at, last_used_at, expires_at, access_until, place, .. } = row;
    let refresh = row.refresh.map_or_else(
        || r"\N	\N	\N	\N".to_owned(),
        |(number, hash, until)| format!("{number}\t{}\t{until}\t{}", hex(&hash), until + 23 * 86_400),
    );
    let (id, user, list) = (hex(&row.id), hex(&row.user), hex(&row.list));
    format!(
        "{id}\t{user}\tfirst-party\t\t{address}\t{user_agent}\t{created_at}\t{last_used_at}\t{expires_at}\t{refresh}\t\
         {access_until}\t{list}\t{place}\n"
    )
}

/// What `/proc` says of a process.
struct Stat {
    parent: u32,
    own_s: f64,
    /// Of its children that have ended.
    children_s: f64,
}

fn stat(process: u32) -> Option<Stat> {
    /// Of `utime` and the like in a second, on every Linux.
    const TICKS: f64 = 100.0;
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own_s: (ticks(11)? + ticks(12)?) / TICKS,
        children_s: (ticks(13)? + ticks(14)?) / TICKS,
    })
}

/// CPU seconds of a process since its start.
pub(crate) fn cpu_s(process: u32) -> f64 {
    stat(process).map_or(0.0, |stat| stat.own_s)
}

fn cpu_s_of_family(head: u32) -> f64 {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = numbers.filter_map(stat).filter(|stat| stat.parent == head).map(|stat| stat.own_s);
    children.sum::<f64>() + stat(head).map_or(0.0, |stat| stat.own_s + stat.children_s)
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files")]
fn of(bytes: u64) -> f64 {
    bytes as f64
}
