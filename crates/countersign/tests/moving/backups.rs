//! Into a file and out of it: whole, or refused.

use std::io::{BufReader, Cursor};

use countersign::store::postgres::PostgresPort;
use countersign::store::sqlite::SqlitePort;
use countersign::store::transfer::{
    Backup, Ends, ReadError, RestoreError, Restored, Restoring, Written, back_up, restore,
};

use crate::sample::sample;
use crate::{Database, Folder};

const NOW: i64 = 1_700_000_000;

async fn backup_of(database: &Database) -> (Vec<u8>, Written) {
    let mut out = Vec::new();
    let written = back_up(database.source().await.as_mut(), (NOW, Some("key".to_owned())), &mut out, &mut |_, _| ())
        .await
        .unwrap();
    (out, written)
}

fn open(bytes: &[u8]) -> Result<Backup<BufReader<Cursor<Vec<u8>>>>, ReadError> {
    Backup::open(BufReader::new(Cursor::new(bytes.to_vec())))
}

async fn restore_into(to: &Database, bytes: &[u8], how: Restoring) -> Result<Restored, RestoreError> {
    let backup = open(bytes)?;
    let mut port = to.target_of(Some(backup.header().schema)).await;
    restore(port.as_mut(), backup, how, &mut |_| ()).await
}

// F-18
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_either_engine_is_restored_into_either() {
    let folder = Folder::new();
    let from = sample(&folder, "from.db");
    let content = from.content().await;
    let (bytes, written) = backup_of(&from).await;
    assert_eq!(open(&bytes).unwrap().check().unwrap(), written);
    for (at, first) in folder.both("first.db").into_iter().enumerate() {
        restore_into(&first, &bytes, Restoring::default()).await.unwrap();
        assert!(first.content().await == content);
        let (again, _) = backup_of(&first).await;
        let lines = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).unwrap().lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        let (before, after) = (lines(&bytes), lines(&again));
        assert!(before[..before.len() - 1] == after[..after.len() - 1], "the same text but for the header");
        for second in folder.both(&format!("second-{at}.db")) {
            restore_into(&second, &again, Restoring::default()).await.unwrap();
            assert!(second.content().await == content && second.open().await.is_ok());
        }
    }
}

/// A backup of few rows.
async fn small(folder: &Folder) -> Vec<u8> {
    let database = folder.sqlite("small.db");
    drop(database.open().await.unwrap());
    database.run(
        "INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
         VALUES (randomblob(16), 'ada', 'ada', 0, '', 1, 1, 1)",
    );
    backup_of(&database).await.0
}

