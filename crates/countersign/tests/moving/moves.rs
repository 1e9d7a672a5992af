//! From one engine into the other, and back; cut off, taken up again, refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign::store::Mark;
use countersign::store::postgres::PostgresPort;
use countersign::store::sqlite::SqlitePort;
use countersign::store::transfer::{BackupError, MoveError, back_up, bring_over, reopen};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rusqlite::{Connection, params};

use crate::sample::{columns, dump, sample, tables};
use crate::{Database, Folder, bring, bring_all, server};

fn path(database: &Database) -> &std::path::Path {
    let Database::Sqlite(path) = database else { panic!("this one is on a server") };
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_to_postgresql_and_back_is_what_it_was() {
    let folder = Folder::new();
    let (there, back) = (Database::Postgres(server::fresh()), folder.sqlite("back.db"));
    let from = sample(&folder, "from.db");
    let before = dump(path(&from));
    let moved = bring_all(&from, &there).await;
    assert!(moved.tables.iter().all(|table| table.written == table.digest.rows && table.written > 0));
    // Whoever opens it finds it whole.
    assert!(there.open().await.is_ok());
    assert_eq!(bring_all(&there, &back).await.tables, moved.tables);
    assert!(from.content().await == there.content().await);
    assert_eq!(dump(path(&back)), before);
    assert!(back.open().await.is_ok());
}

/// Tables and columns, as the database itself names them.
fn by_sqlite(path: &std::path::Path) -> BTreeMap<String, Vec<String>> {
    let connection = Connection::open(path).unwrap();
    let names = |table: &str| columns(&connection, table).into_iter().map(|(name, _)| name).collect();
    tables(&connection).into_iter().map(|table| (table.clone(), names(&table))).collect()
}

async fn by_postgres(url: &str) -> BTreeMap<String, Vec<String>> {
    let client = server::connect(url).await;
    let all = "SELECT table_name::text, column_name::text COLLATE \"C\" FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name <> 'countersign_schema' ORDER BY 1, 2";
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in client.query(all, &[]).await.unwrap() {
        names.entry(row.get(0)).or_default().push(row.get(1));
    }
    names
}

#[tokio::test]
async fn no_table_and_no_column_of_either_engine_is_forgotten() {
    let folder = Folder::new();
    let [sqlite, postgres] = folder.both("new.db");
    let mut moved = Vec::new();
    for database in [&sqlite, &postgres] {
        drop(database.open().await.unwrap());
        let tables = database.source().await.tables();
        moved.push(Arc::clone(&tables));
    }
    assert_eq!(moved[0], moved[1], "the engines keep other tables or columns");
    let names = |table: &countersign::store::transfer::Table| {
        (table.name.clone(), table.columns.iter().map(|column| column.name.clone()).collect())
    };
    let names: BTreeMap<String, Vec<String>> = moved[0].iter().map(names).collect();
    assert!(names.len() >= 10 && names["users"].contains(&"upgraded_from".to_owned()));
    assert_eq!(by_sqlite(path(&sqlite)), names);
    let Database::Postgres(url) = &postgres else { panic!() };
    assert_eq!(by_postgres(url).await, names);
}

#[test]
fn whatever_stands_in_a_row_arrives() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = Folder::new();
    // PostgreSQL has no NUL in texts, and nothing that is let in has.
    let text = "[^\\x00]{0,20}";
    let user = (any::<[u8; 16]>(), text, proptest::option::of(text), any::<bool>(), any::<i64>());
    let users = proptest::collection::vec(user, 1..40);
    let number = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&users, |users| {
        number.set(number.get() + 1);
        let from = folder.sqlite(&format!("from-{}.db", number.get()));
        let back = folder.sqlite(&format!("back-{}.db", number.get()));
        drop(runtime.block_on(from.open()).unwrap());
        let connection = Connection::open(path(&from)).unwrap();
        for (id, text, full_name, disabled, at) in &users {
            let insert = "INSERT OR IGNORE INTO users (id, username, username_skeleton, full_name, disabled, scopes, created_at, updated_at,
                generation) VALUES (?1, ?2, ?2, ?3, ?4, ?2, ?5, ?5, ?5)";
            connection.execute(insert, params![id, text, full_name, disabled, at]).unwrap();
        }
        drop(connection);
        let before = dump(path(&from));
        let there = Database::Postgres(server::fresh());
        runtime.block_on(async {
            bring_all(&from, &there).await;
            bring_all(&there, &back).await;
        });
        prop_assert_eq!(dump(path(&back)), before);
        Ok(())
    });
    tried.unwrap();
}

