//! A program that only verifies tokens stays small: the crates below this one, with its default features.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

use std::collections::BTreeSet;
use std::process::Command;

/// Raise it only for a reason that is worth a line in the changelog.
const CEILING: usize = 36;

/// What such a program must never compile.
const FORBIDDEN: [&str; 9] =
    ["argon2", "axum", "bcrypt", "countersign", "countersign-password", "hyper", "rusqlite", "tokio", "utoipa"];

#[test]
fn a_verify_only_program_compiles_few_crates_and_no_server() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", "countersign-axum", "-e", "normal", "--prefix", "none"])
        .args(["--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("UTF-8");
    let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains("countersign-token"), "{crates:?}");
    for name in FORBIDDEN {
        assert!(!crates.contains(name), "{name} is among {crates:?}");
    }
    assert!(crates.len() <= CEILING, "{} crates, more than {CEILING}: {crates:?}", crates.len());
}
