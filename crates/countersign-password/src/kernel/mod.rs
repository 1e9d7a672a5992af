//! Computes Argon2 tags. The crate argon2 does it for every variant, version and CPU; what nearly every hash is
//! (Argon2id, version 19, a tag of 32 bytes) goes through an AVX2 kernel where the CPU has one.

mod memory;
mod workspace;
#[cfg(target_arch = "x86_64")]
mod prehash;
#[cfg(target_arch = "x86_64")]
mod grid;
#[cfg(target_arch = "x86_64")]
mod avx2;

use argon2::{Algorithm, Argon2, Block, Params, Version};

pub(crate) use crate::kernel::memory::Memory;
pub(crate) use crate::kernel::workspace::Workspace;
use crate::policy::Argon2Params;
use crate::resource::ResourceError;

/// What computes Argon2id. The hashes are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kernel {
    /// The fastest that the CPU has: with AVX2 where it can.
    #[default]
    Auto,
    /// What runs on every CPU, about half as fast: a way out, should the other one ever be at fault.
    Portable,
}

/// What is hashed.
#[derive(Clone, Copy)]
pub(crate) struct Input<'i> {
    pub(crate) password: &'i [u8],
    pub(crate) salt: &'i [u8],
    /// The key of a pepper, or nothing.
    pub(crate) secret: &'i [u8],
}

/// Everything of an Argon2 hash but what is hashed, and the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) variant: Algorithm,
    pub(crate) version: Version,
    pub(crate) memory_kib: u32,
    pub(crate) iterations: u32,
    pub(crate) parallelism: u32,
}

impl Settings {
    /// What new hashes are made with.
    pub(crate) fn for_new_hashes(params: Argon2Params) -> Settings {
        Settings {
            variant: Algorithm::Argon2id,
            version: Version::V0x13,
            memory_kib: params.memory_kib(),
            iterations: params.iterations(),
            parallelism: params.parallelism(),
        }
    }

    /// Whether the numbers are within the bounds of RFC 9106 section 3.1.
    pub(crate) fn are_possible(&self) -> bool {
        self.params(32).is_some()
    }

    /// Computes the tag, as long as `tag` is, in this workspace.
    pub(crate) fn compute(
        &self,
        input: Input<'_>,
        workspace: &mut Workspace,
        tag: &mut [u8],
    ) -> Result<(), ResourceError> {
        // Settings are checked where they are read, so only the memory can be missing from here on.
        let params = self.params(tag.len()).ok_or(ResourceError::Memory)?;
        let blocks = workspace.memory.blocks(params.block_count())?;
        if let Some(computed) = self.compute_fast(workspace.kernel, input, blocks, tag.len()) {
            tag.copy_from_slice(&computed);
            return Ok(());
        }
        Argon2::new_with_secret(input.secret, self.variant, self.version, params)
            .and_then(|argon2| argon2.hash_password_into_with_memory(input.password, input.salt, tag, blocks))
            .map_err(|_| ResourceError::Memory)
    }

