//! Front ends of other origins: what their browsers are told (CORS).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::io::{Read as _, Write as _};

use crate::support::{Place, Server};

const APP: &str = "https://app.example.com";

/// The head of an answer, in small letters.
fn head(server: &Server, request: &str, fields: &[&str]) -> String {
    let mut stream = server.connect();
    let fields = fields.join("\r\n");
    write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase()
}

#[test]
fn pages_of_a_named_origin_may_ask_and_read_and_no_cookie_goes_with_it() {
    let place = Place::new();
    let server = place.serve(&["--allowed-origins", &format!("http://localhost:5173 {APP}")]);
    let origin = format!("Origin: {APP}");
    let asks = "Access-Control-Request-Method: PUT";
    for route in ["/token", "/users/me", "/users/me/password", "/nothing"] {
        let said = head(&server, &format!("OPTIONS {route}"), &[&origin, asks]);
        assert!(said.starts_with("http/1.1 204"), "{said}");
        for field in [
            "access-control-allow-origin: https://app.example.com",
            "access-control-allow-methods: get, post, put, patch, delete",
            "access-control-allow-headers: authorization, content-type",
            "access-control-max-age: 600",
            "vary: origin",
        ] {
            assert!(said.contains(field), "{field}: {said}");
        }
    }
    let said = head(&server, "GET /users/me", &[&origin]);
    assert!(said.starts_with("http/1.1 401") && said.contains("access-control-allow-origin: https://app.example.com"));
    assert!(
        said.contains("access-control-expose-headers: www-authenticate") && said.contains("vary: origin"),
        "{said}"
    );
    for other in [
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "null",
        "*",
    ] {
        let other = format!("Origin: {other}");
        for (request, more) in [("OPTIONS /token", asks), ("GET /users/me", "X-Nothing: x")] {
            let said = head(&server, request, &[&other, more]);
            assert!(!said.contains("access-control-") && said.contains("vary: origin"), "{other}: {said}");
        }
    }
    let without = head(&server, "GET /users/me", &["X-Nothing: x"]);
    assert!(!without.contains("access-control-") && without.contains("vary: origin"), "{without}");
    let said = head(&server, "OPTIONS /token", &[&origin, asks]);
    assert!(!said.contains("credentials"), "{said}");
}

#[test]
fn where_no_origin_is_named_nothing_is_said_of_any() {
    let place = Place::new();
    let server = place.serve(&[]);
    let fields = [format!("Origin: {APP}"), "Access-Control-Request-Method: POST".to_owned()];
    for request in ["OPTIONS /token", "GET /users/me"] {
        let said = head(&server, request, &fields.each_ref().map(String::as_str));
        assert!(!said.contains("access-control-") && !said.contains("vary: origin"), "{said}");
    }
}
