//! md5-crypt, once the passwords of Linux, BSD and Cisco: `$1$SALT$TAG`, a thousand rounds. Verified only.

use md5::{Digest as _, Md5};

use crate::format::text::{Hidden, crypt64, is_crypt64, pieces};
use crate::format::{Family, StoredHash};
use crate::kernel::Workspace;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family = Family { prefixes: &["$1$"], read: |text, _| Ok(Box::new(Md5Crypt::read(text)?)) };

const ROUNDS: usize = 1000;
const LONGEST_SALT: usize = 8;
const TAG_BITS: usize = 128;

/// A hash of md5-crypt. The tag stays as it was written.
#[derive(Debug)]
struct Md5Crypt {
    salt: Hidden<String>,
    tag: Hidden<String>,
}

impl Md5Crypt {
    fn read(text: &str) -> Result<Md5Crypt, HashError> {
        let malformed = |reason| HashError::Malformed { scheme: Scheme::Md5Crypt, reason };
        let [salt, tag] = text.strip_prefix("$1$").and_then(pieces).ok_or(malformed("it is not salt and tag"))?;
        if salt.len() > LONGEST_SALT || salt.contains(char::is_control) {
            return Err(malformed("the salt is longer than 8 bytes, or holds control characters"));
        }
        if !is_crypt64(tag, TAG_BITS) {
            return Err(malformed("the tag is not a digest in the base64 of crypt"));
        }
        Ok(Md5Crypt { salt: Hidden::new(salt.to_owned()), tag: Hidden::new(tag.to_owned()) })
    }
}

impl StoredHash for Md5Crypt {
    fn scheme(&self) -> Scheme {
        Scheme::Md5Crypt
    }

    fn parameters(&self) -> String {
        format!("{ROUNDS} rounds")
    }

    fn matches(&self, password: &[u8], _: &mut Workspace) -> Result<bool, ResourceError> {
        let digest = compute(password, self.salt.get().as_bytes());
        let byte = |at: usize| digest.get(at).copied().unwrap_or_default();
        let groups = [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)];
        let mut tag: String = groups.iter().map(|&(a, b, c)| crypt64(&[byte(c), byte(b), byte(a)])).collect();
        tag += &crypt64(&[byte(11)]);
        Ok(self.tag.equals(tag.as_bytes()))
    }
}

/// As FreeBSD's libcrypt did it.
fn compute(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner: [u8; 16] = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize().into();
    let mut outer = Md5::new().chain_update(password).chain_update(b"$1$").chain_update(salt);
    outer.update(inner.iter().cycle().take(password.len()).copied().collect::<Vec<u8>>());
    let mut length = password.len();
    while length > 0 {
        // A zero, or the first byte of the password, for each bit of its length.
        let first = password.get(..1).unwrap_or_default();
        outer.update(if length & 1 == 1 { &[0] } else { first });
        length >>= 1;
    }
    let mut digest: [u8; 16] = outer.finalize().into();
    for round in 0..ROUNDS {
        let mut next = Md5::new();
        next.update(if round % 2 == 1 { password } else { &digest });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if round % 2 == 1 { &digest } else { password });
        digest = next.finalize().into();
    }
    digest
}
