//! Hostile requests, sent as bytes to the real server: `../shared/attacks/requests.json` beside the project, or the file that
//! `ATTACK_REQUESTS` names, judged by `send.py` beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod support;

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use support::Place;

//
#[test]
fn every_hostile_request_is_answered_as_wanted() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/attacks");
    let cases = env::var_os("ATTACK_REQUESTS").map_or_else(|| folder.join("requests.json"), PathBuf::from);
    let sender = cases.with_file_name("send.py");
    if !sender.exists() {
        assert!(env::var_os("CI").is_none(), "the attack cases are not at {}", cases.display());
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        let notice =
            format!("\n*** NOT RUN: no attack cases at {}; name them in ATTACK_REQUESTS ***\n", cases.display());
        io::stderr().write_all(notice.as_bytes()).unwrap();
        return;
    }
    let place = Place::new();
    place.add_user(&["johndoe"]).good();
    let server = place.serve(&[]);

    let judged = Command::new("python3")
        .arg(sender)
        .args([server.address.ip().to_string(), server.address.port().to_string()])
        .arg("--cases")
        .arg(cases)
        .output()
        .unwrap();

    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
    assert_eq!(server.stop().code, Some(0));
}
