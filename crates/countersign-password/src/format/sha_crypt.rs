//! SHA-crypt, the passwords of Linux: `$5$rounds=5000$SALT$TAG` (SHA-256) and `$6$…` (SHA-512). Verified only.

use sha_crypt::{Params, sha256_crypt, sha512_crypt};

use crate::format::prefix::Longest;
use crate::format::text::{Hidden, crypt64, decimal, is_crypt64};
use crate::format::{Family, StoredHash};
use crate::kernel::Workspace;
use crate::policy::Ceilings;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family =
    Family { prefixes: &["$5$", "$6$"], read: |text, ceilings| Ok(Box::new(ShaCrypt::read(text, ceilings)?)) };

/// Where the text does not say.
const USUAL_ROUNDS: u32 = 5000;
const LEAST_ROUNDS: u32 = 1000;
/// Characters of a salt; the specification cuts longer ones, and no program stores them.
const LONGEST_SALT: usize = 16;

/// A hash of SHA-crypt. The tag stays as it was written.
#[derive(Debug)]
struct ShaCrypt {
    scheme: Scheme,
    rounds: u32,
    longest: Longest,
    salt: Hidden<String>,
    tag: Hidden<String>,
}

impl ShaCrypt {
    fn read(text: &str, ceilings: &Ceilings) -> Result<ShaCrypt, HashError> {
        let (scheme, tag_bits, rest) = match text.split_at_checked(3) {
            Some(("$5$", rest)) => (Scheme::Sha256Crypt, 256, rest),
            Some(("$6$", rest)) => (Scheme::Sha512Crypt, 512, rest),
            _ => return Err(HashError::UnknownFormat),
        };
        let malformed = |reason| HashError::Malformed { scheme, reason };
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            Some(rest) => {
                let (rounds, rest) = rest.split_once('$').ok_or(malformed("there is no salt"))?;
                (decimal(rounds).ok_or(malformed("the rounds are not a number"))?, rest)
            }
            None => (USUAL_ROUNDS, rest),
        };
        let (found, ceiling) = (rounds.into(), ceilings.sha_crypt_rounds.into());
        if found > ceiling {
            return Err(HashError::TooExpensive { scheme, quantity: "the number of rounds", found, ceiling });
        }
        if rounds < LEAST_ROUNDS {
            return Err(malformed("the rounds are below 1000"));
        }
        let (salt, tag) = rest.split_once('$').ok_or(malformed("there is no tag"))?;
        if salt.len() > LONGEST_SALT || salt.contains(|c: char| c.is_control() || c == ':') {
            return Err(malformed("the salt is longer than 16 bytes, or holds what no salt does"));
        }
        if !is_crypt64(tag, tag_bits) {
            return Err(malformed("the tag is not a digest in the base64 of crypt"));
        }
        let longest = Longest::of(rounds.into(), ceilings.digested_bytes);
        Ok(ShaCrypt { scheme, rounds, longest, salt: Hidden::new(salt.to_owned()), tag: Hidden::new(tag.to_owned()) })
    }
}

impl StoredHash for ShaCrypt {
    fn scheme(&self) -> Scheme {
        self.scheme
    }

    fn parameters(&self) -> String {
        format!("{} rounds", self.rounds)
    }

    fn matches(&self, password: &[u8], _: &mut Workspace) -> Result<bool, ResourceError> {
        let params = Params::new(self.rounds).map_err(|_| ResourceError::Memory)?;
        let salt = self.salt.get().as_bytes();
        Ok(self.longest.matches(password, |password| {
            let tag = if self.scheme == Scheme::Sha256Crypt {
                shuffled(&sha256_crypt(password, salt, params), 10, 20)
            } else {
                shuffled(&sha512_crypt(password, salt, params), 21, 42)
            };
            self.tag.equals(tag.as_bytes())
        }))
    }
}

/// The order in which the specification writes the bytes down: three that lie a third of the digest apart become four
/// characters, and the last one or two bytes are by themselves.
fn shuffled(digest: &[u8], second: usize, third: usize) -> String {
    let byte = |at: usize| digest.get(at).copied().unwrap_or_default();
    let mut text = String::new();
    for turn in 0..second {
        let places = [turn, turn + second, turn + third];
        // Each turn begins with the next of the three, and SHA-512 goes the other way round.
        let shift = if digest.len() == 32 { (3 - turn % 3) % 3 } else { turn % 3 };
        let at = |place: usize| places.get((place + shift) % 3).copied().unwrap_or_default();
        text += &crypt64(&[byte(at(2)), byte(at(1)), byte(at(0))]);
    }
    text += &if digest.len() == 32 { crypt64(&[byte(30), byte(31)]) } else { crypt64(&[byte(63)]) };
    text
}
