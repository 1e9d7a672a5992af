//! The common passwords, inside the binary: the first bytes of the SHA-256 of each, sorted. `script/common-passwords` makes them.

use aws_lc_rs::digest::{SHA256, digest};

static DIGESTS: &[u8] = include_bytes!("common.bin");

/// Bytes of each digest: of a million passwords that are not in the list, none is taken for one that is.
const DIGEST_BYTES: usize = 5;

/// Whether a password in lower case is a common one.
pub(super) fn contains(folded: &str) -> bool {
    let digest = digest(&SHA256, folded.as_bytes());
    let (digests, _) = DIGESTS.as_chunks::<DIGEST_BYTES>();
    digest.as_ref().first_chunk().is_some_and(|first| digests.binary_search(first).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    //
    #[test]
    fn the_list_is_sorted_and_long() {
        let (digests, rest) = DIGESTS.as_chunks::<DIGEST_BYTES>();
        assert!(digests.len() >= 30_000 && rest.is_empty());
        assert!(digests.is_sorted());
    }

    #[test]
    fn common_passwords_are_in_it_and_others_are_not() {
        for common in ["123456", "password", "qwerty", "dragon", "letmein"] {
            assert!(contains(common), "{common}");
        }
        for number in 0..10_000 {
            assert!(!contains(&format!("a password that nobody has, {number}")));
        }
    }
}
