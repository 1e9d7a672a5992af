//! From one engine to the other.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Done, Place, postgres};
use crate::{log_in, refresh, rows_of, with_users};

fn migrate(place: &Place, from: &str, to: &str) -> Done {
    place.run(&["migrate", "--from", from, "--to", to, "--data", place.data().to_str().unwrap(), "--json"])
}

// F-01: also when it is a move that is killed.
#[test]
fn a_move_that_is_killed_goes_on_where_it_was() {
    let (place, url) = (Place::on_sqlite(), postgres::fresh());
    with_users(&place, 30_000);
    let from = format!("sqlite:{}", place.data().display());
    let mut child = place
        .command(&["migrate", "--from", &from, "--to", &url, "--data", place.data().to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // As soon as some of the users are there, and long before all are.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let killed_at: i64 = runtime.block_on(async {
        let client = postgres::connect(&url).await;
        loop {
            let count = client.query_one("SELECT count(*) FROM users", &[]).await;
            match count.map(|row| row.get::<_, i64>(0)) {
                Ok(count) if count > 0 => {
                    child.kill().unwrap();
                    break count;
                }
                _ => tokio::task::yield_now().await,
            }
        }
    });
    assert!(!child.wait().unwrap().success());
    assert!(killed_at < 30_000, "it was over before it was killed");
    let other = Place::on(&url);
    let refused = other.run(&["user", "list"]).bad(1);
    assert!(refused.contains("half-done move of sqlite:"), "{refused}");

    let moved = migrate(&place, &from, &url).json();
    assert_eq!((&moved["finished"], rows_of(&moved, "users")), (&Value::Bool(true), 30_000));
    let written = moved["tables"].as_array().unwrap().iter().find(|table| table["table"] == "users").unwrap();
    assert!(written["written"].as_u64().unwrap() < 30_000, "{written}");
    assert!(migrate(&place, &from, &url).bad(1).contains("the target is not empty"));
}

#[test]
fn who_is_logged_in_stays_so_through_a_move_there_and_back() {
    let (place, url) = (Place::on_sqlite(), postgres::fresh());
    with_users(&place, 3);
    let from = format!("sqlite:{}", place.data().display());
    let issuer = ["--issuer", "http://127.0.0.1:1"];
    let server = place.serve(&issuer);
    let (access, first) = log_in(&server, "user-0");
    // While the server is at work, everything is brought over but nothing is finished.
    let early = migrate(&place, &from, &url);
    assert!(early.code == Some(1) && early.stderr.contains("still at work on sqlite:"), "{}", early.stderr);
    let (_, second) = refresh(&server, &first).unwrap();
    place.run(&["backup", "before.backup"]).good();
    server.stop().good();
    let moved = migrate(&place, &from, &url).json();
    assert_eq!((&moved["finished"], rows_of(&moved, "sessions")), (&Value::Bool(true), 1));

    // By mistake.
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0"]).bad(1);
    assert!(refused.contains("was moved to postgres://") && refused.contains("--reopen"), "{refused}");
    let refused = place.run(&["restore", "before.backup", "--replace"]).bad(1);
    assert!(refused.contains("was moved to postgres://"), "{refused}");
    assert!(place.run(&["backup", "after.backup"]).bad(1).contains("was moved to postgres://"));
    let found = place.run(&["doctor", "--offline"]);
    assert!(found.code == Some(1) && found.stdout.contains("was moved to postgres://"), "{}", found.stdout);

    // On the same data directory, so that the sealing key is there.
    let node = place.serve(&[&issuer[..], &["--database", &url, "--data", place.data().to_str().unwrap()]].concat());
    assert_eq!(node.whoami(&access).0, 200);
    let (_, third) = refresh(&node, &second).unwrap();
    node.stop().good();
    let back = place.path().join("back");
    let moved = place.run(&[
        "migrate",
        "--from",
        &url,
        "--to",
        &format!("sqlite:{}", back.display()),
        "--data",
        place.data().to_str().unwrap(),
    ]);
    let told = moved.good();
    assert!(
        told.contains("The sealing key was copied to") && told.contains("no server starts on it any more"),
        "{told}"
    );
    assert_eq!(fs::metadata(back.join("sealing.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let server = place.serve(&[&issuer[..], &["--data", back.to_str().unwrap()]].concat());
    assert_eq!(server.whoami(&access).0, 200);
    assert!(refresh(&server, &third).is_some());
    server.stop().good();
    assert!(
        place.run(&["migrate", "--reopen", &format!("sqlite:{}", back.display())]).bad(1).contains("was not moved")
    );
    assert!(place.run(&["migrate", "--reopen", &from]).good().contains("is used again"));
    place.run(&["user", "list"]).good();
}

#[test]
fn what_cannot_be_moved_is_said_before_anything_is_written() {
    let (place, url) = (Place::on_sqlite(), postgres::fresh());
    with_users(&place, 2);
    place.serve(&[]).stop().good();
    let from = format!("sqlite:{}", place.data().display());
    let with_password = url.replace("countersign@", "countersign:canary@");
    let refused = migrate(&place, &from, &with_password).bad(2);
    assert!(refused.contains("--to-password-file") && !refused.contains("canary"), "{refused}");
    assert!(migrate(&place, "nonsense", &url).bad(2).contains("write sqlite:PATH"));
    assert!(migrate(&place, "sqlite:nowhere", &url).bad(1).contains("there is no database"));
    assert!(migrate(&place, &from, &from).bad(2).contains("the same database"));
    // Another server's key is in the way.
    let other = Place::on_sqlite();
    other.serve(&[]).stop().good();
    fs::remove_file(other.data().join("countersign.db")).unwrap();
    let to = format!("sqlite:{}", other.data().display());
    assert!(migrate(&place, &from, &to).bad(1).contains("is not the key that seals what is moved"));
    assert!(!other.data().join("countersign.db").exists());
}
