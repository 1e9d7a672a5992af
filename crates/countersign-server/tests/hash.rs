//! What becomes of password hashes: reports, upgrades, peppers, breached passwords, calibration.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::Place;

/// bcrypt of `support::PASSWORD`.
const BCRYPT: &str = "$2b$04$CfNNyUmvkEe3kwrPvbc88.jaUDC1hS7OzEJHNp.Rn/.d8mnRVpZ3y";
const DJANGO: &str = "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";
const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn report(place: &Place, more: &[&str]) -> Value {
    place.run(&[&["hash", "report", "--json"], more].concat()).json()
}

/// Asks again until the hashes of the report are as they should be: upgrades follow the answers of logins.
fn await_report(place: &Place, more: &[&str], is_there: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..200 {
        let report = report(place, more);
        if is_there(&report) {
            return report;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("not within ten seconds: {}", report(place, more));
}

#[test]
fn a_report_counts_users_by_hash_and_those_that_were_upgraded() {
    let place = Place::new();
    let line = |name: &str, hash: Option<&str>| json!({ "username": name, "password_hash": hash }).to_string();
    let users = [line("ada", Some(BCRYPT)), line("bob", Some(BCRYPT)), line("eve", Some(DJANGO)), line("zoe", None)];
    place.write("users.jsonl", &users.join("\n"));
    place.run(&["import", "users", "users.jsonl"]).good();
    let kind = |scheme: &str, parameters: &str, is_weaker: bool, users: u64| json!({ "scheme": scheme, "parameters": parameters, "pepper": null, "is_weaker": is_weaker, "pepper_is_missing": false, "users": users });
    let before = report(&place, &[]);
    assert_eq!(
        before["hashes"],
        json!([kind("bcrypt", "cost 4", true, 2), kind("pbkdf2-sha256", "1 rounds", true, 1)])
    );
    assert_eq!((&before["users"], &before["without_password"], &before["upgraded"]), (&json!(4), &json!(1), &json!(0)));

    let server = place.serve(&[]);
    assert_eq!(server.log_in("ada").0, 200);
    let after = await_report(&place, &[], |report| report["upgraded"] == 1);
    assert_eq!(after["upgraded_from"], json!({ "bcrypt": 1 }));
    assert_eq!(after["hashes"][0], kind("argon2id", "m=19456 t=2 p=1", false, 1));
    // A policy that asks for more finds the new hash weak as well.
    let dearer = report(&place, &["--hash-memory-kib", "65536"]);
    assert_eq!(dearer["hashes"][0], kind("argon2id", "m=19456 t=2 p=1", true, 1));

    let text = place.run(&["hash", "report"]).good();
    assert!(text.contains("4 users: 2 with a weaker hash than new ones, replaced at the next login"), "{text}");
    assert!(text.contains("1 upgraded at a login: 1 from bcrypt"), "{text}");
}

#[test]
fn peppers_are_taken_up_rotated_and_given_up_without_a_reset() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let with_peppers = |lines: &str| {
        place.write("peppers", lines);
        place.set_mode("peppers", 0o600);
    };
    let file = ["--pepper-file", "peppers"];
    let log_in = || {
        let server = place.serve(&file);
        assert_eq!(server.log_in("ada").0, 200);
        let peppers = |report: &Value| report["hashes"][0]["pepper"].clone();
        let after = await_report(&place, &file, |report| report["hashes"][0]["is_weaker"] == false);
        server.stop();
        peppers(&after)
    };
    with_peppers(ONE);
    let first = log_in();
    assert!(first.is_string(), "{first}");
    with_peppers(&format!("{TWO}\n{ONE}\n"));
    let second = log_in();
    assert!(second.is_string() && second != first, "{first} {second}");

    // The pepper of the hash is gone: nobody is told that the password is wrong, and the log says what is missing.
    with_peppers(ONE);
    let server = place.serve(&file);
    assert_eq!(server.log_in("ada").0, 503);
    let log = server.stop().stderr;
    assert!(log.contains(&format!("the pepper {} is missing", second.as_str().unwrap())), "{log}");

    let missing = report(&place, &file)["hashes"][0].clone();
    assert_eq!((&missing["pepper_is_missing"], &missing["is_weaker"]), (&json!(true), &json!(false)), "{missing}");
    let text = place.run(&["hash", "report", "--pepper-file", "peppers"]).good();
    assert!(text.contains("1 who cannot log in") && text.contains("pepper missing"), "{text}");
    assert!(text.contains("1 users: 0 with a weaker hash"), "{text}");

    with_peppers(&format!("none\n{TWO}"));
    assert_eq!(log_in(), Value::Null);
}

#[test]
fn a_pepper_that_others_could_read_or_that_another_program_could_not_is_refused() {
    let place = Place::new();
    place.write("peppers", ONE);
    place.set_mode("peppers", 0o644);
    let loose = place.run(&["serve", "--pepper-file", "peppers"]).bad(2);
    assert!(loose.contains("chmod 600"), "{loose}");
    place.set_mode("peppers", 0o600);
    let kept = place.run(&["serve", "--pepper-file", "peppers", "--foreign-hashes", "keep"]).bad(2);
    assert!(kept.contains("another program cannot read hashes with a pepper"), "{kept}");
    let missing = place.run(&["serve", "--pepper-file", "nowhere"]).bad(2);
    assert!(missing.contains("cannot be read"), "{missing}");
}

//
#[test]
fn a_breached_password_is_refused_by_what_the_service_says_of_its_range() {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", service.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (stream, _) = service.accept().unwrap();
        let request = BufReader::new(&stream).lines().next().unwrap().unwrap();
        let range = "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\nAD6438836DBE526AA231ABDE2D0EEF74D42:7\r\n";
        let length = range.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{range}");
        (&stream).write_all(answer.as_bytes()).unwrap();
        request
    });
    let place = Place::new();
    let server = place.serve(&["--breached-passwords", &url]);
    let register = |name: &str| {
        let body = json!({ "username": name, "password": "correct horse battery staple" }).to_string();
        server.ask("POST", "/users", &[("Content-Type", "application/json")], &body)
    };
    let (status, body) = register("ada");
    assert_eq!(status, 422, "{body}");
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["rule"], "password_breached", "{body}");
    assert_eq!(asked.join().unwrap(), "GET /range/ABF7A HTTP/1.1");

    // The service is gone: that keeps nobody out, and the log says so.
    assert_eq!(register("ada").0, 201);
    let log = server.stop().stderr;
    assert!(log.contains("a new password was not looked up") && !log.contains("battery"), "{log}");
}

