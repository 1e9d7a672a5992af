//! What new hashes cost at least, and what a stored hash may cost at most.

/// The cost of an Argon2id hash: at least the floor of R-120, at most the default [`Ceilings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Params {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

/// Why parameters are refused for new hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// Cheaper than every choice of R-120.
    #[error("these Argon2 parameters are too weak: use at least m=19456 t=2, m=47104 t=1, or m=12288 t=3")]
    TooWeak,
    /// Dearer than a stored hash may be.
    #[error("these Argon2 parameters are too expensive: m is at most {} KiB, m times t at most {} KiB",
        Ceilings::DEFAULT.argon2_memory_kib, Ceilings::DEFAULT.argon2_work_kib)]
    TooExpensive,
    /// The number of lanes is out of range.
    #[error("the parallelism of Argon2 must be 1 to {}", Argon2Params::MAX_PARALLELISM)]
    Parallelism,
}

impl Argon2Params {
    /// The first choice of the OWASP cheat sheet: 19 MiB, 2 iterations, 1 lane.
    pub const OWASP: Argon2Params = Argon2Params { memory_kib: 19_456, iterations: 2, parallelism: 1 };
    /// The second choice of RFC 9106 section 4: 64 MiB, 3 iterations, 4 lanes.
    pub const HIGH: Argon2Params = Argon2Params { memory_kib: 65_536, iterations: 3, parallelism: 4 };
    /// The most lanes of a new hash.
    pub const MAX_PARALLELISM: u32 = 64;

    /// Pairs of KiB and iterations; parameters are strong enough when they reach both numbers of one pair.
    const FLOORS: [(u32, u32); 3] = [(19_456, 2), (47_104, 1), (12_288, 3)];

    /// Parameters of one's own: KiB of memory, passes over it, lanes.
    pub fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Argon2Params, ParamsError> {
        let params = Argon2Params { memory_kib, iterations, parallelism };
        if !(1..=Self::MAX_PARALLELISM).contains(&parallelism) {
            return Err(ParamsError::Parallelism);
        }
        if !params.meets_floor() {
            return Err(ParamsError::TooWeak);
        }
        let most = Ceilings::DEFAULT;
        if memory_kib > most.argon2_memory_kib || work_kib(memory_kib, iterations) > most.argon2_work_kib {
            return Err(ParamsError::TooExpensive);
        }
        Ok(params)
    }

    /// 64 KiB, 1 iteration, 1 lane: protects nothing. For tests that hash often; a server refuses it unless it is
    /// asked for by name.
    pub const fn for_tests() -> Argon2Params {
        Argon2Params { memory_kib: 64, iterations: 1, parallelism: 1 }
    }

    /// Whether the parameters are fit for real passwords: true but for [`Argon2Params::for_tests`].
    pub fn meets_floor(&self) -> bool {
        Self::FLOORS
            .iter()
            .any(|&(memory_kib, iterations)| self.memory_kib >= memory_kib && self.iterations >= iterations)
    }

    /// KiB of memory that a hash fills.
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// How often a hash goes over its memory.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Lanes. One thread computes them all: more lanes do not make a hash faster here.
    pub fn parallelism(&self) -> u32 {
        self.parallelism
    }
}

impl Default for Argon2Params {
    /// [`Argon2Params::OWASP`].
    fn default() -> Argon2Params {
        Argon2Params::OWASP
    }
}

/// What new hashes are, and with that, which stored ones are outdated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The cost of new hashes, which are Argon2id.
    pub argon2: Argon2Params,
    /// Whether hashes that other programs made are outdated. `false` keeps them as they are, while another program still
    /// reads the table; hashes of Argon2id are replaced all the same when they are too cheap.
    pub replaces_foreign: bool,
}

impl Default for Policy {
    /// [`Argon2Params::OWASP`], and foreign hashes are replaced.
    fn default() -> Policy {
        Policy::new(Argon2Params::default())
    }
}

impl Policy {
    /// New hashes are Argon2id of this cost, and foreign ones are replaced.
    pub const fn new(argon2: Argon2Params) -> Policy {
        Policy { argon2, replaces_foreign: true }
    }

    /// The same, but foreign hashes stay as they are.
    #[must_use]
    pub const fn keep_foreign(self) -> Policy {
        Policy { replaces_foreign: false, ..self }
    }
}

