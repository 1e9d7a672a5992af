//! The portable hashes of phpass, `$P$` (`WordPress` before 6.8) and `$H$` (phpBB), over MD5; and Drupal 7's `$S$`, the same
//! over SHA-512. A character says the binary logarithm of the rounds, eight are the salt, the rest is the tag. `U` before
//! it is Drupal's as well: what it hashed is the MD5 that Drupal 6 had kept. Verified only.

use md5::{Digest as _, Md5};
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::format::prefix::Longest;
use crate::format::text::{Hidden, crypt64, crypt64_value, hexadecimal_of, is_crypt64};
use crate::format::{Family, StoredHash, wordpress};
use crate::kernel::Workspace;
use crate::policy::Ceilings;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family = Family {
    prefixes: &["$P$", "$H$", "$S$", "U$P$", "U$H$", "U$S$"],
    read: |text, ceilings| Ok(Box::new(Phpass::read(text, ceilings)?)),
};

const SALT_CHARS: usize = 8;
const TAG_BITS_MD5: usize = 128;
/// Drupal cuts the tag, behind a character.
const TAG_CHARS_SHA512: usize = 43;
/// The least rounds, as a logarithm.
const LEAST: u32 = 7;

/// A portable hash. The tag stays as it was written.
#[derive(Debug)]
struct Phpass {
    scheme: Scheme,
    input: Input,
    log_rounds: u32,
    longest: Longest,
    salt: Hidden<String>,
    tag: Hidden<String>,
}

/// What is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Password,
    /// The password as it was typed, or as `WordPress` would have taken it from a form.
    PasswordOrWordPress,
    /// The MD5 of the password, in hexadecimal.
    Md5,
}

impl Phpass {
    fn read(text: &str, ceilings: &Ceilings) -> Result<Phpass, HashError> {
        let (input, inner) = match text.strip_prefix('U') {
            Some(inner) => (Input::Md5, inner),
            None if text.starts_with("$P$") => (Input::PasswordOrWordPress, text),
            None => (Input::Password, text),
        };
        let (scheme, tag_bits, rest) = match inner.split_at_checked(3) {
            Some(("$P$" | "$H$", rest)) => (Scheme::Phpass, TAG_BITS_MD5, rest),
            Some(("$S$", rest)) => (Scheme::Drupal7, TAG_CHARS_SHA512 * 6, rest),
            _ => return Err(HashError::UnknownFormat),
        };
        let malformed = |reason| HashError::Malformed { scheme, reason };
        let shape = malformed("it is not a count, eight characters of salt, and a tag");
        let (setting, tag) = rest.split_at_checked(1 + SALT_CHARS).ok_or(shape)?;
        if !setting.is_ascii() || setting.contains(|c: char| c.is_ascii_control()) || !is_crypt64(tag, tag_bits) {
            return Err(shape);
        }
        let (count, salt) = setting.split_at_checked(1).ok_or(shape)?;
        let log_rounds = count.chars().next().and_then(crypt64_value).ok_or(malformed("the count is no number"))?;
        let (found, ceiling) = (log_rounds.into(), ceilings.phpass_log_rounds.into());
        if found > ceiling {
            return Err(HashError::TooExpensive { scheme, quantity: "the logarithm of the rounds", found, ceiling });
        }
        if log_rounds < LEAST {
            return Err(malformed("the rounds are below 128"));
        }
        let longest = Longest::of(1 << log_rounds, ceilings.digested_bytes);
        let (salt, tag) = (Hidden::new(salt.to_owned()), Hidden::new(tag.to_owned()));
        Ok(Phpass { scheme, input, log_rounds, longest, salt, tag })
    }

    fn is_of(&self, input: &[u8]) -> bool {
        let (salt, rounds) = (self.salt.get().as_bytes(), 1_u64 << self.log_rounds);
        self.longest.matches(input, |input| {
            let tag = if self.scheme == Scheme::Phpass {
                crypt64(&stretch::<Md5>(input, salt, rounds))
            } else {
                crypt64(&stretch::<Sha512>(input, salt, rounds)).chars().take(TAG_CHARS_SHA512).collect()
            };
            self.tag.equals(tag.as_bytes())
        })
    }
}

impl StoredHash for Phpass {
    fn scheme(&self) -> Scheme {
        self.scheme
    }

    fn parameters(&self) -> String {
        let twice = if self.input == Input::PasswordOrWordPress { ", twice" } else { "" };
        format!("{} rounds{twice}", 1_u64 << self.log_rounds)
    }

    fn matches(&self, password: &[u8], _: &mut Workspace) -> Result<bool, ResourceError> {
        Ok(match self.input {
            Input::Password => self.is_of(password),
            // Both, whatever was typed: see there.
            Input::PasswordOrWordPress => self.is_of(password) | self.is_of(&wordpress::submitted(password)),
            Input::Md5 => self.is_of(hexadecimal_of(&Md5::digest(password)).as_bytes()),
        })
    }
}

/// The digest of salt and password, and so often of the last digest and the password.
fn stretch<D: md5::Digest>(password: &[u8], salt: &[u8], rounds: u64) -> Zeroizing<Vec<u8>> {
    let digest =
        |before: &[u8]| Zeroizing::new(D::new().chain_update(before).chain_update(password).finalize().to_vec());
    (0..rounds).fold(digest(salt), |last, _| digest(&last))
}
