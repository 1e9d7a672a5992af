//! Hashes that other programs made, and the passwords they were made of.
//!
//! | file | of |
//! |---|---|
//! | `stored.jsonl` | made by programs in Python, or as their source says: `make.py` makes it |
//! | `wordpress.jsonl` | made by `WordPress` itself: `wordpress.php` makes it |
//! | `passlib.jsonl` | the known pairs in the tests of passlib, but for what is not taken here: control characters, more than 72 bytes for bcrypt |
//! | `published.jsonl` | published elsewhere; each line names where |

/// A line of these files.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Vector {
    pub(crate) password: String,
    pub(crate) hash: String,
}

/// All of them.
pub(crate) fn all() -> Vec<Vector> {
    let files = [
        include_str!("stored.jsonl"),
        include_str!("wordpress.jsonl"),
        include_str!("passlib.jsonl"),
        include_str!("published.jsonl"),
    ];
    files.into_iter().flat_map(str::lines).map(|line| serde_json::from_str(line).unwrap()).collect()
}
