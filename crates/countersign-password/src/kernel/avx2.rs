//! Fills the blocks of Argon2id version 19 with AVX2 (RFC 9106 sections 3.2 to 3.6). `benches/hash.rs` says what that
//! is worth against the crate argon2, whose code the compiler vectorises.
//!
//! A block is 32 vectors of four words. The state of the compression stays where it is from block to block: what was
//! written last is the next block's predecessor.
#![expect(clippy::indexing_slicing, reason = "the grid gives indices within the blocks; all others are below 32")]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_alignr_epi8, _mm256_extract_epi64, _mm256_mul_epu32, _mm256_permute4x64_epi64,
    _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_shuffle_epi32, _mm256_srli_epi64,
    _mm256_xor_si256,
};

use argon2::Block;

use crate::kernel::Settings;
use crate::kernel::grid::{Grid, SLICES, Segment};
use crate::kernel::prehash::{self, FirstDigest, TAG_BYTES};

/// The words of a block.
type Words = [__m256i; 32];

/// Two vectors that go through the same steps side by side: the steps of one fill the gaps of the other.
type Pair = [__m256i; 2];

/// Blocks after which whoever waits for the core gets it: well below a millisecond. The time slices of the system are longer, and in a
/// storm of logins everybody who asks for something small would wait for the end of one.
const BLOCKS_AT_A_TIME: usize = 256;

/// Fills as many blocks as possible settings ask for and computes the tag, or answers `None` on a CPU without AVX2.
pub(super) fn tag(digest: &FirstDigest, settings: &Settings, blocks: &mut [Block]) -> Option<[u8; TAG_BYTES]> {
    if !is_x86_feature_detected!("avx2") {
        return None;
    }
    let grid = Grid::new(settings);
    for (lane, blocks) in (0..).zip(blocks.chunks_exact_mut(grid.lane())) {
        for (column, block) in (0..2).zip(blocks) {
            prehash::first_block(digest, lane, column, block);
        }
    }
    #[expect(unsafe_code, reason = "the compiler cannot know what the CPU has")]
    // SAFETY: AVX2 was found above; nothing else is asked of the caller.
    unsafe {
        fill(blocks, &grid);
    }
    let mut last = Block::new();
    for lane in blocks.chunks_exact(grid.lane()) {
        for (sum, word) in last.as_mut().iter_mut().zip(lane[grid.lane() - 1].as_ref()) {
            *sum ^= word;
        }
    }
    Some(prehash::tag(&last))
}

