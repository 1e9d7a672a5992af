//! Salted digests of LDAP servers: `{SSHA}`, `{SSHA256}` and `{SSHA512}`, base64 of a digest and its salt. One round:
//! whoever has the table tries billions a second, so they are replaced at the first login. Verified only.

use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use crate::format::text::Hidden;
use crate::format::{Family, StoredHash};
use crate::kernel::Workspace;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family = Family { prefixes: &["{SSHA"], read: |text, _| Ok(Box::new(SaltedSha::read(text)?)) };

/// Bytes of salt that servers use.
const SALTS: std::ops::RangeInclusive<usize> = 4..=64;

#[derive(Debug, Clone, Copy)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

/// A salted digest.
#[derive(Debug)]
struct SaltedSha {
    digest: Digest,
    tag: Hidden,
    salt: Hidden,
}

impl SaltedSha {
    fn read(text: &str) -> Result<SaltedSha, HashError> {
        let (name, rest) =
            text.strip_prefix('{').and_then(|text| text.split_once('}')).ok_or(HashError::UnknownFormat)?;
        let (digest, length) = match name {
            "SSHA" => (Digest::Sha1, 20),
            "SSHA256" => (Digest::Sha256, 32),
            "SSHA512" => (Digest::Sha512, 64),
            _ => return Err(HashError::UnknownFormat),
        };
        let malformed =
            HashError::Malformed { scheme: Scheme::SaltedSha, reason: "it is not digest and salt in base64" };
        let bytes = Hidden::<Vec<u8>>::decode(&STANDARD, rest).ok_or(malformed)?;
        let (tag, salt) = bytes.get().split_at_checked(length).ok_or(malformed)?;
        if !SALTS.contains(&salt.len()) {
            return Err(malformed);
        }
        Ok(SaltedSha { digest, tag: Hidden::new(tag.to_vec()), salt: Hidden::new(salt.to_vec()) })
    }
}

impl StoredHash for SaltedSha {
    fn scheme(&self) -> Scheme {
        Scheme::SaltedSha
    }

    fn parameters(&self) -> String {
        "1 round".to_owned()
    }

    fn matches(&self, password: &[u8], _: &mut Workspace) -> Result<bool, ResourceError> {
        let salt = self.salt.get();
        Ok(match self.digest {
            Digest::Sha1 => self.tag.equals(&Sha1::new().chain_update(password).chain_update(salt).finalize()),
            Digest::Sha256 => self.tag.equals(&Sha256::new().chain_update(password).chain_update(salt).finalize()),
            Digest::Sha512 => self.tag.equals(&Sha512::new().chain_update(password).chain_update(salt).finalize()),
        })
    }
}
