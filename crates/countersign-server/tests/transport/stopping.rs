//! An orderly stop (F-16).

use std::io::Write;
use std::time::Duration;

use countersign_server::transport::{Limits, Stopped};

use crate::house::{House, one, rest};

#[test]
fn requests_in_flight_are_answered_and_then_the_server_is_gone() {
    let house = House::start(Limits::default());
    let (address, go_on) = (house.address, house.go_on.clone());
    let mut stream = house.connect();
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    house.until_one_waits();
    let mut resting = house.connect();
    resting.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(one(&mut resting).status(), 200);
    let silent = house.connect();

    let (runtime, stopped) = house.begin_to_stop();
    // Those who wait for nothing are let go.
    assert!(rest(resting).0.is_empty());
    assert!(rest(silent).0.is_empty());
    go_on.notify_one();
    let answer = rest(stream);
    assert_eq!((answer.status(), answer.body().as_str()), (200, "waited"));
    assert_eq!(answer.header("connection").as_deref(), Some("close"));
    assert_eq!(runtime.block_on(stopped), Ok(Stopped::Drained));
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_request_that_has_arrived_before_the_stop_is_answered() {
    let house = House::start(Limits::default());
    let streams: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = house.connect();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            stream
        })
        .collect();
    assert_eq!(house.stop(), Stopped::Drained);
    for stream in streams {
        assert_eq!(rest(stream).statuses(), ["200"]);
    }
}

#[test]
fn requests_that_do_not_end_are_cut_off_in_the_end() {
    let house = House::start(Limits { drain: Duration::from_millis(100), ..Limits::default() });
    let mut stream = house.connect();
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    house.until_one_waits();
    assert_eq!(house.stop(), Stopped::CutOff);
}

#[test]
fn an_empty_house_closes_at_once() {
    assert_eq!(House::start(Limits::default()).stop(), Stopped::Drained);
}
