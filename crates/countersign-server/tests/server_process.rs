//! The server as a process: its start, its signals, its log.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead as _, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use rusqlite::Connection;
use rustix::process::Signal;
use support::{PASSWORD, Place, answer, soon};

#[test]
fn an_address_in_use_is_one_line_and_exit_code_1() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = place.run(&["serve", "--listen", &taken.local_addr().unwrap().to_string()]).bad(1);
    assert!(line.contains("another program listens there") && line.contains("--listen"), "{line}");
    let metrics = taken.local_addr().unwrap().to_string();
    let line = place.run(&["serve", "--listen", "127.0.0.1:0", "--metrics", &metrics]).bad(1);
    assert!(line.contains("another program listens there") && line.contains("--metrics"), "{line}");
}

// F-16
#[test]
fn sigterm_and_ctrl_c_answer_the_requests_in_flight_and_exit_with_0() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    for signal in [Signal::TERM, Signal::INT] {
        let server = place.serve(&[]);
        let form = format!("grant_type=password&username=ada&password={PASSWORD}");
        let (first, rest) = form.split_at(10);
        let length = form.len();
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let mut stream = server.connect();
        write!(stream, "POST /token HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{first}").unwrap();
        // Another request on another connection is answered after the first one has begun.
        assert_eq!(server.ask("GET", "/health/live", &[], "").0, 200);
        server.signal(signal);
        stream.write_all(rest.as_bytes()).unwrap();
        let (status, body) = answer(stream);
        assert_eq!(status, 200, "{body}");
        let done = server.end();
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(done.stderr.contains("\"stopped\""), "{}", done.stderr);
    }
}

#[test]
fn a_second_signal_stops_at_once() {
    let place = Place::new();
    let server = place.serve(&[]);
    let mut stream = server.connect();
    write!(stream, "POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n").unwrap();
    assert_eq!(server.ask("GET", "/health/live", &[], "").0, 200);
    server.signal(Signal::TERM);
    server.signal(Signal::INT);
    let done = server.end();
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("second signal"), "{}", done.stderr);
}

#[test]
fn a_second_signal_also_stops_a_server_that_waits_for_its_database_to_write_the_last_records() {
    let place = Place::on_sqlite();
    place.add_user(&["ada"]).good();
    let stop_twice = |_| {
        let server = place.serve(&[]);
        // Who writes holds up the others.
        let other = Connection::open(place.data().join("countersign.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        // What is refused is a record, and nothing else has to be written for it.
        let form = "grant_type=client_credentials&client_id=nobody&client_secret=x";
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(server.ask("POST", "/token", &[kind], form).0, 400);
        server.signal(Signal::TERM);
        soon("nobody is let in any more", || TcpStream::connect(server.address).is_err());
        server.signal(Signal::TERM);
        server.end()
    };
    // A machine may stand still for longer than a server waits for its records.
    let done = (0..5).map(stop_twice).find(|done| done.code != Some(0)).unwrap();
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("second signal"), "{}", done.stderr);
}

#[test]
fn a_hangup_ends_nothing_and_the_log_says_that_nothing_is_read_anew() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    server.signal(Signal::HUP);
    let log = BufReader::new(server.child.stderr.as_mut().unwrap());
    assert!(log.lines().any(|line| line.unwrap().contains("SIGHUP: there is nothing to read anew")));
    assert_eq!(server.ask("GET", "/health/live", &[], "").0, 200);
    server.stop().good();
}

// R-177, R-178
#[test]
fn the_log_is_one_object_a_line_and_one_event_a_request() {
    let place = Place::new();
    let server = place.serve(&[]);
    let evil = "a\\u001b[31m\\r\\n{\\\"x\\\":1}";
    assert_eq!(server.ask("GET", "/users/me?secret=1", &[("X-Request-Id", "my-request")], "").0, 401);
    server.ask("POST", "/users", &[("Content-Type", "application/json")], &format!(r#"{{"username":"{evil}"}}"#));
    server.ask("GET", "/nothing/of/the/kind", &[], "");
    let log = server.stop().stderr;
    let events: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().all(|event| event["time"].is_string() && event["level"].is_string()));
    let requests: Vec<_> = events.iter().filter(|event| event["target"] == "countersign::access").collect();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0]["route"], "/users/me");
    assert_eq!(requests[0]["method"], "GET");
    assert_eq!(requests[0]["status"], 401);
    assert_eq!(requests[0]["request_id"], "my-request");
    assert!(requests[0]["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(requests[0]["micros"].is_u64());
    assert_eq!(requests[2]["route"], "-");
    assert!(!log.contains("nothing/of"));
}

// R-176
#[test]
fn no_secret_is_in_the_log_at_any_level() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let server = place.serve(&["--log", "trace"]);
    let (_, token) = server.log_in("ada");
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let mut secrets = vec![PASSWORD.to_owned(), token.clone(), token.rsplit('.').next().unwrap().to_owned()];
    let mut canary = |kind: &str| {
        let secret = format!("canary-{kind}-7f3a");
        secrets.push(secret.clone());
        secret
    };
    let bearer = format!("Bearer {token}");
    server.ask("GET", &format!("/users/me?access_token={}", canary("query")), &[("Authorization", &bearer)], "");
    server.ask("GET", &format!("/{}", canary("path")), &[], "");
    server.whoami(&canary("token"));
    server.ask("GET", "/users/me", &[("Authorization", &format!("Basic {}", canary("basic")))], "");
    server.ask("GET", "/users/me", &[("Cookie", &canary("cookie")), ("X-Api-Key", &canary("header"))], "");
    let wrong = format!("grant_type=password&username=ada&password={}", canary("wrong"));
    server.ask("POST", "/token", &form, &wrong);
    let broken = format!("grant_type=password&username=ada&password={}%zz", canary("broken"));
    server.ask("POST", "/token", &form, &broken);
    let refresh = format!("grant_type=refresh_token&refresh_token={}", canary("refresh"));
    server.ask("POST", "/token", &form, &refresh);
    let client = format!("{wrong}&client_id=x&client_secret={}", canary("client"));
    server.ask("POST", "/token", &form, &client);
    let user = format!(r#"{{"username":"grace","password":"{}"}}"#, canary("register"));
    server.ask("POST", "/users", &[("Content-Type", "application/json")], &user);
    let ill = format!(r#"{{"username":"eve","password":["{}"]}}"#, canary("ill-typed"));
    server.ask("POST", "/users", &[("Content-Type", "application/json")], &ill);
    let change = format!(r#"{{"current_password":"{}","new_password":"{}"}}"#, canary("current"), canary("new"));
    let fields = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    server.ask("PUT", "/users/me/password", &fields, &change);
    server.ask(&canary("method"), "/token", &[], "");
    let mut stream = server.connect();
    write!(stream, "GET /{} HTTP/1.1\r\nBad: \0{}\r\n\r\n", canary("head"), canary("field")).unwrap();
    answer(stream);

    let done = server.stop();
    assert!(done.stderr.lines().count() > 15, "the log is empty: {}", done.stderr);
    for secret in &secrets {
        assert!(!done.stderr.contains(secret.as_str()), "{secret} is in the log:\n{}", done.stderr);
        assert!(!done.stdout.contains(secret.as_str()), "{secret} was printed");
    }
}
