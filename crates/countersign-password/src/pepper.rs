//! Peppers: secret keys that go into hashes and are kept where the table of users is not, so that whoever has the table alone
//! cannot try passwords. RFC 9106 section 3.1 calls such a key the secret value K.
//!
//! A hash names its pepper, as PHC strings do, by `keyid`. Peppers are rotated without a reset: those of old verify, and at
//! the next good login a hash of an earlier one, or of none, is replaced.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A secret key that goes into hashes. `Debug` shows the id alone, and the key is wiped when dropped.
#[derive(Clone)]
pub struct Pepper {
    id: PepperId,
    key: Zeroizing<[u8; Pepper::BYTES]>,
}

/// The name of a pepper: made of the key, so that no two keys have one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PepperId([u8; PepperId::BYTES]);

/// The pepper of new hashes, and those of hashes that were made before.
#[derive(Debug, Clone, Default)]
pub struct Peppers {
    current: Option<Pepper>,
    earlier: Vec<Pepper>,
}

impl Pepper {
    /// The length of a key.
    pub const BYTES: usize = 32;

    /// A pepper of this key, which must be random.
    pub fn new(key: [u8; Pepper::BYTES]) -> Pepper {
        // Six bytes of a digest tell nothing of a random key.
        let digest: [u8; 32] = Sha256::new().chain_update(b"countersign pepper").chain_update(key).finalize().into();
        let id = PepperId(digest.first_chunk().copied().unwrap_or_default());
        Pepper { id, key: Zeroizing::new(key) }
    }

    /// Its name.
    pub fn id(&self) -> PepperId {
        self.id
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.key.as_slice()
    }
}

impl PepperId {
    const BYTES: usize = 6;

    /// The id that a hash names.
    pub(crate) fn read(text: &str) -> Option<PepperId> {
        Some(PepperId(STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }
}

impl Peppers {
    /// New hashes are made with `current`, or without a pepper; those of `earlier` ones are verified and outdated.
    pub fn new(current: Option<Pepper>, earlier: Vec<Pepper>) -> Peppers {
        Peppers { current, earlier }
    }

    /// The name of the pepper of new hashes.
    pub fn current(&self) -> Option<PepperId> {
        self.current.as_ref().map(Pepper::id)
    }

    /// The pepper of this name.
    pub fn find(&self, id: PepperId) -> Option<&Pepper> {
        self.current.iter().chain(&self.earlier).find(|pepper| pepper.id == id)
    }
}

/// As hashes name it: base64 of six bytes.
impl fmt::Display for PepperId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pepper_is_found_by_the_name_that_its_key_makes_and_never_shown() {
        let [old, new] = [Pepper::new([1; 32]), Pepper::new([2; 32])];
        let peppers = Peppers::new(Some(new.clone()), vec![old.clone()]);
        assert_eq!(peppers.current(), Some(new.id()));
        assert_eq!(PepperId::read(&old.id().to_string()), Some(old.id()));
        assert_eq!(peppers.find(old.id()).map(Pepper::key), Some([1; 32].as_slice()));
        assert!(peppers.find(Pepper::new([3; 32]).id()).is_none());
        assert_eq!(format!("{old:?}"), format!("Pepper({})", old.id()));
        for text in ["", "AAAAAAA", "AAAAAAAAAA", "AAAAAAA=", "!"] {
            assert_eq!(PepperId::read(text), None, "{text}");
        }
    }
}
