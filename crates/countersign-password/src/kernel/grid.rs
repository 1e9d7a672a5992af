//! Where the blocks of Argon2id stand and which one is computed from which (RFC 9106 section 3.4): lanes side by
//! side, each cut into four segments, gone over several times.

use crate::kernel::Settings;

/// Segments in a lane.
pub(super) const SLICES: usize = 4;

/// The measures of the grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) passes: usize,
    pub(super) lanes: usize,
    /// Blocks in a segment, at least 2.
    pub(super) segment: usize,
}

/// One segment of one pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) pass: usize,
    pub(super) slice: usize,
    pub(super) lane: usize,
}

impl Grid {
    pub(super) fn new(settings: &Settings) -> Grid {
        let lanes = settings.parallelism as usize;
        Grid { passes: settings.iterations as usize, lanes, segment: settings.memory_kib as usize / (SLICES * lanes) }
    }

    /// Blocks in a lane.
    pub(super) fn lane(&self) -> usize {
        SLICES * self.segment
    }

    /// The first block of a segment.
    pub(super) fn start(&self, at: Segment) -> usize {
        at.lane * self.lane() + at.slice * self.segment
    }

    /// The block before the one that stands at `index` of a segment; the first of a lane comes after its last.
    pub(super) fn previous(&self, at: Segment, index: usize) -> usize {
        let column = at.slice * self.segment + index;
        at.lane * self.lane() + (column + self.lane() - 1) % self.lane()
    }

    /// The block that is mixed into the one at `index` of a segment, chosen by 64 random bits (section 3.4.2).
    pub(super) fn reference(&self, at: Segment, index: usize, random: u64) -> usize {
        let (first_pass, first_slice) = (at.pass == 0, at.slice == 0);
        let lane = if first_pass && first_slice { at.lane } else { (random >> 32) as usize % self.lanes };
        // What may be referred to: the segments that are complete, and of one's own what is there but the predecessor.
        let complete = if first_pass { at.slice } else { SLICES - 1 } * self.segment;
        let area = if lane == at.lane { complete + index - 1 } else { complete - usize::from(index == 0) };
        let oldest = if first_pass { 0 } else { (at.slice + 1) * self.segment };

        let x = random & 0xffff_ffff;
        let back = ((area as u64 * ((x * x) >> 32)) >> 32) as usize;
        lane * self.lane() + (oldest + area - 1 - back) % self.lane()
    }
}
