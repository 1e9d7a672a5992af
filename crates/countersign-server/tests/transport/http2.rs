//! HTTP/2 with prior knowledge, by frames.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use countersign_server::transport::Limits;

use crate::house::{House, rest};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:method: GET`, `:scheme: http`, `:path: /` of the static table, and `:authority: x`.
const GET: &[u8] = b"\x82\x86\x84\x01\x01x";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn begin(house: &House) -> TcpStream {
    let mut stream = house.connect();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, b"")].concat()).unwrap();
    stream
}

/// The next frame: kind, stream, payload; `None` when the server closed.
fn next(stream: &mut TcpStream) -> Option<(u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).ok()?;
    Some((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

/// The first frame of this kind; `None` when the server closes without one.
fn find(stream: &mut TcpStream, kind: u8) -> Option<Vec<u8>> {
    std::iter::from_fn(|| next(stream)).find(|(found, ..)| *found == kind).map(|(.., payload)| payload)
}

#[test]
fn a_request_is_answered() {
    let house = House::start(Limits::default());
    let mut stream = begin(&house);
    stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, GET)).unwrap();
    let headers = find(&mut stream, HEADERS).unwrap();
    // `:status: 200` of the static table.
    assert_eq!(headers[0], 0x88);
}

//
#[test]
fn a_request_without_authority_is_refused() {
    let house = House::start(Limits::default());
    let mut stream = begin(&house);
    stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &GET[..3])).unwrap();
    let headers = find(&mut stream, HEADERS).unwrap();
    // `:status: 400` of the static table.
    assert_eq!(headers[0], 0x8c);
}

// R-174, CVE-2023-44487
#[test]
fn a_flood_of_resets_ends_the_connection() {
    let house = House::start(Limits::default());
    let mut stream = begin(&house);
    let flood: Vec<u8> = (0..500)
        .flat_map(|i| {
            let id = 2 * i + 1;
            [frame(HEADERS, END_STREAM | END_HEADERS, id, GET), frame(RST_STREAM, 0, id, &[0, 0, 0, 8])].concat()
        })
        .collect();
    let _ = stream.write_all(&flood);
    let goaway = find(&mut stream, GOAWAY).unwrap();
    // ENHANCE_YOUR_CALM
    assert_eq!(goaway[4..8], [0, 0, 0, 11]);
}

// R-174, RUSTSEC-2024-0332
#[test]
fn a_flood_of_continuations_ends_the_connection() {
    // Without lingering, writing fails as soon as the server has had enough.
    let house = House::start(Limits { linger: Duration::ZERO, ..Limits::default() });
    let mut stream = begin(&house);
    stream.write_all(&frame(HEADERS, END_STREAM, 1, GET)).unwrap();
    let piece = frame(CONTINUATION, 0, 1, &[b"\x00\x01x\x7f\x00", &[b'a'; 127][..]].concat());
    let flood = std::iter::repeat_with(|| stream.write_all(&piece)).take(100_000).find(Result::is_err);
    assert!(flood.is_some(), "100 000 frames were taken");
    assert_eq!(house.handled(), 0);
}

//
#[test]
fn a_connection_that_rests_or_never_begins_is_closed() {
    let short = Duration::from_millis(200);
    let house = House::start(Limits { idle: short, ..Limits::default() });
    let mut stream = begin(&house);
    stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, GET)).unwrap();
    assert!(rest(stream).0.len() > 9);
    let house = House::start(Limits { head: short, ..Limits::default() });
    let mut stream = house.connect();
    stream.write_all(PREFACE).unwrap();
    rest(stream);
    // A head that never ends.
    let mut stream = begin(&house);
    stream.write_all(&frame(HEADERS, END_STREAM, 1, GET)).unwrap();
    rest(stream);
}
