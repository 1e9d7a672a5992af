//! The SQLite store from outside: its files, other programs' files, several processes, and processes that die.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of tests fail as the tests do")]

#[path = "../support/refreshes.rs"]
mod race;
mod refreshes;
mod together;
#[path = "../support/two_stores.rs"]
mod two_stores;

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;

use countersign::password::PasswordHash;
use countersign::store::sqlite::{Look, OpenError, SqliteStore, examine};
use countersign::store::{KeyState, KeyStore, SigningKeyRecord, StoreError, UserQuery, UserStore};
use countersign::user::{Login, NewUser, Username};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const NOW: i64 = 1_700_000_000;

/// Names the database for a test that runs in a process of its own.
const DATABASE_VARIABLE: &str = "COUNTERSIGN_TEST_DATABASE";

fn directory() -> TempDir {
    tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir().unwrap()
}

fn named(name: &str) -> NewUser {
    NewUser::new(Username::new(name).unwrap(), NOW)
}

/// How many users there are.
async fn count(store: &SqliteStore) -> usize {
    let mut users = 0;
    let mut query = UserQuery::default();
    loop {
        let page = store.list(&query).await.unwrap();
        users += page.users.len();
        let Some(last) = page.next else { return users };
        query = query.after(last);
    }
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

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", database.display()))
}

/// One of the ignored tests below, in a process of its own; it speaks on standard error.
fn other_process(test: &str, database: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]).env(DATABASE_VARIABLE, database);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn database_of_this_process() -> PathBuf {
    std::env::var_os(DATABASE_VARIABLE).expect("another test runs this one, in a process of its own").into()
}

fn lines_of(child: &mut Child) -> Lines<BufReader<ChildStderr>> {
    BufReader::new(child.stderr.take().unwrap()).lines()
}

//

#[test]
fn files_get_their_modes_whatever_the_umask() {
    for umask in ["000", "022", "077", "777"] {
        let directory = directory();
        let database = directory.path().join("new/data/countersign.db");
        let test = other_process("process_looks_at_its_modes", &database);
        let outcome = Command::new("sh")
            .args(["-c", "umask $0; exec \"$@\"", umask])
            .arg(test.get_program())
            .args(test.get_args())
            .env(DATABASE_VARIABLE, &database)
            .output()
            .unwrap();
        assert!(outcome.status.success(), "umask {umask}: {}", String::from_utf8_lossy(&outcome.stderr));
        assert_eq!(mode(&database), 0o600, "umask {umask}");
    }
}

#[tokio::test]
#[ignore = "run by files_get_their_modes_whatever_the_umask"]
async fn process_looks_at_its_modes() {
    let database = database_of_this_process();
    let store = SqliteStore::open(&database).unwrap();
    store.insert(&named("alice")).await.unwrap();
    assert_eq!(mode(database.parent().unwrap()), 0o700);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&beside(&database, suffix)), 0o600, "{suffix}");
    }
    drop(store);
    // Another program that uses the same files finds nothing to complain about.
    SqliteStore::open(&database).unwrap();
}

#[test]
fn looser_modes_are_refused_with_the_remedy() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let _open = SqliteStore::open(&database).unwrap();

    for loose in [0o640, 0o604, 0o660, 0o666, 0o610] {
        for file in ["", "-wal", "-shm"].map(|suffix| beside(&database, suffix)) {
            set_mode(&file, loose);
            let error = SqliteStore::open(&database).unwrap_err();
            assert_eq!(error, OpenError::LooseFile { path: file.clone(), mode: loose });
            let text = error.to_string();
            assert!(text.ends_with(&format!("run `chmod 600 {}`", file.display())), "{text}");
            set_mode(&file, 0o600);
        }
    }
    for loose in [0o750, 0o705, 0o711, 0o777] {
        set_mode(directory.path(), loose);
        let error = SqliteStore::open(&database).unwrap_err();
        assert_eq!(error, OpenError::LooseDirectory { path: directory.path().to_owned(), mode: loose });
    }
    set_mode(directory.path(), 0o700);
    SqliteStore::open(&database).unwrap();
}

// Safe start: foreign and newer databases

