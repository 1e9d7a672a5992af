//! What has become of the tokens that a guard was shown.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often what has happened since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardStats {
    /// Tokens that were verified by their signature.
    pub verified: u64,
    /// Tokens that were verified shortly before, and remembered.
    pub remembered: u64,
    /// Tokens that were refused: malformed, expired, of another issuer or audience, forged.
    pub refused: u64,
    /// Tokens that could not be checked, because the keys of the issuer are not known.
    pub unchecked: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) verified: Count,
    pub(crate) remembered: Count,
    pub(crate) refused: Count,
    pub(crate) unchecked: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counts {
    pub(crate) fn read(&self) -> GuardStats {
        let Self { verified, remembered, refused, unchecked } = self;
        GuardStats {
            verified: verified.read(),
            remembered: remembered.read(),
            refused: refused.read(),
            unchecked: unchecked.read(),
        }
    }
}
