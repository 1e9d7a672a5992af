//! Several servers on one PostgreSQL: what one does holds at all, and none starts that could not serve.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::time::Instant;

use crate::support::{PASSWORD, Place, Server, postgres, soon};

const ISSUER: [&str; 2] = ["--issuer", "http://127.0.0.1"];
/// A database, and two nodes on it with data directories of their own.
fn two_nodes() -> [(Place, Server); 2] {
    let url = postgres::fresh();
    let first = Place::on(&url);
    let running = first.serve(&ISSUER);
    let second = Place::on(&url);
    share_sealing_key(&first, &second);
    let other = second.serve(&ISSUER);
    [(first, running), (second, other)]
}

fn share_sealing_key(from: &Place, to: &Place) {
    fs::create_dir_all(to.data()).unwrap();
    to.set_mode("countersign-data", 0o700);
    fs::copy(from.data().join("sealing.key"), to.data().join("sealing.key")).unwrap();
}

#[test]
fn what_one_node_does_holds_at_once_at_the_other() {
    let [(here, first), (there, second)] = two_nodes();
    here.add_user(&["ada"]).good();
    let (status, token) = second.log_in("ada");
    assert_eq!(status, 200);
    for server in [&first, &second] {
        assert_eq!(server.whoami(&token).0, 200);
    }
    there.run(&["session", "end", "--user", "ada"]).good();
    for server in [&first, &second] {
        assert_eq!(server.whoami(&token).0, 401, "a session that was ended");
    }
    let (_, token) = first.log_in("ada");
    assert_eq!(second.whoami(&token).0, 200);
    here.run(&["user", "disable", "ada"]).good();
    for server in [&first, &second] {
        assert_eq!(server.whoami(&token).0, 401, "a user that was disabled");
        assert_eq!(server.log_in("ada").0, 400);
    }
}

// a retry at the other node gives the same next token.
#[test]
fn a_session_goes_on_at_the_other_node() {
    let [(here, first), (_, second)] = two_nodes();
    here.add_user(&["ada"]).good();
    let refresh = |server: &Server, form: &str| -> serde_json::Value {
        let (status, body) =
            server.ask("POST", "/token", &[("Content-Type", "application/x-www-form-urlencoded")], form);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    let login = format!("grant_type=password&username=ada&password={PASSWORD}&scope=offline_access");
    let mut token = refresh(&first, &login)["refresh_token"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        let answers = [&second, &first].map(|server| refresh(server, &form)["refresh_token"].clone());
        assert_eq!(answers[0], answers[1]);
        token = answers[0].as_str().unwrap().to_owned();
    }
}

// R-083, F-14
#[test]
fn a_key_that_is_withdrawn_at_one_node_is_soon_out_at_the_other() {
    let [(here, first), (_, second)] = two_nodes();
    here.add_user(&["ada"]).good();
    let (_, token) = first.log_in("ada");
    assert_eq!(second.whoami(&token).0, 200);
    let keys = here.run(&["key", "list", "--json"]).json();
    here.run(&["key", "revoke", keys[0]["kid"].as_str().unwrap()]).good();
    let begun = Instant::now();
    for server in [&first, &second] {
        soon("the key is out", || server.whoami(&token).0 == 401);
    }
    eprintln!("a withdrawn key was out at both nodes after {:?}", begun.elapsed());
    let (status, token) = second.log_in("ada");
    assert_eq!((status, first.whoami(&token).0), (200, 200), "the key in its place is known to both");
}

//
#[test]
fn a_node_with_another_sealing_key_does_not_start() {
    let url = postgres::fresh();
    let first = Place::on(&url);
    first.serve(&ISSUER).stop().good();
    let second = Place::on(&url);
    let line = second.run(&["serve", "--listen", "127.0.0.1:0", "--log", "off"]).bad(1);
    assert!(line.contains("sealing.key is missing") && line.contains("of another node"), "{line}");
    share_sealing_key(&first, &second);
    fs::write(second.data().join("sealing.key"), [7; 32]).unwrap();
    let line = second.run(&["serve", "--listen", "127.0.0.1:0", "--log", "off"]).bad(1);
    assert!(line.contains("the sealing key is not the one"), "{line}");
}

#[test]
fn without_its_database_a_node_answers_503_and_is_not_ready() {
    let (url, process) = postgres::start();
    let place = Place::on(&url);
    place.add_user(&["ada"]).good();
    let server = place.serve(&ISSUER);
    let (_, token) = server.log_in("ada");
    assert_eq!(server.ask("GET", "/health/ready", &[], "").0, 200);
    let mut process = process.unwrap();
    drop(process.stdin.take());
    process.wait().unwrap();
    assert_eq!(server.whoami(&token).0, 503);
    assert_eq!(server.log_in("ada").0, 503);
    assert_eq!(server.ask("GET", "/health/ready", &[], "").0, 503);
    for path in ["/health/live", "/.well-known/jwks.json"] {
        assert_eq!(server.ask("GET", path, &[], "").0, 200, "{path}");
    }
    server.stop().good();
    let line = place.run(&["user", "list"]).bad(1);
    assert!(line.contains("cannot open the database postgres://"), "{line}");
}

#[test]
fn the_password_of_the_database_is_told_to_nobody() {
    const URL: &str = "postgres://ada:s3cret@127.0.0.1:1/auth";
    let place = Place::on(URL);
    for arguments in [&["config"][..], &["config", "--json"]] {
        let shown = place.run(arguments).good();
        assert!(shown.contains("postgres://ada@127.0.0.1:1/auth") && !shown.contains("s3cret"), "{shown}");
    }
    let line = place.run(&["serve", "--listen", "127.0.0.1:0"]).bad(1);
    assert!(line.contains("postgres://ada@127.0.0.1:1/auth") && !line.contains("s3cret"), "{line}");
    for url in [URL, "postgres:/ada:s3cret@h/x", "postgres://ada:s3cret@h/x?sslmode=prefer"] {
        let line = Place::new().run(&["user", "list", "--database", url]).bad(2);
        assert!(line.starts_with("countersign: --database: ") && !line.contains("s3cret"), "{line}");
    }
}

#[test]
fn the_password_may_stand_in_a_file_that_nobody_else_can_read() {
    let place = Place::on(&postgres::fresh());
    let file = place.write("password", "s3cret\n");
    let (file, mode) = (file.to_str().unwrap(), |mode| place.set_mode("password", mode));
    mode(0o644);
    let add = ["--database-password-file", file, "ada"];
    let line = place.add_user(&add).bad(2);
    assert!(line.contains("chmod 600") && !line.contains("s3cret"), "{line}");
    mode(0o600);
    place.add_user(&add).good();
    let shown = place.run(&["config", "--database-password-file", file]).good();
    assert!(shown.contains(file) && !shown.contains("s3cret"), "{shown}");
}