#[target_feature(enable = "avx2")]
fn fill(blocks: &mut [Block], grid: &Grid) {
    for pass in 0..grid.passes {
        for slice in 0..SLICES {
            for lane in 0..grid.lanes {
                fill_segment(blocks, grid, Segment { pass, slice, lane });
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn fill_segment(blocks: &mut [Block], grid: &Grid, at: Segment) {
    let first = if at.pass == 0 && at.slice == 0 { 2 } else { 0 };
    let mut addresses = (at.pass == 0 && at.slice < SLICES / 2).then(|| Addresses::new(grid, at));
    let mut state = *words(&blocks[grid.previous(at, first)]);
    for index in first..grid.segment {
        let random = match &mut addresses {
            Some(addresses) => addresses.at(index),
            None => _mm256_extract_epi64::<0>(state[0]).cast_unsigned(),
        };
        compress(&mut state, words(&blocks[grid.reference(at, index, random)]));
        let block = words_mut(&mut blocks[grid.start(at) + index]);
        if at.pass > 0 {
            xor(&mut state, block);
        }
        *block = state;
        if index % BLOCKS_AT_A_TIME == BLOCKS_AT_A_TIME - 1 {
            std::thread::yield_now();
        }
    }
}

/// The random bits of a segment that does not take them from its blocks (section 3.4.1.2).
struct Addresses {
    input: Block,
    current: Block,
}

impl Addresses {
    fn new(grid: &Grid, at: Segment) -> Addresses {
        let blocks = grid.lanes * grid.lane();
        let mut input = Block::new();
        let variant = argon2::Algorithm::Argon2id as usize;
        for (word, number) in input.as_mut().iter_mut().zip([at.pass, at.lane, at.slice, blocks, grid.passes, variant])
        {
            *word = number as u64;
        }
        Addresses { input, current: Block::new() }
    }

    /// The bits for the block at `index`; one block of addresses serves 128 of them.
    #[target_feature(enable = "avx2")]
    fn at(&mut self, index: usize) -> u64 {
        let counter = (index / 128 + 1) as u64;
        if self.input.as_ref()[6] != counter {
            self.input.as_mut()[6] = counter;
            let zero = [_mm256_setzero_si256(); 32];
            let mut state = *words(&self.input);
            compress(&mut state, &zero);
            compress(&mut state, &zero);
            *words_mut(&mut self.current) = state;
        }
        self.current.as_ref()[index % 128]
    }
}

/// The compression function G (section 3.5): `state` becomes G of itself and `other`.
#[target_feature(enable = "avx2")]
#[inline]
fn compress(state: &mut Words, other: &Words) {
    xor(state, other);
    let before = *state;
    permute_rows(state);
    permute_columns(state);
    xor(state, &before);
}

/// The permutation P on each row: four vectors hold the four rows of its matrix.
#[target_feature(enable = "avx2")]
#[inline]
fn permute_rows(state: &mut Words) {
    for two_rows in state.as_chunks_mut::<8>().0 {
        let [a0, b0, c0, d0, a1, b1, c1, d1] = *two_rows;
        let (mut a, mut b, mut c, mut d) = ([a0, a1], [b0, b1], [c0, c1], [d0, d1]);
        mix(&mut a, &mut b, &mut c, &mut d);
        // From columns to diagonals.
        (b, c, d) = (turned::<BY_1>(b), turned::<BY_2>(c), turned::<BY_3>(d));
        mix(&mut a, &mut b, &mut c, &mut d);
        // And back.
        (b, c, d) = (turned::<BY_3>(b), turned::<BY_2>(c), turned::<BY_1>(d));
        *two_rows = [a[0], b[0], c[0], d[0], a[1], b[1], c[1], d[1]];
    }
}

const BY_1: i32 = 0b00_11_10_01;
const BY_2: i32 = 0b01_00_11_10;
const BY_3: i32 = 0b10_01_00_11;

/// The words of each vector, turned by one, two or three places.
#[target_feature(enable = "avx2")]
#[inline]
fn turned<const PLACES: i32>(pair: Pair) -> Pair {
    [_mm256_permute4x64_epi64::<PLACES>(pair[0]), _mm256_permute4x64_epi64::<PLACES>(pair[1])]
}

/// The permutation P on each column, two columns at a time: a vector holds two words of each, so a row of P's matrix
/// is a pair of vectors.
#[target_feature(enable = "avx2")]
#[inline]
fn permute_columns(state: &mut Words) {
    for i in 0..4 {
        let (mut a, mut b) = ([state[i], state[i + 4]], [state[i + 8], state[i + 12]]);
        let (mut c, mut d) = ([state[i + 16], state[i + 20]], [state[i + 24], state[i + 28]]);
        mix(&mut a, &mut b, &mut c, &mut d);
        // From columns to diagonals.
        (b, c, d) = (crossed(b[0], b[1]), [c[1], c[0]], crossed(d[1], d[0]));
        mix(&mut a, &mut b, &mut c, &mut d);
        // And back.
        (b, c, d) = (crossed(b[1], b[0]), [c[1], c[0]], crossed(d[0], d[1]));
        for (row, pair) in [(0, a), (8, b), (16, c), (24, d)] {
            state[row + i] = pair[0];
            state[row + i + 4] = pair[1];
        }
    }
}

/// In each half: the upper word of `first` and the lower word of `second`; then the other way round.
#[target_feature(enable = "avx2")]
#[inline]
fn crossed(first: __m256i, second: __m256i) -> Pair {
    [_mm256_alignr_epi8::<8>(second, first), _mm256_alignr_epi8::<8>(first, second)]
}

/// GB of section 3.6 on eight columns at once.
#[target_feature(enable = "avx2")]
#[inline]
fn mix(a: &mut Pair, b: &mut Pair, c: &mut Pair, d: &mut Pair) {
    for i in 0..2 {
        a[i] = add(a[i], b[i]);
        d[i] = _mm256_shuffle_epi32::<0b10_11_00_01>(_mm256_xor_si256(d[i], a[i])); // rotated by 32
        c[i] = add(c[i], d[i]);
        b[i] = rotate_24(_mm256_xor_si256(b[i], c[i]));
        a[i] = add(a[i], b[i]);
        d[i] = rotate_16(_mm256_xor_si256(d[i], a[i]));
        c[i] = add(c[i], d[i]);
        b[i] = rotate_63(_mm256_xor_si256(b[i], c[i]));
    }
}

/// a + b + 2 × (lower half of a) × (lower half of b).
#[target_feature(enable = "avx2")]
#[inline]
fn add(a: __m256i, b: __m256i) -> __m256i {
    let product = _mm256_mul_epu32(a, b);
    _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(product, product))
}

#[target_feature(enable = "avx2")]
#[inline]
#[rustfmt::skip]
fn rotate_24(words: __m256i) -> __m256i {
    _mm256_shuffle_epi8(words, _mm256_setr_epi8(
        3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10,
        3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10,
    ))
}

#[target_feature(enable = "avx2")]
#[inline]
#[rustfmt::skip]
fn rotate_16(words: __m256i) -> __m256i {
    _mm256_shuffle_epi8(words, _mm256_setr_epi8(
        2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9,
        2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9,
    ))
}

#[target_feature(enable = "avx2")]
#[inline]
fn rotate_63(words: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_srli_epi64::<63>(words), _mm256_add_epi64(words, words))
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor(state: &mut Words, other: &Words) {
    for (word, other) in state.iter_mut().zip(other) {
        *word = _mm256_xor_si256(*word, *other);
    }
}

fn words(block: &Block) -> &Words {
    &bytemuck::cast_slice::<u64, Words>(block.as_ref())[0]
}

fn words_mut(block: &mut Block) -> &mut Words {
    &mut bytemuck::cast_slice_mut::<u64, Words>(block.as_mut())[0]
}
