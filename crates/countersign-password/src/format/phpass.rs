//! The portable hashes of phpass, `$P$` and `$H$` (`WordPress` before 6.8, phpBB), over MD5; and Drupal 7's `$S$`, the same over
//! SHA-512. A character says the binary logarithm of the rounds, eight are the salt, the rest is the tag. Verified only.

use md5::Md5;
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::format::prefix::Longest;
use crate::format::text::{Hidden, crypt64, crypt64_value};
use crate::format::{Family, StoredHash};
use crate::kernel::Workspace;
use crate::policy::Ceilings;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family =
    Family { prefixes: &["$P$", "$H$", "$S$"], read: |text, ceilings| Ok(Box::new(Phpass::read(text, ceilings)?)) };

const SALT_CHARS: usize = 8;
const TAG_CHARS_MD5: usize = 22;
/// Drupal cuts the tag.
const TAG_CHARS_SHA512: usize = 43;
/// The least rounds, as a logarithm.
const LEAST: u32 = 7;

/// A portable hash. The tag stays as it was written.
#[derive(Debug)]
struct Phpass {
    scheme: Scheme,
    log_rounds: u32,
    longest: Longest,
    salt: Hidden<String>,
    tag: Hidden<String>,
}

impl Phpass {
    fn read(text: &str, ceilings: &Ceilings) -> Result<Phpass, HashError> {
        let (scheme, tag_chars, rest) = match text.split_at_checked(3) {
            Some(("$P$" | "$H$", rest)) => (Scheme::Phpass, TAG_CHARS_MD5, rest),
            Some(("$S$", rest)) => (Scheme::Drupal7, TAG_CHARS_SHA512, rest),
            _ => return Err(HashError::UnknownFormat),
        };
        let malformed = |reason| HashError::Malformed { scheme, reason };
        if !rest.is_ascii() || rest.len() != 1 + SALT_CHARS + tag_chars || rest.contains(|c: char| c.is_ascii_control())
        {
            return Err(malformed("it is not a count, eight characters of salt, and a tag"));
        }
        let log_rounds = rest.chars().next().and_then(crypt64_value).ok_or(malformed("the count is no number"))?;
        let (found, ceiling) = (log_rounds.into(), ceilings.phpass_log_rounds.into());
        if found > ceiling {
            return Err(HashError::TooExpensive { scheme, quantity: "the logarithm of the rounds", found, ceiling });
        }
        if log_rounds < LEAST {
            return Err(malformed("the rounds are below 128"));
        }
        let (salt, tag) = rest.split_at_checked(1 + SALT_CHARS).ok_or(malformed("there is no tag"))?;
        let salt = salt.get(1..).unwrap_or_default();
        let longest = Longest::of(1 << log_rounds, ceilings.digested_bytes);
        Ok(Phpass { scheme, log_rounds, longest, salt: Hidden::new(salt.to_owned()), tag: Hidden::new(tag.to_owned()) })
    }
}

impl StoredHash for Phpass {
    fn scheme(&self) -> Scheme {
        self.scheme
    }

    fn parameters(&self) -> String {
        format!("{} rounds", 1_u64 << self.log_rounds)
    }

    fn matches(&self, password: &[u8], _: &mut Workspace) -> Result<bool, ResourceError> {
        let (salt, rounds) = (self.salt.get().as_bytes(), 1_u64 << self.log_rounds);
        Ok(self.longest.matches(password, |password| {
            let tag = if self.scheme == Scheme::Phpass {
                crypt64(&stretch::<Md5>(password, salt, rounds))
            } else {
                crypt64(&stretch::<Sha512>(password, salt, rounds)).chars().take(TAG_CHARS_SHA512).collect()
            };
            self.tag.equals(tag.as_bytes())
        }))
    }
}

/// The digest of salt and password, and so often of the last digest and the password.
fn stretch<D: md5::Digest>(password: &[u8], salt: &[u8], rounds: u64) -> Zeroizing<Vec<u8>> {
    let digest =
        |before: &[u8]| Zeroizing::new(D::new().chain_update(before).chain_update(password).finalize().to_vec());
    (0..rounds).fold(digest(salt), |last, _| digest(&last))
}