/// The most that verifying a stored hash may cost. A dearer one is refused when it is read, so that no row of a table
/// stops the server (S-030).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ceilings {
    /// KiB of memory that an Argon2 hash fills.
    pub argon2_memory_kib: u32,
    /// KiB that an Argon2 hash writes in all: memory times iterations.
    pub argon2_work_kib: u64,
    /// The cost of bcrypt: the binary logarithm of its rounds. One less for `WordPress`, whose hashes are verified in two ways.
    pub bcrypt_cost: u32,
    /// Rounds of PBKDF2 with SHA-1, SHA-224 or SHA-256, times the digests that the tag is long.
    pub pbkdf2_rounds: u32,
    /// The same with SHA-384 or SHA-512.
    pub pbkdf2_sha512_rounds: u32,
    /// KiB of memory that a scrypt hash fills.
    pub scrypt_memory_kib: u32,
    /// KiB that a scrypt hash fills in all: memory times p.
    pub scrypt_work_kib: u64,
    /// Rounds of SHA-crypt.
    pub sha_crypt_rounds: u32,
    /// The binary logarithm of the rounds of phpass and Drupal.
    pub phpass_log_rounds: u32,
    /// Bytes that SHA-crypt, phpass and Drupal digest, which take the whole password in each round: the rounds times the length
    /// of the password. A longer password than that allows matches no such hash.
    pub digested_bytes: u64,
}

impl Ceilings {
    /// 256 MiB and 2 GiB for Argon2, cost 15 for bcrypt, 10 million rounds for PBKDF2 (3 million with SHA-384 and SHA-512), 256 MiB and 1 GiB
    /// for scrypt, 2 million rounds for SHA-crypt, 2 to the 21 for phpass, 256 MiB of passwords (128 bytes at the most rounds):
    /// each about one to three seconds of a core of 2026, and several times what programs ask for by default.
    pub const DEFAULT: Ceilings = Ceilings {
        argon2_memory_kib: 256 << 10,
        argon2_work_kib: 2 << 20,
        bcrypt_cost: 15,
        pbkdf2_rounds: 10_000_000,
        pbkdf2_sha512_rounds: 3_000_000,
        scrypt_memory_kib: 257 << 10,
        scrypt_work_kib: 1 << 20,
        sha_crypt_rounds: 2_000_000,
        phpass_log_rounds: 21,
        digested_bytes: 256 << 20,
    };
}

impl Default for Ceilings {
    /// [`Ceilings::DEFAULT`].
    fn default() -> Ceilings {
        Ceilings::DEFAULT
    }
}

/// What an Argon2 hash writes in all: the measure of its work.
pub(crate) fn work_kib(memory_kib: u32, iterations: u32) -> u64 {
    u64::from(memory_kib) * u64::from(iterations)
}

#[cfg(test)]
mod tests {
    use super::*;

    //
    #[test]
    fn every_choice_of_the_floor_is_taken_and_anything_cheaper_refused() {
        for (memory_kib, iterations) in [(19_456, 2), (47_104, 1), (12_288, 3), (65_536, 3)] {
            assert!(Argon2Params::new(memory_kib, iterations, 1).is_ok(), "{memory_kib} {iterations}");
        }
        for (memory_kib, iterations) in
            [(19_455, 2), (19_456, 1), (47_103, 1), (12_287, 3), (12_288, 2), (0, 0), (8, 99)]
        {
            assert_eq!(Argon2Params::new(memory_kib, iterations, 1), Err(ParamsError::TooWeak));
        }
        assert!(Argon2Params::OWASP.meets_floor() && Argon2Params::HIGH.meets_floor());
        assert!(!Argon2Params::for_tests().meets_floor());
    }

    #[test]
    fn parameters_whose_hashes_could_not_be_read_again_are_refused() {
        assert_eq!(Argon2Params::new(262_145, 1, 1), Err(ParamsError::TooExpensive));
        assert_eq!(Argon2Params::new(262_144, 9, 1), Err(ParamsError::TooExpensive));
        assert_eq!(Argon2Params::new(u32::MAX, u32::MAX, 1), Err(ParamsError::TooExpensive));
        assert!(Argon2Params::new(262_144, 8, 64).is_ok());
        assert_eq!(Argon2Params::new(19_456, 2, 0), Err(ParamsError::Parallelism));
        assert_eq!(Argon2Params::new(19_456, 2, 65), Err(ParamsError::Parallelism));
    }
}
