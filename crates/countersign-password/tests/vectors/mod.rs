//! Hashes that other programs made, and the passwords they were made of: `stored.jsonl`, which `make.py` makes.

/// A line of `stored.jsonl`.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Vector {
    pub(crate) password: String,
    pub(crate) hash: String,
}

/// All of them.
pub(crate) fn all() -> Vec<Vector> {
    include_str!("stored.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
