//! Peers that take their time (R-172). Each test waits for the server's close, never for a time to pass.

use std::io::{Read, Write};
use std::time::Duration;

use countersign_server::transport::Limits;

use crate::house::{House, one, rest};

const SHORT: Duration = Duration::from_millis(200);
/// For what a client has to be in time for, on a machine that stands still for a while.
const ENOUGH: Duration = Duration::from_secs(4);
const LONG: Duration = Duration::from_hours(1);

/// All times so long that only the shortened one can close a connection.
fn patient() -> Limits {
    Limits { head: LONG, body: LONG, idle: LONG, handler: LONG, write: LONG, ..Limits::default() }
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let house = House::start(Limits { head: SHORT, ..patient() });
    assert!(rest(house.connect()).0.is_empty());
}

#[test]
fn a_head_that_never_ends_is_closed_however_it_is_cut() {
    let house = House::start(Limits { head: SHORT, ..patient() });
    let beginnings =
        ["G", "PRI * HTTP/2", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r"];
    for beginning in beginnings {
        let mut stream = house.connect();
        stream.write_all(beginning.as_bytes()).unwrap();
        assert!(rest(stream).0.is_empty(), "{beginning:?}");
    }
    assert_eq!(house.handled(), 0);
}

#[test]
fn a_head_that_comes_byte_by_byte_for_ever_is_closed() {
    let house = House::start(Limits { head: SHORT, ..patient() });
    let mut stream = house.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX: ").unwrap();
    // Ends when the server closes: each byte would extend a limit on silence, but not a limit on the head.
    while stream.write_all(b"a").is_ok() {
        std::thread::yield_now();
    }
    assert_eq!(house.handled(), 0);
}

#[test]
fn a_second_head_is_held_to_the_same_time() {
    let house = House::start(Limits { head: ENOUGH, ..patient() });
    let mut stream = house.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT").unwrap();
    assert_eq!(rest(stream).statuses(), ["200"]);
}

#[test]
fn a_connection_that_rests_is_closed() {
    let house = House::start(Limits { idle: SHORT, ..patient() });
    for path in ["/", "/none", "/large"] {
        let mut stream = house.connect();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let status = one(&mut stream).status();
        assert!([200, 404].contains(&status));
        assert!(rest(stream).0.is_empty());
    }
    let mut stream = house.connect();
    stream.write_all(b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").unwrap();
    assert_eq!(one(&mut stream).status(), 200);
    assert!(rest(stream).0.is_empty());
}

#[test]
fn a_connection_whose_answer_takes_long_does_not_rest() {
    let house = House::start(Limits { idle: SHORT, head: ENOUGH, ..patient() });
    let mut stream = house.connect();
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    house.until_one_waits();
    // Other connections come and are closed for resting meanwhile: both limits have passed.
    assert!(rest(house.connect()).0.is_empty());
    house.go_on.notify_one();
    assert_eq!(one(&mut stream).body(), "waited");
    assert!(rest(stream).0.is_empty());
}

#[test]
fn a_body_that_never_comes_is_refused_and_the_connection_closed() {
    let house = House::start(Limits { body: SHORT, ..patient() });
    for body in ["", "a"] {
        let answer = house.exchange(format!("POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 61\r\n\r\n{body}"));
        assert_eq!(answer.status(), 408, "{}", answer.text());
        assert_eq!(answer.header("connection").as_deref(), Some("close"));
        let head = "POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = house.exchange(format!("{head}{}", if body.is_empty() { "" } else { "5\r\na" }));
        assert_eq!(answer.status(), 408, "{}", answer.text());
    }
}

#[test]
fn a_body_that_nobody_reads_is_not_waited_for() {
    let house = House::start(Limits { linger: SHORT, ..patient() });
    let answer = house.exchange("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 61\r\n\r\na");
    assert_eq!(answer.statuses(), ["200"]);
}

#[test]
fn a_handler_that_takes_too_long_is_a_503() {
    let house = House::start(Limits { handler: SHORT, ..patient() });
    let answer = house.exchange("GET /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.header("content-type").as_deref(), Some("application/problem+json"));
}

#[test]
fn a_peer_that_takes_no_answer_loses_its_place() {
    let house = House::start(Limits { write: SHORT, connections: 1, ..patient() });
    let mut stream = house.connect();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    // The only place is taken until the server gives up on the first peer.
    let answer = house.exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(answer.status(), 200);
    drop(stream);
}

#[test]
fn connections_beyond_the_bound_wait_for_a_place() {
    let house = House::start(Limits { connections: 2, ..patient() });
    let (first, second) = (house.connect(), house.connect());
    let mut third = house.connect();
    third.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    third.set_read_timeout(Some(SHORT)).unwrap();
    assert!(third.read(&mut [0]).is_err(), "served beyond the bound");
    third.set_read_timeout(Some(LONG)).unwrap();
    drop((first, second));
    assert_eq!(rest(third).status(), 200);
}
