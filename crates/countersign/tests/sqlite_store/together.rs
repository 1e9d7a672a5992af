//! Several stores and several processes on one file.

use super::*;

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
                        Runtime::new().unwrap().block_on(store.insert_key(&key(&format!("key-{n}")))).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    }
}

/// With the directory that they are in.
fn two() -> (TempDir, [Arc<SqliteStore>; 2]) {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    (directory, [0, 1].map(|_| Arc::new(SqliteStore::open(&database).unwrap())))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_file_see_each_other_and_one_name_is_given_once() {
    let (_directory, stores) = two();
    two_stores::see_each_other_and_give_one_name_once(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_through_two_stores_at_once_lose_nothing() {
    let (_directory, stores) = two();
    two_stores::lose_no_grants(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_that_meet_take_each_user_over_once() {
    let (_directory, stores) = two();
    two_stores::take_each_user_over_once(stores).await;
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
                // On a slow disk the other process may write whenever this one looks.
                let outcome = loop {
                    match store.insert(&named(&name)).await {
                        Err(StoreError::Unavailable(_)) => {}
                        outcome => break outcome,
                    }
                };
                match outcome {
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
    let mut child = other_process("together::process_registers_a_hundred", &database).spawn().unwrap();
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
        let mut child = other_process("together::process_writes_until_it_is_killed", &database)
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
