//! Encryption at rest for private keys: AES-256-GCM under one key that lies outside the database, so that a stolen
//! database, or a backup of it, signs nothing.

use std::fmt::{self, Write as _};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use zeroize::Zeroizing;

/// The first byte of everything sealed, so that a later form can be told from this one.
const VERSION: u8 = 1;

/// The key that seals private keys: 32 random bytes, kept in a file of mode 0600 beside the database.
pub struct SealingKey {
    key: RandomizedNonceKey,
    /// Other keys are made of it, one for each purpose.
    root: Prk,
}

/// Why something sealed could not be opened, or a sealing key not be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealingError {
    /// The key has the wrong length.
    #[error("a sealing key has {} bytes: restore the file that belongs to this database", SealingKey::LENGTH)]
    WrongLength,
    /// The cipher refused: no randomness was to be had.
    #[error("sealing failed: the system gave no randomness")]
    NotSealed,
    /// The key is another one, or the sealed bytes were changed.
    #[error(
        "a private key could not be opened: the sealing key is not the one it was sealed with, or it was changed since"
    )]
    NotOpened,
}

impl SealingKey {
    /// Its length in bytes.
    pub const LENGTH: usize = 32;

    /// Takes a key as it was stored.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealingError> {
        if bytes.len() != Self::LENGTH {
            return Err(SealingError::WrongLength);
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| SealingError::WrongLength)?;
        Ok(Self { key, root: Salt::new(HKDF_SHA256, b"countersign").extract(bytes) })
    }

    /// New key bytes from the system's randomness, to be stored by the caller.
    pub fn generate() -> Result<Zeroizing<[u8; Self::LENGTH]>, SealingError> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        aws_lc_rs::rand::fill(bytes.as_mut()).map_err(|_| SealingError::NotSealed)?;
        Ok(bytes)
    }

    /// Seals `secret` so that it opens only under this key and for the same `context` (here: the `kid`), which keeps a sealed
    /// key from being moved to another row.
    pub fn seal(&self, secret: &[u8], context: &str) -> Result<Vec<u8>, SealingError> {
        let mut text = Zeroizing::new(secret.to_vec());
        let (nonce, tag) = self
            .key
            .seal_in_place_separate_tag(Aad::from(context.as_bytes()), text.as_mut_slice())
            .map_err(|_| SealingError::NotSealed)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + text.len() + tag.as_ref().len());
        sealed.push(VERSION);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// The key for another purpose (HKDF, RFC 5869): the same for as long as this key is, and of no use to find it.
    pub fn derive(&self, purpose: &str) -> Result<Zeroizing<[u8; Self::LENGTH]>, SealingError> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        let info = [purpose.as_bytes()];
        let material = self.root.expand(&info, HKDF_SHA256).map_err(|_| SealingError::NotSealed)?;
        material.fill(bytes.as_mut()).map_err(|_| SealingError::NotSealed)?;
        Ok(bytes)
    }

    /// By what this key is known where it is not kept itself: of no use to find it.
    pub fn fingerprint(&self) -> Result<String, SealingError> {
        const LENGTH: usize = 8;
        let bytes = self.derive("fingerprint")?;
        Ok(bytes.iter().take(LENGTH).fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// Opens what [`SealingKey::seal`] made.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Zeroizing<Vec<u8>>, SealingError> {
        let (version, rest) = sealed.split_first().ok_or(SealingError::NotOpened)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(SealingError::NotOpened)?;
        if *version != VERSION {
            return Err(SealingError::NotOpened);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealingError::NotOpened)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(context.as_bytes()), text.as_mut_slice())
            .map_err(|_| SealingError::NotOpened)?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealingKey {
        SealingKey::from_bytes(SealingKey::generate().unwrap().as_ref()).unwrap()
    }

    //
    #[test]
    fn what_is_sealed_opens_under_the_same_key_and_context_only() {
        let key_one = key();
        let sealed = key_one.seal(b"the private key", "kid-1").unwrap();
        assert!(!sealed.windows(7).any(|w| w == b"private"));
        assert_eq!(key_one.open(&sealed, "kid-1").unwrap().as_slice(), b"the private key");
        assert_eq!(key_one.open(&sealed, "kid-2"), Err(SealingError::NotOpened));
        assert_eq!(key().open(&sealed, "kid-1"), Err(SealingError::NotOpened));
    }

    #[test]
    fn a_changed_or_cut_text_does_not_open() {
        let key = key();
        let sealed = key.seal(b"the private key", "kid").unwrap();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(key.open(&changed, "kid"), Err(SealingError::NotOpened), "byte {position}");
            assert_eq!(key.open(&sealed[..position], "kid"), Err(SealingError::NotOpened), "cut at {position}");
        }
    }

    #[test]
    fn sealing_twice_gives_two_texts() {
        let key = key();
        assert_ne!(key.seal(b"x", "kid").unwrap(), key.seal(b"x", "kid").unwrap());
    }

    #[test]
    fn the_key_for_a_purpose_is_always_the_same_and_another_for_each() {
        let bytes = SealingKey::generate().unwrap();
        let derive = |purpose| SealingKey::from_bytes(bytes.as_ref()).unwrap().derive(purpose).unwrap();
        assert_eq!(derive("one"), derive("one"));
        assert!(derive("one") != derive("two") && *derive("one") != *bytes);
    }

    #[test]
    fn a_fingerprint_is_of_one_key_and_shows_nothing_of_it() {
        let bytes = SealingKey::generate().unwrap();
        let fingerprint = || SealingKey::from_bytes(bytes.as_ref()).unwrap().fingerprint().unwrap();
        assert_eq!((fingerprint(), fingerprint().len()), (fingerprint(), 16));
        assert_ne!(fingerprint(), key().fingerprint().unwrap());
    }

    #[test]
    fn a_debug_print_shows_nothing() {
        assert_eq!(format!("{:?}", key()), "SealingKey(…)");
    }
}
