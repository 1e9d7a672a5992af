//! What new hashes cost, and what a stored hash may cost at most.

/// The cost of an Argon2id hash.
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
    #[error("these Argon2 parameters are too weak: use at least m=19456,t=2, m=47104,t=1 or m=12288,t=3, and p=1")]
    TooWeak,
    /// More expensive than a stored hash may be.
    #[error("these Argon2 parameters cost more than a stored hash may cost: lower the memory or the iterations")]
    TooExpensive,
}

impl Argon2Params {
    /// OWASP's first choice: 19 MiB, 2 iterations, 1 lane.
    pub const OWASP: Argon2Params = Argon2Params { memory_kib: 19_456, iterations: 2, parallelism: 1 };
    /// RFC 9106's second choice: 64 MiB, 3 iterations, 4 lanes.
    pub const HIGH: Argon2Params = Argon2Params { memory_kib: 65_536, iterations: 3, parallelism: 4 };

    /// Parameters of the operator's own, not below the floor.
    pub fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Argon2Params, ParamsError> {
        let params = Argon2Params { memory_kib, iterations, parallelism };
        if params.meets_floor() { Ok(params) } else { Err(ParamsError::TooWeak) }
    }

    /// 64 KiB, 1 iteration, 1 lane: hashes that protect nothing, for tests that hash often.
    pub fn for_tests() -> Argon2Params {
        Argon2Params { memory_kib: 64, iterations: 1, parallelism: 1 }
    }

    /// Whether new hashes may cost this little. False for [`Argon2Params::for_tests`].
    pub fn meets_floor(&self) -> bool {
        self.parallelism >= 1
            && [(19_456, 2), (47_104, 1), (12_288, 3)].iter().any(|&(m, t)| self.memory_kib >= m && self.iterations >= t)
    }

    /// KiB of memory.
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Lanes.
    pub fn parallelism(&self) -> u32 {
        self.parallelism
    }
}

impl Default for Argon2Params {
    fn default() -> Argon2Params {
        Argon2Params::OWASP
    }
}

/// What new hashes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// The cost of new hashes.
    pub argon2: Argon2Params,
}

impl Policy {
    /// New hashes are Argon2id of this cost.
    pub fn new(argon2: Argon2Params) -> Policy {
        Policy { argon2 }
    }
}

/// The most that verifying a stored hash may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceilings {
    /// KiB of Argon2 memory.
    pub argon2_memory_kib: u32,
}

impl Default for Ceilings {
    fn default() -> Ceilings {
        Ceilings { argon2_memory_kib: 262_144 }
    }
}
