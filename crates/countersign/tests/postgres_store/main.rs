//! The PostgreSQL store from outside: other programs' databases, several stores and processes on one, and a server that is away.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of tests fail as the tests do")]

#[path = "../support/postgres.rs"]
mod server;

mod faults;
mod indexes;
#[path = "../support/refreshes.rs"]
mod race;
mod refreshes;
#[path = "../support/two_stores.rs"]
mod two_stores;

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use countersign::store::postgres::{Address, OpenError, PostgresStore};
use countersign::store::{KeyState, KeyStore, SearchText, SigningKeyRecord, StoreError, UserQuery, UserStore};
use countersign::user::{NewUser, ScopesChange, UserChange, Username};
use countersign_token::ScopeSet;
use tokio::task::JoinSet;

const NOW: i64 = 1_700_000_000;

/// Names the database for a test that runs in a process of its own.
const DATABASE_VARIABLE: &str = "COUNTERSIGN_TEST_DATABASE";

fn named(name: &str) -> NewUser {
    NewUser::new(Username::new(name).unwrap(), NOW)
}

fn key(kid: &str) -> SigningKeyRecord {
    SigningKeyRecord {
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        state: KeyState::Active,
        sealed: vec![0; 4],
        created_at: NOW,
        since: NOW,
    }
}

fn address(url: &str) -> Address {
    url.parse().unwrap()
}

/// What waits, waits at the most so long, also on a machine that stands still for a while.
const PATIENCE: Duration = Duration::from_mins(1);

async fn open(url: &str) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(&address(url).patience(PATIENCE)).await.unwrap())
}

/// A database of its own, so encoded.
fn fresh_database(name: &str, encoding: &str) -> String {
    let (server, _) = server::server().rsplit_once('/').unwrap();
    server::run(server::server(), &format!("DROP DATABASE IF EXISTS {name}"));
    let create = format!("CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
    server::run(server::server(), &create);
    format!("{server}/{name}")
}

/// One of the ignored tests below, in a process of its own; it speaks on standard error.
fn other_process(test: &str, url: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]).env(DATABASE_VARIABLE, url);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn database_of_this_process() -> String {
    std::env::var(DATABASE_VARIABLE).expect("another test runs this one, in a process of its own")
}

fn lines_of(child: &mut Child) -> Lines<BufReader<ChildStderr>> {
    BufReader::new(child.stderr.take().unwrap()).lines()
}

// F-12
#[tokio::test(flavor = "multi_thread")]
async fn stores_that_open_an_empty_database_at_once_make_one_schema_and_one_key() {
    for _ in 0..10 {
        let url = server::fresh();
        let mut opening = JoinSet::new();
        for n in 0..4 {
            let url = url.clone();
            opening.spawn(async move { open(&url).await.insert_key(&key(&format!("key-{n}"))).await.unwrap() });
        }
        assert_eq!(opening.join_all().await.into_iter().filter(|won| *won).count(), 1);
    }
}

// F-11

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let url = server::fresh();
    let running = open(&url).await;
    server::run(&url, "UPDATE countersign_schema SET version = 1000; ALTER TABLE users ADD COLUMN newer TEXT");
    let error = PostgresStore::open(&address(&url)).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 1000, .. }), "{error:?}");
    assert!(error.to_string().contains("start the newer program") && !error.to_string().contains('\n'), "{error}");
    // Who was there before the newer program goes on.
    let user = running.insert(&named("ada")).await.unwrap();
    assert_eq!(running.find_by_id(user.id).await, Ok(Some(user)));
    server::run(&url, "SELECT version, newer FROM countersign_schema, users");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    let url = server::fresh();
    server::run(&url, "CREATE TABLE users (id BIGINT PRIMARY KEY, username TEXT)");
    let error = PostgresStore::open(&address(&url)).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    let client = server::connect(&url).await;
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()";
    assert_eq!(client.query_one(tables, &[]).await.unwrap().get::<_, i64>(0), 1);
}

// Where each byte is a character, the indexes of searches have other parts of a name than are looked for.
#[tokio::test]
async fn a_database_that_cannot_keep_every_name_is_refused_and_left_alone() {
    let url = fresh_database(&format!("in_latin1_{}", std::process::id()), "LATIN1");
    let error = PostgresStore::open(&address(&url)).await.unwrap_err();
    assert!(matches!(&error, OpenError::Encoding { encoding, .. } if encoding == "LATIN1"), "{error:?}");
    assert!(error.to_string().contains("ENCODING 'UTF8'") && !error.to_string().contains('\n'), "{error}");
    let client = server::connect(&url).await;
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()";
    assert_eq!(client.query_one(tables, &[]).await.unwrap().get::<_, i64>(0), 0);
}

/// As `initdb` makes them where no language is set.
#[tokio::test]
async fn in_a_database_that_takes_bytes_for_characters_all_names_are_found() {
    let url = fresh_database(&format!("in_sql_ascii_{}", std::process::id()), "SQL_ASCII");
    let store = open(&url).await;
    // As many as are looked at without the index.
    let others =
        "INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
        SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), 'user-' || n, 'user-' || n, FALSE, '', 0, 0, 0
        FROM generate_series(1, 1000) AS n";
    server::connect(&url).await.execute(others, &[]).await.unwrap();
    let user = store.insert(&named("žofie-müller")).await.unwrap();
    for text in ["žof", "fie", "müll", "e-mü", "žofie-müller"] {
        let query = UserQuery::default().search(SearchText::new(text).unwrap());
        assert_eq!(store.list(&query).await.unwrap().users, std::slice::from_ref(&user), "{text}");
    }
}

/// As a role of an old program may have it.
#[tokio::test]
async fn where_a_backslash_escapes_in_every_text_names_are_found_all_the_same() {
    let url = format!("{}%20-c%20standard_conforming_strings%3Doff", server::fresh());
    let store = open(&url).await;
    let user = store.insert(&named("under_score")).await.unwrap();
    store.insert(&named("underXscore")).await.unwrap();
    for text in ["r_", "r_score"] {
        let query = UserQuery::default().search(SearchText::new(text).unwrap());
        assert_eq!(store.list(&query).await.unwrap().users, std::slice::from_ref(&user), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let error = PostgresStore::open(&address("postgres://ada:secret@127.0.0.1:1/auth")).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("postgres://ada@127.0.0.1:1/auth: ") && text.contains("refused"), "{text}");
    assert!(!text.contains("secret") && !text.contains('\n'), "{text}");
}

// F-08: a copy that only reads, as a standby does, is nobody to ask about rights.
#[tokio::test]
async fn a_database_that_cannot_be_written_is_refused() {
    let url = format!("{}%20-c%20default_transaction_read_only%3Don", server::fresh());
    let text = PostgresStore::open(&address(&url)).await.unwrap_err().to_string();
    assert!(text.contains("does not allow writes"), "{text}");
}

// One database, several stores

async fn two() -> [Arc<PostgresStore>; 2] {
    let url = server::fresh();
    [open(&url).await, open(&url).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_database_see_each_other_and_one_name_is_given_once() {
    two_stores::see_each_other_and_give_one_name_once(two().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_through_two_stores_at_once_lose_nothing() {
    two_stores::lose_no_grants(two().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_that_meet_take_each_user_over_once() {
    two_stores::take_each_user_over_once(two().await).await;
}