// F-21
#[tokio::test(flavor = "multi_thread")]
async fn no_bit_can_be_changed_and_nothing_cut_off_or_put_behind() {
    let folder = Folder::new();
    let bytes = small(&folder).await;
    open(&bytes).unwrap().check().unwrap();
    let is_refused = |bytes: &[u8]| open(bytes).and_then(Backup::check).is_err();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(is_refused(&changed), "byte {place}");
        assert!(is_refused(&bytes[..place]), "cut off after {place}");
    }
    assert!(
        is_refused(&[bytes.as_slice(), b"\n"].concat()) && is_refused(&[bytes.as_slice(), bytes.as_slice()].concat())
    );
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for place in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(place);
        assert!(is_refused(&without.concat()), "without line {place}");
    }
    let cut_off = open(&bytes[..bytes.len() / 2]).and_then(Backup::check).unwrap_err().to_string();
    assert!(cut_off.contains("breaks off after line"), "{cut_off}");
    let foreign = open(b"PGDMP\x01\xFF").err().unwrap().to_string();
    assert!(foreign.contains("no backup of Countersign"), "{foreign}");
    let newer = open(b"{\"countersign-backup\":2}\n").err().unwrap().to_string();
    assert!(newer.contains("the newer program"), "{newer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_has_changed_nothing() {
    let folder = Folder::new();
    let from = sample(&folder, "from.db");
    let ((bytes, _), others) = (backup_of(&from).await, small(&folder).await);
    let replacing = Restoring { replaces: true, ..Restoring::default() };
    for to in folder.both("to.db") {
        restore_into(&to, &others, Restoring::default()).await.unwrap();
        let before = to.content().await;
        let refused = restore_into(&to, &bytes, Restoring::default()).await.unwrap_err().to_string();
        assert!(refused.contains("not empty") && refused.contains("--replace"), "{refused}");
        // As it comes from a pipe: seen to be damaged when nearly all is in.
        let refused = restore_into(&to, &bytes[..bytes.len() - 10], replacing).await.unwrap_err();
        assert!(matches!(refused, RestoreError::Backup(ReadError::CutOff(_))), "{refused}");
        let at_work = to.open().await.unwrap();
        let refused = restore_into(&to, &bytes, replacing).await.unwrap_err();
        assert!(matches!(refused, RestoreError::InUse), "{refused}");
        drop(at_work);
        assert!(to.content().await == before);
        restore_into(&to, &bytes, replacing).await.unwrap();
        assert!(to.content().await == from.content().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_ended_leave_marks_where_their_statuses_are() {
    let folder = Folder::new();
    let (bytes, _) = backup_of(&sample(&folder, "from.db")).await;
    let rows =
        |content: &[(String, Vec<_>)], name: &str| content.iter().find(|(table, _)| table == name).unwrap().1.len();
    for to in folder.both("to.db") {
        restore_into(&to, &bytes, Restoring::default()).await.unwrap();
        let before = to.content().await;
        let how = Restoring { replaces: true, ends: Ends { sealed: false, ..Ends::ALL } };
        let restored = restore_into(&to, &bytes, how).await.unwrap();
        let after = to.content().await;
        assert_eq!(restored.ended_sessions, rows(&before, "sessions"));
        assert_eq!((rows(&after, "sessions"), rows(&after, "entity_tokens"), restored.ended_entity_tokens), (0, 0, 1));
        assert!(["signing_keys", "counters"].iter().all(|table| rows(&after, table) == rows(&before, table)));
        let marks = rows(&after, "revoked_statuses") - rows(&before, "revoked_statuses");
        assert_eq!(marks, restored.ended_sessions + restored.ended_entity_tokens);
        assert_eq!(rows(&after, "users"), rows(&before, "users"));
        // Without the sealing key.
        assert!(rows(&before, "signing_keys") > 0 && rows(&before, "counters") > 0);
        restore_into(&to, &bytes, Restoring { replaces: true, ends: Ends::ALL }).await.unwrap();
        let without = to.content().await;
        for (table, rows) in &without {
            match table.as_str() {
                "signing_keys" | "counters" => assert!(rows.is_empty()),
                _ => assert!(after.contains(&(table.clone(), rows.clone())), "{table}"),
            }
        }
    }
}

// F-11
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_an_older_version_is_restored_and_brought_up_to_date() {
    let folder = Folder::new();
    let older = folder.sqlite("older.db");
    let mut port = older.target_of(Some(7)).await;
    older.run(
        "INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
         VALUES (randomblob(16), 'ada', 'ada', 0, '', 1, 1, 1)",
    );
    let mut bytes = Vec::new();
    back_up(port.as_mut(), (NOW, None), &mut bytes, &mut |_, _| ()).await.unwrap();
    for to in folder.both("to.db") {
        restore_into(&to, &bytes, Restoring::default()).await.unwrap();
        drop(to.open().await.unwrap());
        let content = to.content().await;
        assert!(content.iter().any(|(table, rows)| table == "users" && rows.len() == 1));
        assert!(content.iter().any(|(table, _)| table == "client_assertions"));
        // It is newer now, and does not become older again.
        let refused = match &to {
            Database::Sqlite(path) => SqlitePort::target(path, Some(7)).err().unwrap().to_string(),
            Database::Postgres(url) => {
                PostgresPort::target(&url.parse().unwrap(), Some(7)).await.err().unwrap().to_string()
            }
        };
        assert!(refused.contains("and the backup has version 7"), "{refused}");
    }
}
