//! Firebase's scrypt: the password's scrypt encrypts the project's signer key, and that is the tag. A project exports its
//! parameters once and for each user a salt and a tag; the stored forms have them all, in the base64 of the export:
//!
//! | form | of |
//! |---|---|
//! | `$firebase-scrypt$ln=14,r=8$SALT$SEPARATOR$SIGNER$TAG` | ours, since Firebase itself has none: `mem_cost`, `rounds`, and the four |
//! | `$fbscrypt$v=1,n=14,r=8,p=1,ss=SEPARATOR,sk=SIGNER$SALT$TAG` | Supabase, for users who came from Firebase; `ss=` only where there is one |

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
    prefixes: &["$firebase-scrypt$", "$fbscrypt$"],
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

/// The pieces of a stored form, in their base64.
struct Pieces<'a> {
    /// `ln`, `r` and `p`.
    cost: [&'a str; 3],
    salt: &'a str,
    separator: &'a str,
    signer: &'a str,
    tag: &'a str,
}

impl<'a> Pieces<'a> {
    fn ours(text: &'a str) -> Option<Pieces<'a>> {
        let [cost, salt, separator, signer, tag] = pieces(text)?;
        let (log_n, r) = cost.strip_prefix("ln=")?.split_once(",r=")?;
        Some(Pieces { cost: [log_n, r, "1"], salt, separator, signer, tag })
    }

    fn supabase(text: &'a str) -> Option<Pieces<'a>> {
        let [parameters, salt, tag] = pieces(text)?;
        let (log_n, rest) = parameters.strip_prefix("v=1,n=")?.split_once(",r=")?;
        let (r, rest) = rest.split_once(",p=")?;
        let (p, keys) = rest.split_once(',')?;
        let (separator, signer) = match keys.strip_prefix("ss=") {
            Some(keys) => keys.split_once(",sk=")?,
            None => ("", keys.strip_prefix("sk=")?),
        };
        Some(Pieces { cost: [log_n, r, p], salt, separator, signer, tag })
    }
}

impl FirebaseScrypt {
    fn read(text: &str, ceilings: &Ceilings) -> Result<FirebaseScrypt, HashError> {
        let malformed = |reason| HashError::Malformed { scheme: Scheme::FirebaseScrypt, reason };
        let pieces = match text.strip_prefix("$fbscrypt$") {
            Some(rest) => Pieces::supabase(rest),
            None => Pieces::ours(text.strip_prefix("$firebase-scrypt$").ok_or(HashError::UnknownFormat)?),
        };
        let Pieces { cost: [log_n, r, p], salt, separator, signer, tag } =
            pieces.ok_or(malformed("it does not consist of a cost, salt, separator, signer key and tag"))?;
        let cost = Cost::new(decimal(log_n), decimal(r), decimal(p), ceilings)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the tests of Supabase Auth, as are the changes that it refuses.
    const SUPABASE: &str = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==";

    #[test]
    fn what_is_not_exactly_supabases_form_is_refused() {
        let read = |text: &str| FirebaseScrypt::read(text, &Ceilings::DEFAULT);
        assert!(read(SUPABASE).is_ok() && read(&SUPABASE.replace("ss=Bw==,", "")).is_ok());
        for (from, to) in [
            ("v=1", "v=2"),
            ("n=14", "n=4294967297"),
            ("n=14", "n=0"),
            ("r=8", "r=18446744073709551617"),
            ("r=8", "r=0"),
            ("p=1", "p=1025"),
            ("p=1", "p=0"),
            ("ss=Bw==", "ss=!!!"),
            ("sk=ou9t", "sk=!!!"),
            ("$C0sHCg9ek77hsg==$", "$!!!$"),
            ("$C0sHCg9ek77hsg==$", "$$"),
            ("+hfTw==", "+hfTw"),
            ("+hfTw==", "+hfTx=="),
            ("ss=Bw==,sk=", "sk=Bw==,ss="),
            (",p=1", ""),
            ("$zKVTMvnW", "$"),
        ] {
            assert!(SUPABASE.contains(from), "{from}");
            let error = read(&SUPABASE.replacen(from, to, 1)).err();
            assert!(matches!(error, Some(HashError::Malformed { .. })), "{to} {error:?}");
        }
    }
}
