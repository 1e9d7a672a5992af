//! The commands, as processes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::io::{Read, Write};
use std::process::Stdio;

use serde_json::json;
use support::{PASSWORD, Place};

//
#[test]
fn help_and_version_touch_no_files() {
    let place = Place::new();
    let environment = [("COUNTERSIGN_CONFIG", "/nonexistent/file"), ("COUNTERSIGN_NONSENSE", "x")];
    for arguments in [&["--help"][..], &["--version"], &["serve", "--help"], &["user", "add", "--help"], &["help"]] {
        assert!(!place.run_with(arguments, &environment, "").good().is_empty());
    }
    assert!(place.run(&["--version"]).good().starts_with("countersign 0."));
    assert!(place.files().is_empty());
}

//
#[test]
fn a_wrong_command_line_is_one_line_and_exit_code_2() {
    let place = Place::new();
    for arguments in [
        &[][..],
        &["serv"],
        &["serve", "--nonsense"],
        &["serve", "extra"],
        &["serve", "--listen"],
        &["serve", "--listen", "nonsense"],
        &["serve", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"],
        &["serve", "--algorithm", "HS256"],
        &["serve", "--config", "none.toml"],
        &["user"],
        &["user", "add"],
        &["user", "list", "--listen", "127.0.0.1:0"],
        &["token", "inspect", "--data", "x"],
        &["key"],
    ] {
        place.run(arguments).bad(2);
    }
    for variable in ["COUNTERSIGN_LISTEN", "COUNTERSIGN_NONSENSE"] {
        let line = place.run_with(&["serve"], &[(variable, "nonsense")], "").bad(2);
        assert!(line.contains(variable), "{line}");
    }
    assert!(place.files().is_empty(), "something was made before the command line was understood");
}

//
#[test]
fn secrets_are_not_taken_from_the_command_line() {
    let place = Place::new();
    let line = place.run(&["user", "add", "ada", "--password", "correct-horse-1"]).bad(2);
    assert!(line.contains("--password-stdin") && !line.contains("correct-horse-1"), "{line}");
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.AA";
    let line = place.run(&["token", "inspect", token]).bad(2);
    assert!(line.contains("standard input") && !line.contains(token), "{line}");
    assert!(place.files().is_empty());
}

#[test]
fn a_password_without_a_terminal_comes_from_standard_input_by_name_only() {
    let place = Place::new();
    let line = place.run_with(&["user", "add", "ada"], &[], "correct-horse-1\n").bad(2);
    assert!(line.contains("--password-stdin"), "{line}");
    let add = ["user", "add", "ada", "--password-stdin"];
    for input in ["", "\n", "correct-horse-1\ncorrect-horse-1\n"] {
        place.run_with(&add, &[], input).bad(1);
    }
    let line = place.run_with(&add, &[], "short\n").bad(1);
    assert!(line.contains("too short"), "{line}");
    place.run_with(&add, &[], "correct-horse-1\n").good();
}

#[test]
fn a_user_is_made_shown_changed_and_deleted() {
    let place = Place::new();
    let add = [
        "Ada",
        "--email",
        "Ada@Example.com",
        "--full-name",
        "Ada Lovelace",
        "--scope",
        "me",
        "items:read",
        "--scope",
        "x y",
    ];
    assert_eq!(place.add_user(&add).good(), "ada is a user now.\n");
    let shown = place.run(&["user", "show", "ada", "--json"]).json();
    assert_eq!(shown["username"], "ada");
    assert_eq!(shown["email"], "Ada@Example.com");
    assert_eq!(shown["full_name"], "Ada Lovelace");
    assert_eq!(shown["disabled"], false);
    assert_eq!(shown["scopes"], json!(["items:read", "me", "x", "y"]));
    let mut members: Vec<_> = shown.as_object().unwrap().keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["created_at", "disabled", "email", "full_name", "id", "scopes", "updated_at", "username"]);

    let text = place.run(&["user", "grant", "ada@example.com", "z"]).good();
    assert!(text.contains("items:read me x y z"), "{text}");
    let text = place.run(&["user", "revoke", "ADA", "x", "y", "unknown"]).good();
    assert!(text.contains("items:read me z\n"), "{text}");
    assert!(place.run(&["user", "disable", "ada"]).good().contains("disabled"));
    assert!(place.run(&["user", "enable", "ada"]).good().contains("enabled"));
    place.run_with(&["user", "set-password", "ada", "--password-stdin"], &[], "another-good-password\n").good();
    place.run(&["user", "delete", "ada"]).good();
    assert!(place.run(&["user", "show", "ada"]).bad(1).contains("no user"));
}

