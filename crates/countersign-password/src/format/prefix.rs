//! As much of a password as is hashed where each round takes all of it: somebody who sends a long one to an account with many
//! rounds must not keep a core busy (S-030).

/// The most bytes of a password that are hashed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Longest(usize);

impl Longest {
    /// For this many rounds, each of which digests the password, and this many bytes in all.
    pub(super) fn of(rounds: u64, digested_bytes: u64) -> Longest {
        Longest(usize::try_from(digested_bytes / rounds.max(1)).unwrap_or(usize::MAX))
    }

    /// Whether a password matches, which one that is too long never does. It costs the work of the longest all the same, so
    /// that the time does not tell.
    pub(super) fn matches(self, password: &[u8], compare: impl FnOnce(&[u8]) -> bool) -> bool {
        match password.split_at_checked(self.0) {
            Some((start, rest)) => compare(start) && rest.is_empty(),
            None => compare(password),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // S-030
    #[test]
    fn a_password_that_is_too_long_never_matches_and_is_hashed_as_far_as_is_allowed() {
        let longest = Longest::of(1000, 3999);
        for (password, hashed, matches) in
            [("a", 1, true), ("abc", 3, true), ("abcd", 3, false), ("abcdefgh", 3, false)]
        {
            let mut seen = 0;
            let compare = |bytes: &[u8]| {
                seen = bytes.len();
                true
            };
            assert_eq!(longest.matches(password.as_bytes(), compare), matches, "{password}");
            assert_eq!(seen, hashed, "{password}");
        }
        assert!(!Longest::of(1, 10).matches(b"a", |_| false));
    }
}
