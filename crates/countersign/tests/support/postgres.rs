//! A PostgreSQL for tests: the one that `TEST_POSTGRES` names by its URL, or one that `script/postgres` starts and that ends
//! with this process. Each test gets schemas of its own in it.

// Each test program uses its own part of this.
#![allow(dead_code, unreachable_pub)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, NoTls};

/// Names a server that runs already.
const VARIABLE: &str = "TEST_POSTGRES";

/// A server, and the process whose standard input keeps it.
static SERVER: OnceLock<(String, Option<Child>)> = OnceLock::new();
static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// The URL of the server.
pub fn server() -> &'static str {
    &SERVER.get_or_init(|| std::env::var(VARIABLE).map_or_else(|_| start(), |url| (url, None))).0
}

/// One more server, which ends when the standard input of the process is closed.
pub fn start() -> (String, Option<Child>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../script/postgres");
    let mut child = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(url.starts_with("postgres://"), "script/postgres has not started a server: see above");
    (url.trim_end().to_owned(), Some(child))
}

/// The URL of a new, empty schema.
pub fn fresh() -> String {
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let name = format!("t{}_{number}", std::process::id());
    run(server(), &format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}"));
    format!("{}?options=-c%20search_path%3D{name}", server())
}

/// Runs statements and waits for them, also where a runtime runs already.
pub fn run(url: &str, statements: &str) {
    let (url, statements) = (url.to_owned(), statements.to_owned());
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { connect(&url).await.batch_execute(&statements).await.unwrap() });
    };
    std::thread::spawn(work).join().unwrap();
}

/// A connection of one's own.
pub async fn connect(url: &str) -> Client {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(async { drop(driver.await) });
    client
}