#[test]
fn a_calibration_proposes_what_was_measured_within_the_time_and_the_memory() {
    let place = Place::new();
    let small =
        ["hash", "calibrate", "--json", "--hash-threads", "1", "--hash-budget-mib", "20", "--milliseconds", "999"];
    let done = place.run(&small);
    assert!(done.stderr.contains("measuring 19456 KiB"), "{}", done.stderr);
    let done = done.json();
    assert_eq!(done["measured"].as_array().unwrap().len(), 1, "{done}");
    assert!(done["measured"][0]["ms"].as_f64().unwrap() > 0.0, "{done}");
    assert_eq!(done["proposed"]["hash_memory_kib"], 19_456);
    assert_eq!(done["proposed"]["hash_budget_mib"], 20);
    assert!(!place.data().exists(), "it measures, and touches no data");

    let hurried = place.run(&["hash", "calibrate", "--hash-threads", "1", "--milliseconds", "1"]);
    assert_eq!(hurried.code, Some(1));
    assert!(hurried.stderr.contains("allow more by --milliseconds"), "{}", hurried.stderr);
}

#[test]
fn what_hashing_costs_is_served_as_metrics_on_a_listener_of_its_own() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let server = place.serve(&["--metrics", "127.0.0.1:0"]);
    assert_eq!(server.log_in("ada").0, 200);
    assert_eq!(server.ask("GET", "/metrics", &[], "").0, 404, "the public listener has none");
    let text = server.metrics();
    for line in [
        "# TYPE countersign_hash_duration_seconds summary",
        "countersign_hash_duration_seconds_count{scheme=\"argon2id\"} 1",
        "countersign_hash_refused_total{reason=\"full\"} 0",
        "countersign_hash_running 0",
        "countersign_hash_waiting 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
}
