//! Indexes that are made beside the work of others.

use countersign::store::UserStore;
use countersign::store::{SearchText, UserQuery};

use crate::{fresh_database, named, open, server};

const INDEX_IS_WHOLE: &str = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_by_grams'::regclass";
const IS_WAITING: &str = "
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'";
/// More than are indexed at once.
const MANY_USERS: &str = "
    INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
    SELECT decode(lpad(to_hex(number), 32, '0'), 'hex'), 'user-' || number, number, FALSE, '', 0, 0, 0
    FROM generate_series(1, 12000) AS number";

// F-11
#[tokio::test(flavor = "multi_thread")]
async fn users_are_registered_while_a_new_process_makes_an_index() {
    // Whoever makes an index waits for all transactions in a database.
    let url = fresh_database(&format!("indexes_{}", std::process::id()), "UTF8");
    let running = open(&url).await;
    server::run(&url, &format!("DROP INDEX users_by_grams; {MANY_USERS}"));
    let other = server::connect(&url).await;
    // The index is not whole before this ends.
    other.batch_execute("BEGIN; UPDATE users SET full_name = 'Ada' WHERE username = 'user-1'").await.unwrap();
    let new = [(); 2].map(|()| {
        let url = url.clone();
        tokio::spawn(async move { open(&url).await })
    });
    let watcher = server::connect(&url).await;
    let assert_all_wait = || assert!(new.iter().all(|opening| !opening.is_finished()));
    while watcher.query(IS_WAITING, &[]).await.unwrap().is_empty() {
        assert_all_wait();
    }
    running.insert(&named("grace")).await.unwrap();
    assert_all_wait();
    other.batch_execute("COMMIT").await.unwrap();
    for opening in new {
        let store = opening.await.unwrap();
        let query = UserQuery::default().search(SearchText::new("grac").unwrap());
        assert_eq!(store.list(&query).await.unwrap().users.len(), 1);
    }
    assert!(watcher.query_one(INDEX_IS_WHOLE, &[]).await.unwrap().get::<_, bool>(0));
}

// F-11: a process that is killed in the middle leaves it so.
#[tokio::test]
async fn an_index_that_was_left_half_made_is_made_anew() {
    let url = server::fresh();
    drop(open(&url).await);
    server::run(&url, "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'users_by_grams'::regclass");
    drop(open(&url).await);
    let client = server::connect(&url).await;
    assert!(client.query_one(INDEX_IS_WHOLE, &[]).await.unwrap().get::<_, bool>(0));
}
