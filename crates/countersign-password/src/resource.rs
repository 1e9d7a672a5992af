//! What hashing needs and may not get: random bytes here, memory and peppers in the kernel.

use crate::pepper::PepperId;

/// What a hash needs is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// No memory for the blocks of Argon2.
    #[error("the system has no memory for a password hash: give the process more, or lower the hash parameters")]
    Memory,
    /// No random bytes for a salt.
    #[error("the system gives no random bytes for a salt")]
    Randomness,
    /// The hash names a pepper that was not given.
    #[error("the pepper {0} is missing, with which a password hash was made: give it among the earlier ones")]
    Pepper(PepperId),
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], ResourceError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| ResourceError::Randomness)?;
    Ok(bytes)
}
