//! The Blake2b around the blocks of Argon2: before them, the first digest and the first two blocks of each lane; after
//! them, the tag (RFC 9106 sections 3.2 and 3.3). For tags of 32 bytes.

use argon2::Block;
use blake2::{Blake2b256, Blake2b512, Digest};
use zeroize::Zeroizing;

use crate::kernel::{Input, Settings};

/// The length of the tag, in bytes.
pub(super) const TAG_BYTES: usize = 32;

/// The digest of everything that goes into a hash: H0.
pub(super) type FirstDigest = Zeroizing<[u8; 64]>;

/// Computes H0, without associated data: no stored form has it.
pub(super) fn first_digest(settings: &Settings, input: Input<'_>) -> FirstDigest {
    let mut hash = Blake2b512::new();
    hash.update(settings.parallelism.to_le_bytes());
    hash.update(length(TAG_BYTES));
    hash.update(settings.memory_kib.to_le_bytes());
    hash.update(settings.iterations.to_le_bytes());
    hash.update(u32::from(settings.version).to_le_bytes());
    hash.update((settings.variant as u32).to_le_bytes());
    for text in [input.password, input.salt, input.secret, b""] {
        hash.update(length(text.len()));
        hash.update(text);
    }
    Zeroizing::new(hash.finalize().into())
}

/// Fills one of the first two blocks of a lane: H' of H0, the column and the lane, with a length of a block.
pub(super) fn first_block(digest: &FirstDigest, lane: u32, column: u32, block: &mut Block) {
    let mut hash = Blake2b512::new_with_prefix(length(Block::SIZE));
    hash.update(digest.as_slice());
    hash.update(column.to_le_bytes());
    hash.update(lane.to_le_bytes());
    let mut link = FirstDigest::new(hash.finalize().into());
    // Every link of the chain gives its first four words, the last one all eight.
    let words = block.as_mut();
    let (halves, whole) = words.split_at_mut(words.len() - 8);
    for half in halves.as_chunks_mut::<4>().0 {
        load(half, &link);
        *link = Blake2b512::digest(link.as_slice()).into();
    }
    load(whole, &link);
}

/// The tag: H' of the XOR of the last blocks of all lanes.
pub(super) fn tag(last: &Block) -> [u8; TAG_BYTES] {
    let mut hash = Blake2b256::new_with_prefix(length(TAG_BYTES));
    for word in last.as_ref() {
        hash.update(word.to_le_bytes());
    }
    hash.finalize().into()
}

fn load(words: &mut [u64], bytes: &[u8; 64]) {
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
}

/// LE32 of a length. Passwords, salts and keys are far below 4 GiB.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}
