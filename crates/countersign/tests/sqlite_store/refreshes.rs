//! One refresh token in many hands at once, in two processes on one database.

use super::*;
use crate::race::{obey, of_fifty_uses_all_get_the_same_next_token, sessions_in};

// S-001, S-002, R-112
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_uses_in_two_processes_all_get_the_same_next_token() {
    let directory = directory();
    let database = directory.path().join("countersign.db");
    let store = Arc::new(SqliteStore::open(&database).unwrap());
    let user = store.insert(&named("alice")).await.unwrap();
    let child = other_process("refreshes::process_refreshes", &database).spawn().unwrap();
    of_fifty_uses_all_get_the_same_next_token(&sessions_in(store), &user, child).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by of_fifty_uses_in_two_processes_all_get_the_same_next_token"]
async fn process_refreshes() {
    obey(&sessions_in(Arc::new(SqliteStore::open(&database_of_this_process()).unwrap()))).await;
}