#[test]
fn refusals_say_what_to_do() {
    let place = Place::new();
    assert!(place.run(&["user", "list"]).bad(1).contains("--data"));
    assert!(place.run(&["key", "list"]).bad(1).contains("--data"));
    assert!(place.files().is_empty(), "looking made a database");
    place.add_user(&["ada", "--email", "ada@example.com"]).good();
    assert!(place.add_user(&["ADA"]).bad(1).contains("taken"));
    assert!(place.add_user(&["bob", "--email", "ADA@example.com"]).bad(1).contains("taken"));
    assert!(place.add_user(&["b\u{43e}b"]).bad(1).contains("script"));
    assert!(place.add_user(&["a b"]).code == Some(1));
    assert!(place.add_user(&["bob", "--email", "nonsense"]).bad(1).contains('@'));
    place.add_user(&["bob", "--scope", "a\"b"]).bad(2);
    for verb in ["show", "disable", "enable", "delete"] {
        assert!(place.run(&["user", verb, "nobody"]).bad(1).contains("nobody"));
    }
}

#[test]
fn listings_are_aligned_for_people_and_json_for_programs() {
    let place = Place::new();
    for name in ["ada", "grace", "annie"] {
        place.add_user(&[name, "--email", &format!("{name}@example.com")]).good();
    }
    let text = place.run(&["user", "list"]).good();
    let columns: Vec<_> = text.lines().map(|line| line.find("enabled").or(line.find("STATE")).unwrap()).collect();
    assert_eq!(columns.len(), 4);
    assert!(columns.iter().all(|column| *column == columns[0]), "{text}");
    let json = place.run(&["user", "list", "--json"]).json();
    let names: Vec<_> = json.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect();
    assert_eq!(names, ["ada", "annie", "grace"]);
    let json = place.run(&["user", "list", "--json", "--search", "GRACE@"]).json();
    assert_eq!(json.as_array().unwrap().len(), 1);
    let short = place.run(&["user", "list", "--json", "--limit", "2"]);
    assert!(short.stderr.contains("more than these 2"), "{}", short.stderr);
    assert_eq!(short.json().as_array().unwrap().len(), 2);
    assert_eq!(place.run(&["user", "list", "--limit", "3"]).stderr, "");
}

#[test]
fn the_default_scopes_hold_unless_scopes_are_given() {
    let place = Place::new();
    place.write("settings.toml", "default_scopes = ['me', 'items']");
    place.add_user(&["ada", "--config", "settings.toml"]).good();
    place.add_user(&["grace", "--config", "settings.toml", "--scope", "x"]).good();
    assert_eq!(place.run(&["user", "show", "ada", "--json"]).json()["scopes"], json!(["items", "me"]));
    assert_eq!(place.run(&["user", "show", "grace", "--json"]).json()["scopes"], json!(["x"]));
}

#[test]
fn the_document_needs_no_server_and_no_data() {
    let place = Place::new();
    let document = place.run(&["openapi"]).json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/token"]["post"].is_object());
    assert!(place.files().is_empty());
}

#[test]
fn a_token_is_looked_at_and_said_not_to_be_verified() {
    let place = Place::new();
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.AA";
    let done = place.run_with(&["token", "inspect"], &[], &format!("{token}\n"));
    assert!(done.stderr.contains("Not verified"));
    assert_eq!(done.json(), json!({ "header": { "alg": "none" }, "claims": { "sub": "ada" } }));
    place.write("token", token);
    assert_eq!(place.run(&["token", "inspect", "token"]).json()["claims"]["sub"], "ada");
    assert!(place.run_with(&["token", "inspect"], &[], "nonsense\n").bad(1).contains("not a token"));
}

//
#[test]
fn what_the_program_makes_is_private_whatever_the_umask() {
    let place = Place::new();
    place.serve(&[]).stop();
    assert_eq!(place.mode("countersign-data"), 0o700);
    for file in std::fs::read_dir(place.data()).unwrap() {
        assert_eq!(place.mode(file.unwrap().path()), 0o600);
    }
    assert_eq!(std::fs::read(place.data().join("sealing.key")).unwrap().len(), 32);
}

//
#[test]
fn looser_modes_are_refused_at_start_by_one_line() {
    let place = Place::new();
    place.serve(&[]).stop();
    for (path, loose, strict) in [
        ("countersign-data", 0o755, 0o700),
        ("countersign-data/countersign.db", 0o640, 0o600),
        ("countersign-data/sealing.key", 0o604, 0o600),
    ] {
        place.set_mode(path, loose);
        let line = place.run(&["serve", "--listen", "127.0.0.1:0"]).bad(1);
        assert!(line.contains("chmod") && line.contains(path), "{line}");
        place.set_mode(path, strict);
    }
    place.serve(&[]).stop().good();
}

#[test]
fn a_database_without_its_sealing_key_is_not_opened_and_no_new_key_is_made() {
    let place = Place::new();
    place.serve(&[]).stop();
    let key = place.data().join("sealing.key");
    std::fs::rename(&key, place.path().join("away")).unwrap();
    let line = place.run(&["serve", "--listen", "127.0.0.1:0"]).bad(1);
    assert!(line.contains("sealing.key is missing") && line.contains("backup"), "{line}");
    assert!(!key.exists());
    std::fs::write(&key, [7; 32]).unwrap();
    place.set_mode(&key, 0o600);
    let line = place.run(&["serve", "--listen", "127.0.0.1:0"]).bad(1);
    assert!(line.contains("could not be opened"), "{line}");
}

