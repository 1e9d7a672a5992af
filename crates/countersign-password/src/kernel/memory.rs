//! The memory that Argon2 fills: anonymous pages, huge ones where the system has them.
//!
//! It lives for a run of hashes and is wiped after each, since a guess at the password can be checked more cheaply
//! against what a hash leaves behind. At the end of the run the pages go back to the kernel, which clears them before
//! anybody sees them again. Core dumps leave them out.

use argon2::Block;
use memmap2::MmapMut;

use crate::resource::ResourceError;

/// Mappings that are multiples of this get aligned by the kernel and are huge pages to their end.
const HUGE_PAGE: usize = 2 << 20;

/// Blocks, for one hash at a time. None are held before the first.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pages: Option<MmapMut>,
    /// Bytes from the start that may hold what a hash left.
    used: usize,
}

impl Memory {
    /// Holds nothing yet.
    #[cfg(test)]
    pub(crate) fn new() -> Memory {
        Memory::default()
    }

    /// This many blocks, with whatever the hash before left in them.
    pub(crate) fn blocks(&mut self, count: usize) -> Result<&mut [Block], ResourceError> {
        let bytes = count.checked_mul(Block::SIZE).ok_or(ResourceError::Memory)?;
        // Pages that are too few go before the new ones come.
        let pages = match self.pages.take().filter(|pages| pages.len() >= bytes) {
            Some(pages) => pages,
            None => map(bytes)?,
        };
        self.used = self.used.max(bytes);
        as_blocks(self.pages.insert(pages)).get_mut(..count).ok_or(ResourceError::Memory)
    }

    /// Lets go of the pages; the kernel clears them before anybody sees them again.
    pub(crate) fn give_back(&mut self) {
        (self.pages, self.used) = (None, 0);
    }

    /// Overwrites what hashes have left.
    #[cfg(feature = "pool")]
    pub(crate) fn wipe(&mut self) {
        if let Some(used) = self.pages.as_mut().and_then(|pages| pages.get_mut(..self.used)) {
            used.fill(0);
        }
        self.used = 0;
    }

    /// KiB that are held for a hash that asks for this much.
    #[cfg(feature = "pool")]
    pub(crate) fn held_for(memory_kib: u32) -> usize {
        let bytes = (memory_kib as usize).saturating_mul(Block::SIZE);
        rounded(bytes).unwrap_or(usize::MAX).div_ceil(1024)
    }
}

fn rounded(bytes: usize) -> Option<usize> {
    if bytes < HUGE_PAGE { Some(bytes) } else { bytes.checked_next_multiple_of(HUGE_PAGE) }
}

fn map(bytes: usize) -> Result<MmapMut, ResourceError> {
    let bytes = rounded(bytes).ok_or(ResourceError::Memory)?;
    let pages = MmapMut::map_anon(bytes).map_err(|_| ResourceError::Memory)?;
    #[cfg(target_os = "linux")]
    {
        use memmap2::Advice::{DontDump, HugePage, PopulateWrite};
        // A kernel that does not take the advice makes hashing slower or a core dump larger, not wrong.
        for advice in [HugePage, DontDump, PopulateWrite] {
            let _ = pages.advise(advice);
        }
    }
    Ok(pages)
}

const _: () = assert!(size_of::<Block>() == Block::SIZE && size_of::<[u64; 128]>() == Block::SIZE);

#[expect(unsafe_code, reason = "Block is a foreign type: no safe cast to it can exist outside its crate")]
fn as_blocks(bytes: &mut [u8]) -> &mut [Block] {
    // SAFETY: a Block is one array of 128 u64 and nothing else: its `AsMut<[u64]>` lends all of them and the sizes are
    // equal, as asserted above. Every pattern of initialised bytes is one, and writing a Block leaves initialised
    // bytes. `align_to_mut` keeps alignment, bounds and the borrow.
    let (_, blocks, _) = unsafe { bytes.align_to_mut::<Block>() };
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_as_many_as_asked_for_and_are_kept() {
        let mut memory = Memory::new();
        for count in [8, 64, 5000, 64] {
            assert_eq!(memory.blocks(count).unwrap().len(), count);
        }
        memory.blocks(5000).unwrap()[4999].as_mut()[127] = 7;
        assert_eq!(memory.blocks(5000).unwrap()[4999].as_ref()[127], 7);
    }

    #[test]
    fn wiped_blocks_hold_nothing_of_any_hash_before() {
        let mut memory = Memory::new();
        for count in [5000, 64] {
            memory.blocks(count).unwrap().iter_mut().for_each(|block| block.as_mut().fill(7));
        }
        memory.wipe();
        let mut blocks = memory.blocks(5000).unwrap().iter();
        assert!(blocks.all(|block| block.as_ref().iter().all(|word| *word == 0)));
        memory.wipe();
        Memory::new().wipe();
    }

    #[test]
    fn what_is_given_back_is_held_no_longer_and_comes_anew() {
        let mut memory = Memory::new();
        memory.blocks(64).unwrap()[0].as_mut().fill(7);
        memory.give_back();
        assert!(memory.pages.is_none());
        assert_eq!(memory.blocks(64).unwrap()[0].as_ref()[0], 0);
    }

    #[test]
    fn memory_that_no_machine_has_is_an_error() {
        assert_eq!(Memory::new().blocks(usize::MAX).unwrap_err(), ResourceError::Memory);
        assert_eq!(Memory::new().blocks(usize::MAX / 2048).unwrap_err(), ResourceError::Memory);
    }
}
