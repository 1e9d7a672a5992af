//! What hashing needs of the operating system: random bytes here, memory in the kernel.

/// The operating system refused what a hash needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// No memory for the blocks of Argon2.
    #[error("the system has no memory for a password hash: give the process more, or lower the hash parameters")]
    Memory,
    /// No random bytes for a salt.
    #[error("the system gives no random bytes for a salt")]
    Randomness,
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], ResourceError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| ResourceError::Randomness)?;
    Ok(bytes)
}
