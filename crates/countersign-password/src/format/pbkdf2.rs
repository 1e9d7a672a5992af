//! Django's `pbkdf2_sha256$ROUNDS$SALT$TAG`: the salt is hashed as the text it is, the tag is base64 with padding.
//! Verified only.

use base64::engine::general_purpose::STANDARD;
use pbkdf2::pbkdf2_hmac_array;
use sha2::Sha256;

use crate::format::text::{Hidden, decimal};
use crate::format::{Family, StoredHash};
use crate::kernel::Memory;
use crate::policy::Ceilings;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family =
    Family { prefixes: &["pbkdf2_sha256$"], read: |text, ceilings| Ok(Box::new(DjangoPbkdf2::read(text, ceilings)?)) };

const TAG_BYTES: usize = 32;

/// A hash of Django's default hasher.
#[derive(Debug)]
struct DjangoPbkdf2 {
    rounds: u32,
    salt: Hidden<String>,
    tag: Hidden<[u8; TAG_BYTES]>,
}

impl DjangoPbkdf2 {
    fn read(text: &str, ceilings: &Ceilings) -> Result<DjangoPbkdf2, HashError> {
        let scheme = Scheme::DjangoPbkdf2Sha256;
        let malformed = |reason| HashError::Malformed { scheme, reason };

        let mut fields = text.split('$').skip(1);
        let (Some(rounds), Some(salt), Some(tag), None) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(malformed("it does not consist of rounds, salt and tag"));
        };
        let rounds = decimal(rounds).filter(|&rounds| rounds > 0).ok_or(malformed("the rounds are not a number"))?;
        let (found, ceiling) = (rounds.into(), ceilings.pbkdf2_rounds.into());
        if found > ceiling {
            return Err(HashError::TooExpensive { scheme, quantity: "the number of rounds", found, ceiling });
        }
        if salt.is_empty() || salt.contains(char::is_control) {
            return Err(malformed("the salt is empty or contains control characters"));
        }
        let tag = Hidden::decode(&STANDARD, tag).ok_or(malformed("the tag is not 32 bytes in base64"))?;
        Ok(DjangoPbkdf2 { rounds, salt: Hidden::new(salt.to_owned()), tag })
    }
}

impl StoredHash for DjangoPbkdf2 {
    fn scheme(&self) -> Scheme {
        Scheme::DjangoPbkdf2Sha256
    }

    fn matches(&self, password: &[u8], _memory: &mut Memory) -> Result<bool, ResourceError> {
        let salt = self.salt.get().as_bytes();
        let tag: [u8; TAG_BYTES] = pbkdf2_hmac_array::<Sha256, TAG_BYTES>(password, salt, self.rounds);
        Ok(self.tag.equals(&tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";

    fn read(text: &str) -> Result<DjangoPbkdf2, HashError> {
        DjangoPbkdf2::read(text, &Ceilings::DEFAULT)
    }

    #[test]
    fn what_is_not_exactly_the_stored_form_is_refused() {
        assert!(read(&format!("pbkdf2_sha256$1$salt${TAG}")).is_ok());
        for text in [
            "pbkdf2_sha256$".to_owned(),
            "pbkdf2_sha256$1$salt".to_owned(),
            "pbkdf2_sha256$1$salt$".to_owned(),
            format!("pbkdf2_sha256$0$salt${TAG}"),
            format!("pbkdf2_sha256$01$salt${TAG}"),
            format!("pbkdf2_sha256$-1$salt${TAG}"),
            format!("pbkdf2_sha256$4294967296$salt${TAG}"),
            format!("pbkdf2_sha256$1$$${TAG}"),
            format!("pbkdf2_sha256$1$${TAG}"),
            format!("pbkdf2_sha256$1$sa\0lt${TAG}"),
            format!("pbkdf2_sha256$1$salt${TAG}$"),
            format!("pbkdf2_sha256$1$salt${TAG}\n"),
            format!("pbkdf2_sha256$1$salt${}", TAG.trim_end_matches('=')),
            format!("pbkdf2_sha256$1$salt${}", &TAG[4..]),
            // Bits behind the last byte.
            format!("pbkdf2_sha256$1$salt${}", TAG.replace("w=", "x=")),
        ] {
            assert!(matches!(read(&text), Err(HashError::Malformed { .. })), "{text}");
        }
    }

    // S-030
    #[test]
    fn the_rounds_have_a_ceiling() {
        assert!(read(&format!("pbkdf2_sha256$10000000$salt${TAG}")).is_ok());
        for rounds in ["10000001", "2147483648", "4294967295"] {
            let error = read(&format!("pbkdf2_sha256${rounds}$salt${TAG}")).unwrap_err();
            assert!(matches!(error, HashError::TooExpensive { ceiling: 10_000_000, .. }), "{error}");
        }
    }
}
