//! Names each request, so that a caller's report and a log line find each other.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries the name of a request, there and back.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 64;

/// Makes names: a counter behind a keyed hash, so that they neither repeat nor say how many there were.
#[derive(Debug, Default)]
pub(crate) struct RequestIds {
    key: RandomState,
    made: AtomicU64,
}

impl RequestIds {
    /// The name that the caller or its proxy gave, if it is harmless; otherwise a new one.
    pub(crate) fn name(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(X_REQUEST_ID) {
            Some(given) if is_harmless(given.as_bytes()) => given.clone(),
            _ => self.make(),
        }
    }

    fn make(&self) -> HeaderValue {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}", self.key.hash_one(number));
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
    }
}

fn is_harmless(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn name(given: &[u8]) -> HeaderValue {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(given).unwrap());
        RequestIds::default().name(&headers)
    }

    #[test]
    fn a_harmless_id_is_kept() {
        for given in ["a", "0190-ABC_xyz", &"z".repeat(64)] {
            assert_eq!(name(given.as_bytes()), given);
        }
    }

    //
    #[test]
    fn any_other_id_is_replaced() {
        for given in [&b""[..], b"a b", b"a\"b", b"a\tb", b"\xff", b"a.b", "z".repeat(65).as_bytes()] {
            let name = name(given);
            assert_ne!(name.as_bytes(), given);
            assert!(is_harmless(name.as_bytes()));
        }
    }

    #[test]
    fn new_ids_differ() {
        let ids = RequestIds::default();
        let made: HashSet<_> = (0..1000).map(|_| ids.name(&HeaderMap::new())).collect();
        assert_eq!(made.len(), 1000);
    }
}
