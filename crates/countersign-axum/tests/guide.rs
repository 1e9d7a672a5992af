//! Every page of the guide is compiled, is listed in its index, and leads to the next.
#![allow(clippy::expect_used, reason = "in a test these fail the test")]

use std::fs;
use std::path::Path;

/// The names of the pages, in their order.
fn pages() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("the guide").map(|entry| entry.expect("a file").file_name());
    let mut pages: Vec<_> =
        files.map(|name| name.into_string().expect("a name")).filter(|name| name != INDEX).collect();
    pages.sort();
    assert!(pages.len() >= 8, "{pages:?}");
    pages
}

const INDEX: &str = "README.md";

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/guide"))
}

fn read(page: &str) -> String {
    fs::read_to_string(folder().join(page)).expect("a page")
}

#[test]
fn every_page_is_compiled() {
    let modules = include_str!("../src/guide/mod.rs");
    for page in pages().iter().map(String::as_str).chain([INDEX]) {
        assert!(modules.contains(&format!("../../guide/{page}\"")), "{page} is in no module");
        let text = read(page);
        let fences = text.lines().filter(|line| line.starts_with("```rust")).collect::<Vec<_>>();
        assert!(!fences.is_empty(), "{page} shows nothing");
        let compiled = |fence: &&str| matches!(*fence, "```rust" | "```rust,no_run");
        assert!(fences.iter().all(compiled), "{page}: {fences:?}");
    }
}

#[test]
fn the_index_lists_every_page_and_each_leads_to_the_next() {
    let pages = pages();
    let index = read(INDEX);
    for (number, page) in (1..).zip(&pages) {
        assert!(index.contains(&format!("\n[{number}]: {page}\n")), "the index does not name {page}");
        assert!(index.contains(&format!("\n{number}. [")), "the index does not list {page}");
    }
    for (number, (page, next)) in (2..).zip(pages.iter().zip(pages.iter().skip(1))) {
        let text = read(page);
        assert!(text.contains("\nNext: [") && text.contains(&format!("][{number}].\n")), "{page} leads nowhere");
        assert!(text.contains(&format!("\n[{number}]: {next}\n")), "{page} does not lead to {next}");
    }
}
