//! Requests that a good server refuses, and those that it must bear. Cases named E… are of the kind of ../shared/attacks.

use std::io::Write;

use countersign_server::transport::Limits;

use crate::house::{House, one, rest};

const FORM: &str = "grant_type=password&username=johndoe&password=correct-horse-1";

fn post(fields: &str) -> String {
    format!("POST /token HTTP/1.1\r\n{fields}\r\nConnection: close\r\n\r\n{FORM}")
}

fn fields(count: usize) -> String {
    (0..count).map(|i| format!("X-{i}: 1\r\n")).collect::<Vec<_>>().concat()
}

//
#[test]
fn framing_that_two_parties_could_read_differently_is_refused_and_the_connection_closed() {
    let house = House::start(Limits::default());
    let cases = [
        ("E096 no Host", post("Content-Length: 61")),
        ("E097 two Hosts", post("Host: a\r\nHost: b\r\nContent-Length: 61")),
        ("the same Host twice", post("Host: a\r\nHost: a\r\nContent-Length: 61")),
        ("empty Host", post("Host:\r\nContent-Length: 61")),
        ("Host with a path", post("Host: a/b\r\nContent-Length: 61")),
        ("Host with a user", post("Host: a@b\r\nContent-Length: 61")),
        ("two hosts in one Host", post("Host: a, b\r\nContent-Length: 61")),
        ("E100 both lengths", post("Host: x\r\nContent-Length: 61\r\nTransfer-Encoding: chunked")),
        ("both lengths, chunked first", post("Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 61")),
        ("E101 two lengths", post("Host: x\r\nContent-Length: 61\r\nContent-Length: 0")),
        ("E102 length with a sign", post("Host: x\r\nContent-Length: +61")),
        ("E103 negative length", post("Host: x\r\nContent-Length: -1")),
        ("length in hexadecimal", post("Host: x\r\nContent-Length: 0x3d")),
        ("length as a list", post("Host: x\r\nContent-Length: 61, 61")),
        ("length beyond every number", post("Host: x\r\nContent-Length: 99999999999999999999")),
        ("E105 xchunked", post("Host: x\r\nTransfer-Encoding: xchunked")),
        ("identity", post("Host: x\r\nTransfer-Encoding: identity")),
        ("chunked and then something", post("Host: x\r\nTransfer-Encoding: chunked, identity")),
        ("two Transfer-Encodings", post("Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity")),
        ("vertical tab before chunked", post("Host: x\r\nTransfer-Encoding: \x0bchunked")),
        ("chunked in HTTP/1.0", "POST /token HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned()),
        ("space before the colon", post("Host: x\r\nContent-Length : 61")),
        ("space before Transfer-Encoding", post("Host: x\r\nContent-Length: 61\r\n Transfer-Encoding: chunked")),
        ("folded field", post("Host: x\r\nContent-Length: 61\r\nX-A: b\r\n c")),
        ("bare CR in a field", post("Host: x\r\nContent-Length: 61\r\nX-A: b\rc: d")),
        ("E109 NUL in a field", post("Host: x\r\nContent-Length: 61\r\nX-A: b\0c")),
        ("field without a name", post("Host: x\r\nContent-Length: 61\r\n: c")),
        ("E113 HTTP/0.9", "GET /token\r\n\r\n".to_owned()),
        ("HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n".to_owned()),
        ("HTTP/2.0 in the request line", "GET / HTTP/2.0\r\nHost: x\r\n\r\n".to_owned()),
        ("two spaces in the request line", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
        ("NUL in the target", "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
        ("not HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n".to_owned()),
    ];
    for (what, request) in cases {
        let answer = house.exchange(request);
        assert_eq!(answer.status(), 400, "{what}: {}", answer.text());
        assert_eq!(answer.statuses().len(), 1, "{what}: {}", answer.text());
        assert_eq!(answer.header("connection").as_deref(), Some("close"), "{what}");
    }
    assert_eq!(house.handled(), 0);
}

//
#[test]
fn what_hides_behind_a_refused_request_is_not_answered() {
    let house = House::start(Limits::default());
    let smuggled = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 0\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    ] {
        let request = format!("POST /token HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n0\r\n\r\n{smuggled}");
        assert_eq!(house.exchange(&request).statuses(), ["400"], "{fields}");
        // The same behind a good request, in one segment: the good one is answered first.
        assert_eq!(house.exchange(format!("{smuggled}{request}")).statuses(), ["200", "400"], "{fields}");
    }
}

#[test]
fn nothing_is_read_behind_a_chunked_body() {
    let house = House::start(Limits::default());
    let chunked = "POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = house.exchange(format!("{chunked}GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_eq!(answer.statuses(), ["200"]);
    assert_eq!(answer.body(), "abc");
    assert_eq!(answer.header("connection").as_deref(), Some("close"));
}

#[test]
fn unusual_but_unambiguous_requests_are_answered() {
    let house = House::start(Limits::default());
    let cases = [
        ("E098 any host name", post("Host: evil.test\r\nContent-Length: 61"), FORM),
        ("the same length twice", post("Host: x\r\nContent-Length: 61\r\nContent-Length: 61"), FORM),
        ("E107 bare line feeds", post("Host: x\r\nContent-Length: 61").replace("\r\n", "\n"), FORM),
        ("blank lines before the request", format!("\r\n\r\n{}", post("Host: x\r\nContent-Length: 61")), FORM),
        ("HTTP/1.0 without Host", format!("POST /token HTTP/1.0\r\nContent-Length: 61\r\n\r\n{FORM}"), FORM),
        ("an absolute target", "GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned(), "hello"),
        ("a Host with a port", "GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n".to_owned(), "hello"),
    ];
    for (what, request, body) in cases {
        let answer = house.exchange(request);
        assert_eq!((answer.status(), answer.body().as_str()), (200, body), "{what}");
    }
}

//
#[test]
fn a_request_line_that_is_too_long_is_a_414_of_any_length() {
    let house = House::start(Limits::default());
    for length in [8 * 1024, 9 * 1024, 24 * 1024, 64 * 1024, 1024 * 1024] {
        let request = format!("GET /?{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(length));
        let answer = house.exchange(request);
        assert_eq!(answer.status(), 414, "{length}: {}", answer.text());
        assert_eq!(answer.header("content-type").as_deref(), Some("application/problem+json"));
        assert_eq!(answer.header("connection").as_deref(), Some("close"));
    }
    assert_eq!(house.handled(), 0);
}

//
#[test]
fn a_request_line_of_exactly_the_limit_is_answered() {
    let house = House::start(Limits::default());
    let (before, after) = ("GET /?", " HTTP/1.1\r\n");
    let target = "a".repeat(8 * 1024 - before.len() - after.len());
    let answer = house.exchange(format!("{before}{target}{after}Host: x\r\nConnection: close\r\n\r\n"));
    assert_eq!(answer.status(), 200);
    let answer = house.exchange(format!("{before}{target}a{after}Host: x\r\nConnection: close\r\n\r\n"));
    assert_eq!(answer.status(), 414);
}

//
#[test]
fn a_header_block_that_is_too_large_is_a_431_of_any_size() {
    let house = House::start(Limits::default());
    for length in [16 * 1024, 20 * 1024, 64 * 1024, 1024 * 1024] {
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "a".repeat(length));
        let answer = house.exchange(request);
        assert_eq!(answer.status(), 431, "{length}: {}", answer.text());
        assert_eq!(answer.header("connection").as_deref(), Some("close"));
    }
    for count in [100, 101, 2000] {
        let fields = fields(count);
        let answer = house.exchange(format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
        assert_eq!(answer.status(), 431, "{count} fields and Host: {}", answer.text());
    }
    assert_eq!(house.handled(), 0);
}

//
#[test]
fn a_hundred_fields_are_answered() {
    let house = House::start(Limits::default());
    let fields = fields(98);
    let answer = house.exchange(format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n"));
    assert_eq!(answer.status(), 200);
}

//
#[test]
fn a_body_announced_too_large_is_refused_before_it_is_read() {
    let house = House::start(Limits::default());
    let mut stream = house.connect();
    stream.write_all(b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n").unwrap();
    // Not a byte of the body was sent.
    let answer = one(&mut stream);
    assert_eq!(answer.status(), 413, "{}", answer.text());
    assert_eq!(answer.header("connection").as_deref(), Some("close"));
    assert_eq!(house.handled(), 0);
}

//
#[test]
fn the_answer_to_a_body_that_is_too_large_survives_the_body() {
    let house = House::start(Limits::default());
    for length in [65_537, 1_000_000, 20_000_000] {
        let head = format!("POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        let answer = house.exchange([head.as_bytes(), &vec![b'a'; length]].concat());
        assert_eq!(answer.status(), 413, "{length}");
    }
}

//
#[test]
fn a_body_that_grows_too_large_while_it_streams_is_refused() {
    let house = House::start(Limits::default());
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    let head = "POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = house.exchange(format!("{head}{}0\r\n\r\n", chunk.repeat(16)));
    assert_eq!(answer.status(), 200);
    let answer = house.exchange(format!("{head}{}0\r\n\r\n", chunk.repeat(17)));
    assert_eq!(answer.status(), 413);
    let answer = house.exchange(format!("{head}{}0\r\n\r\n", chunk.repeat(500)));
    assert_eq!(answer.status(), 413);
}

#[test]
fn a_body_that_no_handler_reads_does_not_become_the_next_request() {
    let house = House::start(Limits::default());
    let inner = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let request = format!("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{inner}", inner.len());
    let mut stream = house.connect();
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(one(&mut stream).body(), "not read");
    let _ = stream.write_all(b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let after = rest(stream);
    assert!(after.0.is_empty() || after.statuses() == ["404"], "{}", after.text());
}

#[test]
fn requests_in_a_row_are_answered_in_their_order() {
    let house = House::start(Limits::default());
    let form = format!("POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{FORM}", FORM.len());
    let requests = format!(
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n{form}GET /none HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(house.exchange(requests).statuses(), ["200", "200", "404", "200"]);
}

#[test]
fn a_client_that_waits_for_100_gets_it_and_the_answer() {
    let house = House::start(Limits::default());
    let mut stream = house.connect();
    let head =
        "POST /token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(one(&mut stream).status(), 100);
    stream.write_all(b"abc").unwrap();
    let answer = rest(stream);
    assert_eq!((answer.status(), answer.body().as_str()), (200, "abc"));
}
