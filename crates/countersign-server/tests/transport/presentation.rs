//! What every answer carries, whoever made it.

use std::io::Write;

use countersign_axum::ErrorStyle;
use countersign_server::transport::{Limits, Presentation};

use crate::house::{House, plain, rest};

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n")
}

// R-156
#[test]
fn answers_and_refusals_carry_the_same_headers() {
    let house = House::start(Limits::default());
    let too_long = get(&format!("/{}", "a".repeat(9000)), "");
    let without_host = "GET / HTTP/1.1\r\n\r\n".to_owned();
    for request in [get("/", ""), get("/none", ""), get("/token", ""), get("/panic", ""), too_long, without_host] {
        let answer = house.exchange(&request);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name).as_deref(), Some(value), "{}", answer.text());
        }
        assert_eq!(answer.header("x-request-id").map(|id| id.len()), Some(16));
        assert_eq!(answer.header("strict-transport-security"), None);
        assert_eq!(answer.header("server"), None);
    }
}

#[test]
fn a_server_reached_over_tls_says_so() {
    let presentation = Presentation { is_https: true, ..plain() };
    let house = House::start_as(Limits::default(), presentation);
    let answer = house.exchange(get("/", ""));
    assert_eq!(answer.header("strict-transport-security").as_deref(), Some("max-age=31536000"));
}

#[test]
fn a_request_keeps_the_id_that_its_proxy_gave() {
    let house = House::start(Limits::default());
    let answer = house.exchange(get("/", "X-Request-Id: abc-123_X\r\n"));
    assert_eq!(answer.header("x-request-id").as_deref(), Some("abc-123_X"));
    let answer = house.exchange(get("/", "X-Request-Id: a b\r\n"));
    assert_ne!(answer.header("x-request-id").as_deref(), Some("a b"));
}

// R-184
#[test]
fn a_panic_is_a_500_and_the_server_goes_on() {
    let house = House::start(Limits::default());
    let requests = "GET /panic HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3) + &get("/", "");
    let answer = house.exchange(requests);
    assert_eq!(answer.statuses(), ["500", "500", "500", "200"]);
    let answer = house.exchange(get("/panic", ""));
    assert_eq!(answer.header("content-type").as_deref(), Some("application/problem+json"));
    let body: serde_json::Value = serde_json::from_str(&answer.body()).unwrap();
    assert_eq!(body["status"], 500);
    // R-179: nothing of the panic comes out.
    assert!(!answer.text().contains("asked for"));
}

#[test]
fn refusals_follow_the_error_style() {
    let presentation = Presentation { error_style: ErrorStyle::FastApi, ..plain() };
    let house = House::start_as(Limits::default(), presentation);
    let answer = house.exchange("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(answer.header("content-type").as_deref(), Some("application/json"));
    assert_eq!(answer.body(), r#"{"detail":"A request names exactly one valid Host."}"#);
}

#[test]
fn head_and_options_and_trace_do_no_harm() {
    let house = House::start(Limits::default());
    for (method, status) in [("HEAD", 405), ("OPTIONS", 405), ("TRACE", 405), ("CONNECT", 405), ("BREW", 405)] {
        let target = if method == "CONNECT" { "x:1" } else { "/token" };
        let answer = house.exchange(format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        let statuses: &[u16] = if method == "CONNECT" { &[400, 404, 405] } else { &[status] };
        assert!(statuses.contains(&answer.status()), "{method}: {}", answer.text());
    }
}

// R-175
#[test]
fn handlers_are_told_the_address_of_the_caller() {
    let house = House::start(Limits::default());
    let mut stream = house.connect();
    let address = stream.local_addr().unwrap().to_string();
    stream.write_all(get("/peer", "X-Forwarded-For: 192.0.2.1\r\n").as_bytes()).unwrap();
    assert_eq!(rest(stream).body(), address);
}

// R-138, S-027
#[test]
fn who_is_behind_a_proxy_is_told_by_a_proxy_that_is_trusted() {
    let house = House::start_as(Limits::default(), Presentation { proxies: "127.0.0.1".parse().unwrap(), ..plain() });
    let told = |fields: &str| house.exchange(get("/peer", fields)).body();
    assert_eq!(told("X-Forwarded-For: 192.0.2.1, 203.0.113.7\r\n"), "203.0.113.7:0");
    assert_eq!(told("Forwarded: for=\"[2001:db8::7]:4711\";proto=https\r\n"), "[2001:db8::7]:0");
    assert_eq!(told("X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 192.0.2.1\r\n"), "192.0.2.1:0");
    for fields in ["", "X-Forwarded-For: unknown\r\n", "Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 192.0.2.1\r\n"] {
        assert!(told(fields).starts_with("127.0.0.1:"), "{fields}");
    }
}
