//! Makes hashes and verifies passwords, under a policy.

use std::hint::black_box;
use std::sync::Arc;

use crate::format::{Argon2Hash, StoredHash};
use crate::hash::PasswordHash;
use crate::kernel::{Kernel, Workspace};
use crate::password::Password;
use crate::pepper::Peppers;
use crate::policy::Policy;
use crate::resource::{self, ResourceError};

/// Makes hashes and verifies passwords, under a policy, on the thread that calls it: milliseconds of a core and the
/// memory of the hash, so not for a thread that serves others.
#[derive(Debug, Clone)]
pub struct Hasher {
    policy: Policy,
    kernel: Kernel,
    peppers: Arc<Peppers>,
}

/// What became of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The password is right.
    Match,
    /// The password is right, and the stored hash is not what the policy would make: hash the password again and
    /// replace the stored hash, unless it has changed in between.
    MatchOutdated,
    /// The password is wrong, or there is no stored hash.
    Mismatch,
}

impl Verdict {
    /// Whether the password is right.
    pub fn is_match(self) -> bool {
        !matches!(self, Verdict::Mismatch)
    }
}

impl Hasher {
    /// A hasher that makes hashes of this policy.
    pub fn new(policy: Policy) -> Hasher {
        Hasher { policy, kernel: Kernel::Auto, peppers: Arc::default() }
    }

    /// The same, computing Argon2id with this kernel.
    #[must_use]
    pub fn kernel(self, kernel: Kernel) -> Hasher {
        Hasher { kernel, ..self }
    }

    /// The same, with these peppers.
    #[must_use]
    pub fn peppers(self, peppers: Peppers) -> Hasher {
        Hasher { peppers: Arc::new(peppers), ..self }
    }

    /// The policy of new hashes.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Hashes a password with a fresh salt.
    pub fn hash(&self, password: &Password) -> Result<PasswordHash, ResourceError> {
        self.hash_in(&mut self.workspace(), password)
    }

    /// Verifies a password against a stored hash. Without one, as for a user who does not exist, it does the work that
    /// a hash of the policy takes, and the answer is a mismatch.
    pub fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Result<Verdict, ResourceError> {
        self.verify_in(&mut self.workspace(), password, stored)
    }

    /// KiB of memory that verifying against this hash fills; without one, what a new hash fills.
    pub fn memory_kib(&self, stored: Option<&PasswordHash>) -> u32 {
        stored.map_or(self.policy.argon2.memory_kib(), |stored| stored.stored().memory_kib())
    }

    /// Whether a hash is weaker than one that is made now: by its algorithm, its parameters or its pepper.
    pub fn is_outdated(&self, stored: &PasswordHash) -> bool {
        self.is_weaker(stored.stored())
    }

    /// Whether a hash names a pepper that is not there, so that no password can be checked against it.
    pub fn lacks_pepper_of(&self, stored: &PasswordHash) -> bool {
        self.workspace().pepper(stored.pepper()).is_err()
    }

    /// Whether the pepper is there that a hash names.
    #[cfg(feature = "pool")]
    pub(crate) fn check_pepper(&self, stored: &PasswordHash) -> Result<(), ResourceError> {
        self.workspace().pepper(stored.pepper()).map(drop)
    }

    /// What hashes that cost the same to verify have in common: the scheme and its parameters. Without a stored hash, that of
    /// a new one.
    #[cfg(feature = "pool")]
    pub(crate) fn cost(&self, stored: Option<&PasswordHash>) -> String {
        let decoy = self.decoy();
        let stored = stored.map_or(&decoy as &dyn StoredHash, PasswordHash::stored);
        format!("{} {}", stored.scheme(), stored.parameters())
    }

    /// What a thread hashes with.
    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::new(self.kernel, &self.peppers)
    }

    fn decoy(&self) -> Argon2Hash {
        Argon2Hash::decoy(&self.policy, self.peppers.current())
    }

    pub(crate) fn hash_in(
        &self,
        workspace: &mut Workspace,
        password: &Password,
    ) -> Result<PasswordHash, ResourceError> {
        let salt = resource::random()?;
        Argon2Hash::make(&self.policy, self.peppers.current(), password.prepared(), salt, workspace)
            .map(PasswordHash::new)
    }

    pub(crate) fn verify_in(
        &self,
        workspace: &mut Workspace,
        password: &Password,
        stored: Option<&PasswordHash>,
    ) -> Result<Verdict, ResourceError> {
        if let Some(stored) = stored {
            return self.judge(workspace, password, stored.stored());
        }
        let _ = black_box(self.judge(workspace, password, &self.decoy())?);
        Ok(Verdict::Mismatch)
    }

    /// Whether the policy would have made another hash, and does replace those that it did not make.
    fn replaces(&self, stored: &dyn StoredHash) -> bool {
        (self.policy.replaces_foreign || stored.may_be_ours()) && self.is_weaker(stored)
    }

    fn is_weaker(&self, stored: &dyn StoredHash) -> bool {
        stored.is_outdated(&self.policy) || stored.pepper() != self.peppers.current()
    }

    /// Tries the prepared bytes, and where they differ, those that were typed: another program may have hashed these
    /// . The likelier ones come first.
    fn judge(
        &self,
        workspace: &mut Workspace,
        password: &Password,
        stored: &dyn StoredHash,
    ) -> Result<Verdict, ResourceError> {
        let (raw, prepared) = (password.raw(), password.prepared());
        let mut forms = [raw, prepared];
        if stored.may_be_ours() {
            forms.reverse();
        }
        let [first, second] = forms;
        let by = if stored.matches(first, workspace)? {
            first
        } else if first != second && stored.matches(second, workspace)? {
            second
        } else {
            return Ok(Verdict::Mismatch);
        };
        Ok(if self.replaces(stored) || (by != prepared && self.policy.replaces_foreign) {
            Verdict::MatchOutdated
        } else {
            Verdict::Match
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Argon2Params;

    //
    #[test]
    fn without_a_stored_hash_the_memory_of_a_hash_is_filled() {
        let hasher = Hasher::new(Policy::new(Argon2Params::for_tests()));
        let mut workspace = Workspace::default();
        let blocks = hasher.memory_kib(None) as usize;
        let is_filled = |workspace: &mut Workspace| {
            workspace.memory.blocks(blocks).unwrap().iter().all(|block| block.as_ref().iter().any(|word| *word != 0))
        };
        assert!(!is_filled(&mut workspace));
        let password = Password::new("secret".to_owned()).unwrap();
        assert_eq!(hasher.verify_in(&mut workspace, &password, None), Ok(Verdict::Mismatch));
        assert!(is_filled(&mut workspace));
    }
}
