//! The program `countersign`.

#![forbid(unsafe_code)]

fn main() {}