// F-12
#[test]
fn servers_that_start_at_once_share_one_signing_key() {
    for round in 0..20 {
        let place = Place::new();
        let started = std::thread::scope(|scope| {
            let starts = [(); 2].map(|()| scope.spawn(|| place.serve(&[])));
            starts.map(|start| start.join().unwrap())
        });
        let [one, other] = started.map(|server| server.ask("GET", "/.well-known/jwks.json", &[], ""));
        assert_eq!(one.0, 200, "round {round}");
        assert_eq!(one, other, "round {round}");
        let keys = place.run(&["key", "list", "--json"]).json();
        assert_eq!(keys.as_array().unwrap().len(), 1, "round {round}");
        assert_eq!(keys[0]["algorithm"], "ES256");
        assert_eq!(keys[0]["state"], "active");
        // No draft of the sealing key is left.
        let leftover = std::fs::read_dir(place.data()).unwrap().map(|file| file.unwrap().file_name());
        let leftover: Vec<_> = leftover.filter(|name| name.to_string_lossy().starts_with("sealing.key.")).collect();
        assert!(leftover.is_empty(), "round {round}: {leftover:?}");
    }
}

#[test]
fn changes_on_the_command_line_hold_at_once_in_a_running_server() {
    let place = Place::new();
    let server = place.serve(&[]);
    assert_eq!(server.log_in("ada").0, 400);
    place.add_user(&["ada", "--scope", "me"]).good();
    let (status, token) = server.log_in("ada");
    assert_eq!(status, 200);
    assert_eq!(server.whoami(&token).0, 200);
    place.run(&["user", "disable", "ada"]).good();
    assert_eq!(server.whoami(&token).0, 401);
    assert_eq!(server.log_in("ada").0, 400);
    place.run(&["user", "enable", "ada"]).good();
    // A token that has ended stays ended.
    assert_eq!(server.whoami(&token).0, 401);
    let (_, token) = server.log_in("ada");
    assert_eq!(server.whoami(&token).0, 200);
    place.run(&["user", "grant", "ada", "users:read"]).good();
    let (status, body) = server.whoami(&token);
    assert_eq!(status, 200);
    assert!(body.contains("users:read"));
    place.run_with(&["user", "set-password", "ada", "--password-stdin"], &[], "another-good-password\n").good();
    assert_eq!(server.log_in("ada").0, 400);
    place.run(&["user", "delete", "ada"]).good();
    assert_eq!(server.whoami(&token).0, 401);
}

#[test]
fn the_banner_holds_commands_that_work_as_they_stand() {
    let place = Place::new();
    let data = place.path().join("my data");
    let server = place.serve(&["--data", data.to_str().unwrap()]);
    assert!(server.banner.contains(&format!("http://{}/docs", server.address)), "{}", server.banner);
    let line = server.banner.lines().find(|line| line.contains("user add")).unwrap();
    let command = line.split_once(':').unwrap().1.trim();
    let script = format!("printf '%s\\n' {PASSWORD} | {command} --password-stdin");
    let done = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(server.log_in("ada").0, 200);
}

/// Runs a command that asks for passwords at a terminal, which `script` (util-linux) makes, and answers in turn. All that
/// the terminal showed, and whether the command worked.
fn at_a_terminal(place: &Place, arguments: &str, answers: [&str; 2]) -> (String, bool) {
    let line = format!("exec '{}' {arguments}", place.command(&[]).get_program().to_str().unwrap());
    let mut terminal = std::process::Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(place.path());
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = terminal.spawn().expect("`script` is needed: Debian's package bsdutils");
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = String::new();
    let mut byte = [0];
    for answer in answers {
        let prompts = shown.matches(": ").count();
        while shown.matches(": ").count() == prompts {
            screen.read_exact(&mut byte).unwrap();
            shown.push(char::from(byte[0]));
        }
        writeln!(keys, "{answer}").unwrap();
    }
    screen.read_to_string(&mut shown).unwrap();
    (shown, child.wait().unwrap().success())
}

#[test]
fn at_a_terminal_the_password_is_asked_for_twice() {
    let place = Place::new();
    let (shown, worked) = at_a_terminal(&place, "user add ada", [PASSWORD, "another-good-password"]);
    assert!(!worked && shown.contains("the two passwords differ"), "{shown}");
    let (shown, worked) = at_a_terminal(&place, "user add ada", [PASSWORD; 2]);
    assert!(worked && shown.contains("ada is a user now"), "{shown}");
    assert_eq!(place.serve(&[]).log_in("ada").0, 200);
}
