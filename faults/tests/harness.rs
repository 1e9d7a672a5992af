//! The harness as a program. That it is a test program of its own has `cargo test` build the harness and the server as everything else
//! is built, so that `script/faults` builds nothing twice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

fn faults(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_faults")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_fault_that_is_promised_is_on_the_list() {
    let (is_good, list, _) = faults(&["--list"]);
    assert!(is_good);
    let listed: BTreeSet<_> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    // F-22 is the suite that both engines run.
    for number in 1..=21 {
        let number = format!("F-{number:02}");
        assert!(listed.contains(number.as_str()), "{number} is missing of {listed:?}");
    }
}

#[test]
fn a_run_of_no_fault_is_no_success() {
    let (is_good, _, said) = faults(&["--only", "F-99", "--binary", env!("CARGO_BIN_EXE_faults")]);
    assert!(!is_good, "{said}");
    let (is_good, _, said) = faults(&["--nonsense"]);
    assert!(!is_good && said.contains("usage: faults"), "{said}");
}