    /// The tag, if there is a kernel for it that is faster than the crate argon2.
    #[cfg(target_arch = "x86_64")]
    fn compute_fast(
        &self,
        kernel: Kernel,
        input: Input<'_>,
        blocks: &mut [Block],
        tag_bytes: usize,
    ) -> Option<[u8; prehash::TAG_BYTES]> {
        let is_usual =
            (self.variant, self.version, tag_bytes) == (Algorithm::Argon2id, Version::V0x13, prehash::TAG_BYTES);
        if kernel == Kernel::Portable || !is_usual {
            return None;
        }
        avx2::tag(&prehash::first_digest(self, input), self, blocks)
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn compute_fast(&self, _: Kernel, _: Input<'_>, _: &mut [Block], _: usize) -> Option<[u8; 32]> {
        None
    }

    fn params(&self, tag_bytes: usize) -> Option<Params> {
        Params::new(self.memory_kib, self.iterations, self.parallelism, Some(tag_bytes)).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    /// What the crate argon2 computes.
    fn oracle(settings: &Settings, input: Input<'_>, tag_bytes: usize) -> Vec<u8> {
        let params = settings.params(tag_bytes).unwrap();
        let mut blocks = vec![argon2::Block::new(); params.block_count()];
        let mut tag = vec![0; tag_bytes];
        let argon2 = Argon2::new_with_secret(input.secret, settings.variant, settings.version, params).unwrap();
        argon2.hash_password_into_with_memory(input.password, input.salt, &mut tag, &mut blocks).unwrap();
        tag
    }

    fn settings() -> impl Strategy<Value = Settings> {
        let variant =
            prop_oneof![6 => Just(Algorithm::Argon2id), 1 => Just(Algorithm::Argon2i), 1 => Just(Algorithm::Argon2d)];
        let version = prop_oneof![6 => Just(Version::V0x13), 1 => Just(Version::V0x10)];
        (variant, version, 1u32..=8, 1u32..=4, 0u32..2500).prop_map(|(variant, version, lanes, iterations, more)| {
            Settings { variant, version, memory_kib: 8 * lanes + more, iterations, parallelism: lanes }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn every_tag_is_the_one_that_the_crate_argon2_computes(
            settings in settings(),
            kernel in prop_oneof![4 => Just(Kernel::Auto), 1 => Just(Kernel::Portable)],
            password in proptest::collection::vec(any::<u8>(), 0..200),
            salt in proptest::collection::vec(any::<u8>(), 8..64),
            secret in prop_oneof![Just(Vec::new()), proptest::collection::vec(any::<u8>(), 1..100)],
            tag_bytes in prop_oneof![4 => Just(32usize), 1 => 4usize..80],
        ) {
            // Memory that an earlier hash has left full.
            let mut workspace = Workspace::new(kernel, &Arc::default());
            for block in workspace.memory.blocks(3000).unwrap() {
                block.as_mut().fill(0xdead_beef);
            }
            let mut tag = vec![0; tag_bytes];
            let input = Input { password: &password, salt: &salt, secret: &secret };
            settings.compute(input, &mut workspace, &mut tag).unwrap();
            prop_assert_eq!(tag, oracle(&settings, input, tag_bytes));
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_avx2_kernel_runs_unless_it_is_turned_off() {
        let settings = Settings::for_new_hashes(Argon2Params::for_tests());
        let runs = |kernel| {
            let (mut memory, input) = (Memory::new(), Input { password: b"secret", salt: &[0; 16], secret: &[] });
            settings.compute_fast(kernel, input, memory.blocks(64).unwrap(), 32).is_some()
        };
        assert_eq!(runs(Kernel::Auto), is_x86_feature_detected!("avx2"));
        assert!(!runs(Kernel::Portable));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_kernel_computes_the_argon2id_vector_of_rfc_9106() {
        // Section 5.3. Its secret and associated data end in the first digest, which the RFC gives.
        let digest = [
            0x28, 0x89, 0xde, 0x48, 0x7e, 0xb4, 0x2a, 0xe5, 0x00, 0xc0, 0x00, 0x7e, 0xd9, 0x25, 0x2f, 0x10, 0x69, 0xea,
            0xde, 0xc4, 0x0d, 0x57, 0x65, 0xb4, 0x85, 0xde, 0x6d, 0xc2, 0x43, 0x7a, 0x67, 0xb8, 0x54, 0x6a, 0x2f, 0x0a,
            0xcc, 0x1a, 0x08, 0x82, 0xdb, 0x8f, 0xcf, 0x74, 0x71, 0x4b, 0x47, 0x2e, 0x94, 0xdf, 0x42, 0x1a, 0x5d, 0xa1,
            0x11, 0x2f, 0xfa, 0x11, 0x43, 0x43, 0x70, 0xa1, 0xe9, 0x97,
        ];
        let tag = [
            0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0, 0x1e,
            0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
        ];
        let settings = Settings {
            variant: Algorithm::Argon2id,
            version: Version::V0x13,
            memory_kib: 32,
            iterations: 3,
            parallelism: 4,
        };
        let mut memory = Memory::new();
        match avx2::tag(&digest.into(), &settings, memory.blocks(32).unwrap()) {
            Some(computed) => assert_eq!(computed, tag),
            None => eprintln!("NOT TESTED: this CPU has no AVX2, so the kernel cannot run"),
        }
    }
}