/// Moves as far as this many rows, and is cut off there.
async fn cut_off(from: &Database, to: &Database, at: u64) {
    let (from, to) = (from.clone(), to.clone());
    let work = async move {
        let (mut source, mut target) = (from.source().await, to.target().await);
        let mut stop = |done, _| assert!(done < at, "here it is cut off");
        bring_over(source.as_mut(), target.as_mut(), ("the source", "the target"), &mut stop).await
    };
    assert!(tokio::spawn(work).await.unwrap_err().is_panic());
}

// F-01: also when it is a move that is cut off.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_cut_off_goes_on_and_nobody_uses_what_is_half_done() {
    let folder = Folder::new();
    let from = sample(&folder, "from.db");
    for to in folder.both("to.db") {
        cut_off(&from, &to, 1500).await;
        let refused = to.open().await.err().unwrap();
        assert!(refused.contains("half-done move of the source") && refused.contains("migrate"), "{refused}");
        let mut target = to.target().await;
        let names = ("another source", "the target");
        let other = bring_over(from.source().await.as_mut(), target.as_mut(), names, &mut |_, _| ()).await;
        assert_eq!(other, Err(MoveError::OtherMove { source_name: "the source".to_owned() }));
        drop(target);

        let moved = bring_all(&from, &to).await;
        let written: u64 = moved.tables.iter().map(|table| table.written).sum();
        let rows: u64 = moved.tables.iter().map(|table| table.digest.rows).sum();
        assert!(rows - written >= 1000, "{written} of {rows} were written again");
        assert!(from.content().await == to.content().await && to.open().await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_is_not_worked_on_any_more_until_somebody_says_so() {
    let folder = Folder::new();
    for (at, from) in folder.both("from.db").into_iter().enumerate() {
        drop(from.open().await.unwrap());
        let [to, other] = [folder.sqlite(&format!("to-{at}.db")), folder.sqlite(&format!("other-{at}.db"))];
        bring_all(&from, &to).await;
        let refused = from.open().await.err().unwrap();
        assert!(refused.contains("was moved to the target") && refused.contains("--reopen"), "{refused}");
        let elsewhere = ("the source", "another target");
        let mut target = other.target().await;
        let again = bring_over(from.source().await.as_mut(), target.as_mut(), elsewhere, &mut |_, _| ()).await;
        assert_eq!(again, Err(MoveError::Moved { target_name: "the target".to_owned() }));
        let backup = back_up(from.source().await.as_mut(), (0, None), &mut Vec::new(), &mut |_, _| ()).await;
        assert!(matches!(backup, Err(BackupError::Moved(target)) if target == "the target"));

        assert_eq!(reopen(from.target().await.as_mut()).await, Ok(Some("the target".to_owned())));
        assert_eq!(reopen(from.target().await.as_mut()).await, Ok(None));
        assert!(from.open().await.is_ok() && to.open().await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_cut_off_between_the_marks_leaves_both_shut_and_is_finished_by_the_next_run() {
    let folder = Folder::new();
    let from = sample(&folder, "from.db");
    for to in folder.both("to.db") {
        bring_all(&from, &to).await;
        // As it is there.
        let mut target = to.target().await;
        target.set_mark(Some(&Mark::HalfDone("the source".to_owned()))).await.unwrap();
        drop(target);
        assert!(from.open().await.is_err() && to.open().await.is_err());
        bring_all(&from, &to).await;
        assert!(from.open().await.is_err() && to.open().await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_brings_over_what_has_changed_since() {
    let folder = Folder::new();
    for (at, to) in folder.both("to.db").into_iter().enumerate() {
        let from = sample(&folder, &format!("from-{at}.db"));
        // A server is at work.
        let at_work = from.open().await.unwrap();
        let first = bring(&from, &to).await.unwrap();
        assert!(!first.is_finished && to.open().await.is_err());
        // Two users have each other's names, others are gone or new, and their sessions.
        from.run(&format!(
            "PRAGMA foreign_keys = ON;
             UPDATE users SET username = 'x', username_skeleton = 'x' WHERE username = 'user-1000';
             UPDATE users SET username = 'user-1000', username_skeleton = 'skeleton-1000' WHERE username = 'user-2000';
             UPDATE users SET username = 'user-2000', username_skeleton = 'skeleton-2000' WHERE username = 'x';
             DELETE FROM users WHERE created_at BETWEEN {at}100 AND {at}120;
             INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
                VALUES (randomblob(16), 'new-{at}', 'new-{at}', 0, '', 1, 1, 1);
             DELETE FROM client_assertions WHERE expires_at > 500"
        ));
        drop(at_work);
        let moved = bring_all(&from, &to).await;
        let written: u64 = moved.tables.iter().map(|table| table.written).sum();
        assert!(written > 0 && from.content().await == to.content().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_or_not_empty_is_left_alone() {
    let folder = Folder::new();
    let from = sample(&folder, "from.db");
    for to in folder.both("to.db") {
        let at_work = to.open().await.unwrap();
        assert_eq!(bring(&from, &to).await, Err(MoveError::TargetInUse));
        drop(at_work);
        to.run(
            "INSERT INTO status_lists VALUES ('123456789', 5)"
                .replace(
                    "'123456789'",
                    match to {
                        Database::Sqlite(_) => "CAST('123456789' AS BLOB)",
                        Database::Postgres(_) => "'123456789'::bytea",
                    },
                )
                .as_str(),
        );
        let before = to.content().await;
        let refused = bring(&from, &to).await;
        assert_eq!(refused, Err(MoveError::TargetNotEmpty { table: "status_lists".to_owned() }));
        assert!(to.content().await == before && to.open().await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_move_is_being_finished_no_server_gets_in() {
    let folder = Folder::new();
    for database in folder.both("one.db") {
        drop(database.open().await.unwrap());
        let mut port = database.source().await;
        assert!(port.claim().await.unwrap());
        let refused = database.open().await.err().unwrap();
        assert!(refused.contains("locked") || refused.contains("is being moved or restored"), "{refused}");
        drop(port);
        assert!(database.open().await.is_ok());
    }
}

// F-11
#[tokio::test(flavor = "multi_thread")]
async fn a_source_of_another_schema_is_refused() {
    let folder = Folder::new();
    let [sqlite, postgres] = folder.both("old.db");
    drop((sqlite.target_of(Some(7)).await, postgres.target_of(Some(7)).await));
    let Database::Postgres(url) = &postgres else { panic!() };
    let errors = [
        SqlitePort::source(path(&sqlite)).err().unwrap().to_string(),
        PostgresPort::source(&url.parse().unwrap()).await.err().unwrap().to_string(),
    ];
    for error in errors {
        assert!(error.contains("has schema version 7") && error.contains("start this program's server"), "{error}");
    }
    let missing = SqlitePort::source(&folder.path().join("nowhere.db")).err().unwrap().to_string();
    assert!(missing.contains("there is no database") && !folder.path().join("nowhere.db").exists(), "{missing}");
    let empty = PostgresPort::source(&server::fresh().parse().unwrap()).await.err().unwrap().to_string();
    assert!(empty.contains("there is nothing in"), "{empty}");
}
