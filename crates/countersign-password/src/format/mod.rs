//! The stored forms: one file for a family, one line here for each. A text belongs to the family whose prefix it has;
//! no prefix begins with another one, so the order does not matter.

mod text;
mod prefix;
mod wordpress;
mod argon2;
mod bcrypt;
mod bcrypt_prehash;
mod pbkdf2;
mod aspnet;
mod scrypt;
mod firebase;
mod keycloak;
mod sha_crypt;
mod md5_crypt;
mod phpass;
mod ldap;

use std::fmt;

pub(crate) use crate::format::argon2::Argon2Hash;
use crate::kernel::Workspace;
use crate::pepper::PepperId;
use crate::policy::{Ceilings, Policy};
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

/// A stored hash, taken apart and found to be within the ceilings. `Debug` shows the parameters, not the salt or tag.
pub(crate) trait StoredHash: fmt::Debug + Send + Sync {
    fn scheme(&self) -> Scheme;

    /// What it costs, as listings show it.
    fn parameters(&self) -> String;

    /// KiB of memory that [`StoredHash::matches`] takes.
    fn memory_kib(&self) -> u32 {
        0
    }

    /// Whether the policy would make a stronger hash. It would instead of anything but Argon2id.
    fn is_outdated(&self, _policy: &Policy) -> bool {
        true
    }

    /// Whether [`crate::Hasher::hash`] may have made it, of a prepared password.
    fn may_be_ours(&self) -> bool {
        false
    }

    /// The pepper with which it was made.
    fn pepper(&self) -> Option<PepperId> {
        None
    }

    /// Hashes the bytes in the same way and compares.
    fn matches(&self, password: &[u8], workspace: &mut Workspace) -> Result<bool, ResourceError>;
}

/// A stored hash, or why it is refused.
type Read = Result<Box<dyn StoredHash>, HashError>;

/// The reader of one family.
struct Family {
    prefixes: &'static [&'static str],
    read: fn(&str, &Ceilings) -> Read,
}

const FAMILIES: [Family; 12] = [
    argon2::FAMILY,
    bcrypt::FAMILY,
    bcrypt_prehash::FAMILY,
    pbkdf2::FAMILY,
    aspnet::FAMILY,
    scrypt::FAMILY,
    firebase::FAMILY,
    keycloak::FAMILY,
    sha_crypt::FAMILY,
    md5_crypt::FAMILY,
    phpass::FAMILY,
    ldap::FAMILY,
];

/// The longest text that is looked at, in bytes.
const MAX_BYTES: usize = 1024;

/// Reads a stored hash of any family.
pub(crate) fn read(text: &str, ceilings: &Ceilings) -> Read {
    if text.len() > MAX_BYTES {
        return Err(HashError::TooLong);
    }
    let family = FAMILIES.iter().find(|family| family.prefixes.iter().any(|prefix| text.starts_with(prefix)));
    (family.ok_or(HashError::UnknownFormat)?.read)(text, ceilings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prefix_of_a_family_begins_with_one_of_another() {
        let prefixes = || FAMILIES.iter().enumerate().flat_map(|(at, f)| f.prefixes.iter().map(move |p| (at, p)));
        for (one, prefix) in prefixes() {
            assert!(!prefix.is_empty());
            for (other, longer) in prefixes() {
                assert!(one == other || !longer.starts_with(prefix), "{prefix} {longer}");
            }
        }
    }

    #[test]
    fn a_text_of_no_family_is_said_to_be_unknown() {
        for text in [
            "",
            "$",
            "secret",
            "$7$salt$hash",
            "$2",
            "$argon2",
            "argon2id$v=19",
            "pbkdf2_md5$1$a$b",
            " $2b$04$",
            "AQAAAA",
            "{}",
        ] {
            assert_eq!(read(text, &Ceilings::DEFAULT).unwrap_err(), HashError::UnknownFormat, "{text:?}");
        }
        assert_eq!(read(&"$".repeat(1025), &Ceilings::DEFAULT).unwrap_err(), HashError::TooLong);
    }
}