#[test]
fn a_file_of_another_program_is_refused_and_left_alone() {
    let directory = directory();
    let database = directory.path().join("other.db");
    let sqlite = |sql: &str| {
        drop(fs::remove_file(&database));
        Connection::open(&database).unwrap().execute_batch(sql).unwrap();
    };
    let foreign: [(&str, &dyn Fn()); 5] = [
        ("text", &|| fs::write(&database, "Dear diary, ".repeat(1000)).unwrap()),
        ("tables", &|| sqlite("CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT)")),
        ("application id", &|| sqlite("PRAGMA application_id = 42")),
        ("user version", &|| sqlite("PRAGMA user_version = 1")),
        ("another's first version", &|| {
            sqlite("PRAGMA application_id = 42; PRAGMA user_version = 1; CREATE TABLE x (y)");
        }),
    ];
    for (kind, make) in foreign {
        make();
        set_mode(&database, 0o600);
        let before = fs::read(&database).unwrap();
        let error = SqliteStore::open(&database).unwrap_err();
        assert_eq!(error, OpenError::Foreign { path: database.clone() }, "{kind}");
        assert!(!error.to_string().contains('\n'), "{error}");
        assert!(fs::read(&database).unwrap() == before, "{kind}: the file was changed");
    }
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    drop(SqliteStore::open(&database).unwrap());
    Connection::open(&database).unwrap().pragma_update(None, "user_version", 1000).unwrap();
    let before = fs::read(&database).unwrap();
    let error = SqliteStore::open(&database).unwrap_err();
    assert_eq!(error, OpenError::Newer { path: database.clone(), found: 1000, known: 11 });
    assert!(error.to_string().contains("start the newer program"), "{error}");
    assert!(fs::read(&database).unwrap() == before, "the file was changed");
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_up_to_date_with_all_that_is_in_it() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let connection = Connection::open(&database).unwrap();
    set_mode(&database, 0o600);
    connection
        .execute_batch(include_str!("../../src/store/sqlite/migrations/0001_users_and_signing_keys.sql"))
        .unwrap();
    connection
        .execute_batch(
            "PRAGMA application_id = 0x4354534E;
             PRAGMA user_version = 1;
             INSERT INTO users VALUES (x'00000000000000000000000000000001', 'ada', 'ada', NULL, NULL, NULL, 0, 'me',
                '$2b$12$PQO42dMponRoPGWyt5co5OiZCQJcpKDFxet8n5MnkUHNNHAg/mioS', 1700000000, 1700000000, 0)",
        )
        .unwrap();
    drop(connection);

    let store = SqliteStore::open(&database).unwrap();
    let kept = store.find_credentials(&Login::parse("ada")).await.unwrap().unwrap();
    assert_eq!(kept.user.scopes.to_string(), "me");
    let foreign = kept.password_hash.unwrap();
    let new = PasswordHash::parse(
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    assert_eq!(store.replace_password_hash(kept.user.id, &foreign, &new.unwrap()).await, Ok(true));
    let listed = store.list_hashes(None, 10).await.unwrap();
    assert_eq!(listed[0].upgraded_from.as_deref(), Some("bcrypt"));
}

#[test]
fn a_path_that_cannot_be_is_refused_with_its_name() {
    let directory = directory();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    set_mode(&file, 0o600);
    let database = file.join("countersign.db");
    let text = SqliteStore::open(&database).unwrap_err().to_string();
    assert!(text.contains("file") && !text.contains('\n'), "{text}");
    // A path is a path, not an SQLite URI.
    SqliteStore::open(&directory.path().join("file:x?mode=memory")).unwrap();
    assert!(directory.path().join("file:x?mode=memory").exists());
}

// One file, several stores

#[tokio::test]
async fn what_was_kept_is_there_after_reopening() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let store = SqliteStore::open(&database).unwrap();
    let user = store.insert(&named("zoë")).await.unwrap();
    assert_eq!(store.insert_key(&key("first")).await, Ok(true));
    drop(store);
    // The last to leave tidies up.
    assert!(!beside(&database, "-wal").exists());

    let store = SqliteStore::open(&database).unwrap();
    assert_eq!(store.path(), database);
    assert_eq!(store.find_by_id(user.id).await, Ok(Some(user)));
    assert_eq!(store.list_keys().await, Ok(vec![key("first")]));
}

#[tokio::test]
async fn what_was_deleted_is_not_left_in_the_file() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let store = SqliteStore::open(&database).unwrap();
    let user = store.insert(&named("an-unmistakable-name")).await.unwrap();
    drop(store);
    let holds_name = || fs::read(&database).unwrap().windows(20).any(|bytes| bytes == b"an-unmistakable-name");
    assert!(holds_name());
    let store = SqliteStore::open(&database).unwrap();
    store.delete(user.id).await.unwrap();
    drop(store);
    assert!(!holds_name());
}

// F-12

// F-21
#[test]
fn a_row_that_stands_elsewhere_in_an_index_is_found_by_a_thorough_look() {
    let directory = directory();
    let database = directory.path().join("x.db");
    drop(SqliteStore::open(&database).unwrap());
    let change = |statements: &str| Connection::open(&database).unwrap().execute_batch(statements).unwrap();
    let damage = |look| examine(&database, look).unwrap().damage;
    assert_eq!((damage(Look::Quick), damage(Look::Thorough)), (None, None));
    // A row changes while nobody knows of the index.
    change(
        "INSERT INTO counters VALUES (1, 1, 1, 1, 1);
         PRAGMA writable_schema = ON;
         CREATE TABLE aside AS SELECT * FROM sqlite_schema WHERE name = 'counters_by_expiry';
         DELETE FROM sqlite_schema WHERE name = 'counters_by_expiry'",
    );
    change(
        "PRAGMA writable_schema = ON;
         UPDATE counters SET expires_at = 2;
         INSERT INTO sqlite_schema SELECT * FROM aside;
         DROP TABLE aside",
    );
    assert_eq!(damage(Look::Quick), None);
    assert!(damage(Look::Thorough).unwrap().contains("counters_by_expiry"));
}

/// Also in what is read to say something else of the database.
#[test]
fn an_examination_tells_of_damage_wherever_it_is() {
    let directory = directory();
    for table in ["users", "sessions", "signing_keys", "counters", "user_search_data"] {
        let database = directory.path().join(table);
        drop(SqliteStore::open(&database).unwrap());
        let page = format!(
            "SELECT (rootpage - 1) * (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = '{table}'"
        );
        let page: i64 = Connection::open(&database).unwrap().query_row(&page, [], |row| row.get(0)).unwrap();
        let mut bytes = fs::read(&database).unwrap();
        bytes[usize::try_from(page).unwrap()..][..4096].fill(0xff);
        fs::write(&database, bytes).unwrap();
        for look in [Look::Quick, Look::Thorough] {
            assert!(examine(&database, look).unwrap().damage.is_some(), "{table}");
        }
    }
}
