//! Traces as a collector receives them: OTLP over HTTP, read here as the strings that stand in it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

use crate::support::{PASSWORD, Place};

/// A collector: it hands over the bodies that it was sent, and answers with this status.
fn collector(status: &'static str) -> (SocketAddr, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut line) = (0, String::new());
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            // First, for the server may end as soon as it has its answer.
            if sender.send(body).is_err() {
                return;
            }
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, bodies)
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

fn printable(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[test]
fn a_request_is_a_trace_of_what_it_waited_for_and_goes_on_from_the_callers() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let (address, bodies) = collector("200 OK");
    let server = place.serve(&["--traces", &format!("http://{address}/v1/traces"), "--log", "off"]);
    let form = format!("grant_type=password&username=ada&password={PASSWORD}");
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let fields = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("traceparent", &format!("00-{trace}-b7ad6b7169203331-01")),
    ];
    let (status, answer) = server.ask("POST", "/token", &fields, &form);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(server.ask("GET", "/users/me?canary-query=1", &[], "").0, 401);
    // The last spans are sent at the end.
    assert_eq!(server.stop().code, Some(0));
    let body: Vec<u8> = bodies.try_iter().flatten().collect();
    for part in ["POST /token", "GET /users/me", "http.route", "verify password", "store", "countersign", "127.0.0.1"] {
        assert!(holds(&body, part.as_bytes()), "{part} is not in {}", printable(&body));
    }
    let id: Vec<u8> =
        (0..trace.len()).step_by(2).map(|at| u8::from_str_radix(&trace[at..at + 2], 16).unwrap()).collect();
    assert!(holds(&body, &id), "the trace of the caller goes on");
    //
    let token = answer.split('"').nth(3).unwrap();
    for secret in [PASSWORD, "canary-query", token] {
        assert!(!holds(&body, secret.as_bytes()), "{secret} is in {}", printable(&body));
    }
}

#[test]
fn a_collector_that_refuses_or_is_not_there_is_told_of_once_and_stops_nobody() {
    let place = Place::new();
    let (address, bodies) = collector("503 Service Unavailable");
    let server = place.serve(&["--traces", &format!("http://{address}/v1/traces")]);
    assert_eq!(server.ask("GET", "/health/live", &[], "").0, 200);
    let done = server.stop();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(bodies.try_recv().is_ok());
    assert_eq!(done.stderr.matches("does not take them").count(), 1, "{}", done.stderr);

    let server = place.serve(&["--traces", "http://127.0.0.1:9/v1/traces"]);
    assert_eq!(server.ask("GET", "/health/live", &[], "").0, 200);
    let done = server.stop();
    assert_eq!((done.code, done.stderr.matches("does not take them").count()), (Some(0), 1), "{}", done.stderr);
}

#[test]
fn of_so_many_traces_one_is_sent() {
    let place = Place::new();
    let (address, bodies) = collector("200 OK");
    let server = place.serve(&["--traces", &format!("http://{address}/"), "--traces-one-of", "1000000"]);
    // By the id of the trace: the first is of those that are not sent, and the callers' wishes do not count.
    for (path, id, wish) in [("/health/live", "ffffffffffffffff", "01"), ("/health/ready", "0000000000000001", "00")] {
        let parent = format!("00-0000000000000001{id}-b7ad6b7169203331-{wish}");
        assert_eq!(server.ask("GET", path, &[("traceparent", &parent)], "").0, 200);
    }
    assert_eq!(server.stop().code, Some(0));
    let body: Vec<u8> = bodies.try_iter().flatten().collect();
    assert!(holds(&body, b"/health/ready") && !holds(&body, b"/health/live"), "{}", printable(&body));
}
