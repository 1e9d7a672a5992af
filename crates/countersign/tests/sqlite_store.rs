//! The SQLite store from outside: its files, other programs' files, several processes, and processes that die.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of tests fail as the tests do")]

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;

use countersign::store::sqlite::{OpenError, SqliteStore};
use countersign::store::{KeyState, KeyStore, SigningKeyRecord, StoreError, UserQuery, UserStore};
use countersign::user::{Login, NewUser, ScopesChange, UserChange, Username};
use countersign_token::ScopeSet;
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
    assert_eq!(error, OpenError::Newer { path: database.clone(), found: 1000, known: 1 });
    assert!(error.to_string().contains("start the newer program"), "{error}");
    assert!(fs::read(&database).unwrap() == before, "the file was changed");
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
    assert_eq!(store.insert_if_none_active(&key("first")).await, Ok(true));
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
#[test]
fn stores_that_open_an_empty_path_at_once_make_one_schema_and_one_key() {
    for _ in 0..20 {
        let directory = directory();
        let database = directory.path().join("data/countersign.db");
        let won: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|n| {
                    let database = &database;
                    scope.spawn(move || {
                        let store = SqliteStore::open(database).unwrap();
                        Runtime::new()
                            .unwrap()
                            .block_on(store.insert_if_none_active(&key(&format!("key-{n}"))))
                            .unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_file_see_each_other_and_one_name_is_given_once() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let stores = [0, 1].map(|_| Arc::new(SqliteStore::open(&database).unwrap()));
    let mut registrations = JoinSet::new();
    for n in 0..50 {
        let store = Arc::clone(&stores[n % 2]);
        registrations.spawn(async move { store.insert(&named("alice")).await });
    }
    let results = registrations.join_all().await;
    let users: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(users.len(), 1);
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(StoreError::UsernameTaken))), "{results:?}");
    for store in &stores {
        assert_eq!(store.find_by_id(users[0].id).await, Ok(Some(users[0].clone())));
    }
    stores[0].delete(users[0].id).await.unwrap();
    assert_eq!(stores[1].find_by_id(users[0].id).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_through_two_stores_at_once_lose_nothing() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let stores = [0, 1].map(|_| Arc::new(SqliteStore::open(&database).unwrap()));
    let user = stores[0].insert(&named("alice")).await.unwrap();
    let mut grants = JoinSet::new();
    for n in 0..40 {
        let store = Arc::clone(&stores[n % 2]);
        let scopes = ScopesChange::Grant(ScopeSet::parse(&format!("s:{n}")).unwrap());
        grants.spawn(async move { store.update(user.id, &UserChange { scopes, ..UserChange::default() }, NOW).await });
    }
    for outcome in grants.join_all().await {
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    let scopes = stores[0].find_by_id(user.id).await.unwrap().unwrap().scopes;
    assert!((0..40).all(|n| scopes.contains(&format!("s:{n}"))), "{scopes}");
}

/// Registers `name-0` to `name-99`, eight at a time, and says how many of them it got.
async fn register_a_hundred(store: Arc<SqliteStore>) -> usize {
    let names = Arc::new(tokio::sync::Mutex::new((0..100).map(|n| format!("name-{n}"))));
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let (store, names) = (Arc::clone(&store), Arc::clone(&names));
        workers.spawn(async move {
            let mut won = 0;
            loop {
                let Some(name) = names.lock().await.next() else { return won };
                match store.insert(&named(&name)).await {
                    Ok(_) => won += 1,
                    Err(error) => assert_eq!(error, StoreError::UsernameTaken),
                }
            }
        });
    }
    workers.join_all().await.into_iter().sum()
}

#[test]
fn two_processes_register_the_same_names_and_each_name_is_given_once() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let mut child = other_process("process_registers_a_hundred", &database).spawn().unwrap();
    let mut lines = lines_of(&mut child);
    let store = Arc::new(SqliteStore::open(&database).unwrap());
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let runtime = Runtime::new().unwrap();
    let ours = runtime.block_on(register_a_hundred(Arc::clone(&store)));
    let theirs: usize = lines.next().unwrap().unwrap().parse().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(ours + theirs, 100);
    assert_eq!(runtime.block_on(count(&store)), 100);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by two_processes_register_the_same_names_and_each_name_is_given_once"]
async fn process_registers_a_hundred() {
    let store = Arc::new(SqliteStore::open(&database_of_this_process()).unwrap());
    eprintln!("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    eprintln!("{}", register_a_hundred(store).await);
}

// F-06
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_locks_is_unavailable_for_writing_and_recovers() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let store = SqliteStore::open(&database).unwrap();
    let user = store.insert(&named("alice")).await.unwrap();
    let other = Connection::open(&database).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.insert(&named("bob")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(store.find_by_id(user.id).await, Ok(Some(user)));
    other.execute_batch("ROLLBACK").unwrap();
    store.insert(&named("bob")).await.unwrap();
}

// F-01 in short: what was acknowledged outlives a process that is killed while it writes.
#[test]
fn acknowledged_writes_survive_kill_9() {
    const WRITERS: usize = 4;
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let runtime = Runtime::new().unwrap();
    let mut acknowledged: Vec<String> = Vec::new();
    for (round, kill_after) in [0, 1, 5, 20, 50, 100].into_iter().enumerate() {
        let mut child = other_process("process_writes_until_it_is_killed", &database)
            .env("ROUND", round.to_string())
            .spawn()
            .unwrap();
        let mut lines = lines_of(&mut child).map(Result::unwrap);
        assert_eq!(lines.next().as_deref(), Some("open"));
        acknowledged.extend(lines.by_ref().take(kill_after));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said before it died; the last line may be torn.
        acknowledged.extend(lines.filter(|line| line.ends_with('.')));

        let health: String =
            Connection::open(&database).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(health, "ok");
        let store = SqliteStore::open(&database).unwrap();
        for line in &acknowledged {
            let name = line.trim_end_matches('.');
            let found = runtime.block_on(store.find_credentials(&Login::parse(name))).unwrap();
            assert!(found.is_some(), "round {round} lost {name}");
        }
        // A write that was done but not yet acknowledged may be there as well: one for each writer and round.
        let ghosts = runtime.block_on(count(&store)) - acknowledged.len();
        assert!(ghosts <= WRITERS * (round + 1), "{ghosts} users that nobody was told of");
    }
    assert!(acknowledged.len() >= 176);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by acknowledged_writes_survive_kill_9"]
async fn process_writes_until_it_is_killed() {
    let store = Arc::new(SqliteStore::open(&database_of_this_process()).unwrap());
    let round = std::env::var("ROUND").unwrap();
    eprintln!("open");
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (store, round) = (Arc::clone(&store), round.clone());
        writers.spawn(async move {
            for n in 0.. {
                let name = format!("r{round}-w{writer}-{n}");
                store.insert(&named(&name)).await.unwrap();
                eprintln!("{name}.");
            }
        });
    }
    writers.join_all().await;
}
