//! The same with PostgreSQL, and after a move from engine to engine.

#[path = "../support/postgres.rs"]
mod server;

use std::sync::Arc;

use countersign::store::postgres::{PostgresPort, PostgresStore};
use countersign::store::sqlite::SqlitePort;
use countersign::store::transfer::{Port, bring_over};

use crate::{Folder, Named, assert_alike, difference, memory, seeds, sqlite, steps};

async fn postgres(url: &str) -> Named {
    ("PostgreSQL", Arc::new(PostgresStore::open(&url.parse().unwrap()).await.unwrap()))
}

// F-22
#[tokio::test(flavor = "multi_thread")]
async fn postgres_answers_as_the_memory_store_does() {
    for seed in seeds(0..=6) {
        assert_alike(seed, &steps::of(seed), async || vec![memory(), postgres(&server::fresh()).await]).await;
    }
}

async fn bring(mut from: impl Port, mut to: impl Port) {
    assert!(bring_over(&mut from, &mut to, ("the source", "the target"), &mut |_, _| ()).await.unwrap().is_finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_to_postgresql_and_back_is_answered_as_before() {
    let folder = Folder::new();
    for seed in seeds(0..=6) {
        let (from, back) = (folder.new_path(), folder.new_path());
        let (url, steps) = (server::fresh(), steps::of(seed));
        let (kept, moved) = (memory(), sqlite(&from));
        let stores = [kept, moved];
        assert_eq!(difference(&stores, &steps.iter().collect::<Vec<_>>()).await, None, "seed {seed}");
        let [kept, moved] = stores;
        drop(moved);
        let address = url.parse().unwrap();
        bring(SqlitePort::source(&from).unwrap(), PostgresPort::target(&address, None).await.unwrap()).await;
        let there = postgres(&url).await;
        let reads = steps::that_read(seed);
        let reads: Vec<_> = reads.iter().collect();
        let stores = [kept, there];
        assert_eq!(difference(&stores, &reads).await, None, "seed {seed}");
        let [kept, there] = stores;
        drop(there);
        bring(PostgresPort::source(&address).await.unwrap(), SqlitePort::target(&back, None).unwrap()).await;
        assert_eq!(difference(&[kept, sqlite(&back)], &reads).await, None, "seed {seed}");
    }
}
