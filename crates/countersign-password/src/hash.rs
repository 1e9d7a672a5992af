//! A password hash as a table keeps it.

use std::fmt;
use std::sync::Arc;

use crate::format::{self, Argon2Hash, StoredHash};
use crate::pepper::PepperId;
use crate::policy::Ceilings;
use crate::scheme::{HashError, Scheme};

/// A stored password hash: known in form and bounded in cost. `Debug` shows its kind and parameters, never salt or
/// tag.
#[derive(Clone)]
pub struct PasswordHash {
    text: Arc<str>,
    hash: Arc<dyn StoredHash>,
}

impl PasswordHash {
    /// Reads a stored hash, within the default [`Ceilings`].
    pub fn parse(text: &str) -> Result<PasswordHash, HashError> {
        Self::parse_within(text, &Ceilings::DEFAULT)
    }

    /// Reads a stored hash that may cost up to these ceilings to verify.
    pub fn parse_within(text: &str, ceilings: &Ceilings) -> Result<PasswordHash, HashError> {
        Ok(PasswordHash { text: text.into(), hash: format::read(text, ceilings)?.into() })
    }

    /// The text to store: as it was read, or as it was made.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it was made with.
    pub fn scheme(&self) -> Scheme {
        self.hash.scheme()
    }

    /// What it costs to verify, for listings: `m=19456 t=2 p=1`, `cost 12`, `600000 rounds`. Hashes of one scheme with the same
    /// parameters cost the same.
    pub fn parameters(&self) -> String {
        self.hash.parameters()
    }

    /// The pepper with which it was made.
    pub fn pepper(&self) -> Option<PepperId> {
        self.hash.pepper()
    }

    pub(crate) fn new(hash: Argon2Hash) -> PasswordHash {
        PasswordHash { text: hash.to_string().into(), hash: Arc::new(hash) }
    }

    pub(crate) fn stored(&self) -> &dyn StoredHash {
        &*self.hash
    }
}

/// Two are equal when their texts are.
impl PartialEq for PasswordHash {
    fn eq(&self, other: &PasswordHash) -> bool {
        self.text == other.text
    }
}

impl Eq for PasswordHash {}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash.fmt(f)
    }
}
