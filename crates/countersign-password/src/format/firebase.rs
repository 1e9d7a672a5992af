//! Firebase's scrypt: the password's scrypt encrypts the project's signer key, and that is the tag. A project exports its
//! parameters once and for each user a salt and a tag; the stored form has them all, since Firebase itself has none:
//!
//! `$firebase-scrypt$ln=14,r=8$SALT$SEPARATOR$SIGNER$TAG`: `mem_cost`, `rounds`, and the four in the base64 of the export.

use aes::Aes256;
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::format::scrypt::Cost;
use crate::format::text::{Hidden, decimal, pieces};
use crate::format::{Family, StoredHash};
use crate::kernel::Workspace;
use crate::policy::Ceilings;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family = Family {
    prefixes: &["$firebase-scrypt$"],
    read: |text, ceilings| Ok(Box::new(FirebaseScrypt::read(text, ceilings)?)),
};

const KEY_BYTES: usize = 32;

/// A hash of Firebase Authentication.
#[derive(Debug)]
struct FirebaseScrypt {
    cost: Cost,
    /// The user's salt and the project's separator.
    salt: Hidden,
    signer: Hidden,
    tag: Hidden,
}

impl FirebaseScrypt {
    fn read(text: &str, ceilings: &Ceilings) -> Result<FirebaseScrypt, HashError> {
        let malformed = |reason| HashError::Malformed { scheme: Scheme::FirebaseScrypt, reason };
        let shape = malformed("it does not consist of a cost, salt, separator, signer key and tag");
        let rest = text.strip_prefix("$firebase-scrypt$").ok_or(HashError::UnknownFormat)?;
        let [cost, salt, separator, signer, tag] = pieces(rest).ok_or(shape)?;
        let (log_n, r) = cost.strip_prefix("ln=").and_then(|cost| cost.split_once(",r=")).ok_or(shape)?;
        let cost = Cost::new(decimal(log_n), decimal(r), Some(1), ceilings)?;
        let decode = |text| Hidden::<Vec<u8>>::decode(&STANDARD, text).map(|bytes| bytes.get().clone());
        let all = [decode(salt), decode(separator), decode(signer), decode(tag)];
        let [Some(mut salt), Some(separator), Some(signer), Some(tag)] = all else {
            return Err(malformed("salt, separator, signer key and tag are not base64"));
        };
        if salt.is_empty() || tag.len() < KEY_BYTES || tag.len() != signer.len() {
            return Err(malformed("the salt is empty, or the tag is not as long as the signer key"));
        }
        salt.extend(separator);
        Ok(FirebaseScrypt { cost, salt: Hidden::new(salt), signer: Hidden::new(signer), tag: Hidden::new(tag) })
    }
}

impl StoredHash for FirebaseScrypt {
    fn scheme(&self) -> Scheme {
        Scheme::FirebaseScrypt
    }

    fn parameters(&self) -> String {
        self.cost.to_string()
    }

    fn memory_kib(&self) -> u32 {
        self.cost.memory_kib()
    }

    fn matches(&self, password: &[u8], workspace: &mut Workspace) -> Result<bool, ResourceError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        self.cost.derive(password, self.salt.get(), workspace, key.as_mut())?;
        let mut tag = self.signer.get().clone();
        ctr::Ctr128BE::<Aes256>::new(&(*key).into(), &[0; 16].into()).apply_keystream(&mut tag);
        Ok(self.tag.equals(&tag))
    }
}
