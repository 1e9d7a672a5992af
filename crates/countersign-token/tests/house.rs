//! What this crate promises about itself: no I/O, no clock, no threads (`ARCHITECTURE.md`).

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::Path;

#[test]
fn the_crate_does_no_io_and_reads_no_clock() {
    // what cannot open a connection cannot be made to.
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&path).unwrap();
            for foreign in
                ["std::fs", "std::io", "std::net", "std::env", "std::process", "std::time", "std::thread", "tokio"]
            {
                assert!(!text.contains(foreign), "{}: {foreign}", path.display());
            }
        }
    }
    assert!(files > 10);
}
