//! PBKDF2 as half a dozen programs write it down: one algorithm, a digest, rounds, salt and tag. Verified only.
//!
//! | form | of |
//! |---|---|
//! | `pbkdf2_sha256$ROUNDS$SALT$TAG`, `pbkdf2_sha1$…` | Django: the salt as text, the tag in base64 |
//! | `$pbkdf2-sha256$ROUNDS$SALT$TAG`, `-sha512`, `$pbkdf2$` (SHA-1) | passlib: base64 with `.` for `+` |
//! | `{PBKDF2-SHA256}ROUNDS$SALT$TAG`, `-SHA512`, `{PBKDF2}` | the same, for LDAP |
//! | `$pbkdf2-sha256$i=ROUNDS,l=32$SALT$TAG` | PHC strings |
//! | `pbkdf2:sha256:ROUNDS$SALT$TAG`, with any SHA-1 or SHA-2 | Werkzeug: the salt as text, the tag in hexadecimal |

use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD, STANDARD_NO_PAD};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::format::text::{Hidden, decimal, hexadecimal, pieces};
use crate::format::{Family, StoredHash};
use crate::kernel::Workspace;
use crate::policy::Ceilings;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family = Family {
    prefixes: &[
        "pbkdf2_sha256$",
        "pbkdf2_sha1$",
        "$pbkdf2-sha256$",
        "$pbkdf2-sha512$",
        "$pbkdf2$",
        "{PBKDF2",
        "pbkdf2:",
    ],
    read: |text, ceilings| Ok(Box::new(Pbkdf2::read(text, ceilings)?)),
};

/// Bytes of a tag: shorter ones would be met by chance.
const TAGS: std::ops::RangeInclusive<usize> = 16..=64;

/// passlib's base64: `.` in place of `+`, without padding.
const ADAPTED: GeneralPurpose = GeneralPurpose::new(
    &match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./") {
        Ok(alphabet) => alphabet,
        Err(_) => base64::alphabet::STANDARD,
    },
    NO_PAD,
);

/// The digest under the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    pub(super) fn scheme(self) -> Scheme {
        match self {
            Digest::Sha1 => Scheme::Pbkdf2Sha1,
            Digest::Sha224 => Scheme::Pbkdf2Sha224,
            Digest::Sha256 => Scheme::Pbkdf2Sha256,
            Digest::Sha384 => Scheme::Pbkdf2Sha384,
            Digest::Sha512 => Scheme::Pbkdf2Sha512,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Digest::Sha1 => 20,
            Digest::Sha224 => 28,
            Digest::Sha256 => 32,
            Digest::Sha384 => 48,
            Digest::Sha512 => 64,
        }
    }

    /// SHA-224 is SHA-256 with other constants and a part of the result left out, SHA-384 the same of SHA-512.
    fn ceiling(self, ceilings: &Ceilings) -> u32 {
        match self {
            Digest::Sha1 | Digest::Sha224 | Digest::Sha256 => ceilings.pbkdf2_rounds,
            Digest::Sha384 | Digest::Sha512 => ceilings.pbkdf2_sha512_rounds,
        }
    }

    fn of_name(name: &str) -> Option<Digest> {
        Some(match name {
            "sha1" => Digest::Sha1,
            "sha224" => Digest::Sha224,
            "sha256" => Digest::Sha256,
            "sha384" => Digest::Sha384,
            "sha512" => Digest::Sha512,
            _ => return None,
        })
    }
}

/// A hash by PBKDF2 with HMAC.
#[derive(Debug)]
pub(super) struct Pbkdf2 {
    digest: Digest,
    rounds: u32,
    salt: Hidden,
    tag: Hidden,
}

impl Pbkdf2 {
    /// Puts one together, within the ceilings.
    pub(super) fn new(
        digest: Digest,
        rounds: Option<u32>,
        salt: Option<Vec<u8>>,
        tag: Option<Vec<u8>>,
        ceilings: &Ceilings,
    ) -> Result<Pbkdf2, HashError> {
        let scheme = digest.scheme();
        let malformed = |reason| HashError::Malformed { scheme, reason };
        let rounds = rounds.filter(|&rounds| rounds > 0).ok_or(malformed("the rounds are not a number"))?;
        let salt = salt.filter(|salt| !salt.is_empty()).ok_or(malformed("the salt is empty or not well written"))?;
        let tag = tag.filter(|tag| TAGS.contains(&tag.len()));
        let tag = tag.ok_or(malformed("the tag is not 16 to 64 bytes, well written"))?;
        // Each digest of the tag takes all rounds.
        let found = u64::from(rounds) * tag.len().div_ceil(digest.bytes()) as u64;
        let ceiling = digest.ceiling(ceilings).into();
        if found > ceiling {
            let quantity = "the number of rounds, times the digests in the tag";
            return Err(HashError::TooExpensive { scheme, quantity, found, ceiling });
        }
        Ok(Pbkdf2 { digest, rounds, salt: Hidden::new(salt), tag: Hidden::new(tag) })
    }

    fn read(text: &str, ceilings: &Ceilings) -> Result<Pbkdf2, HashError> {
        if let Some(rest) = text.strip_prefix("pbkdf2_sha256$") {
            return Self::with_text_salt(Digest::Sha256, rest, decode_padded, ceilings);
        }
        if let Some(rest) = text.strip_prefix("pbkdf2_sha1$") {
            return Self::with_text_salt(Digest::Sha1, rest, decode_padded, ceilings);
        }
        if let Some((name, rest)) = text.strip_prefix("pbkdf2:").and_then(|rest| rest.split_once(':')) {
            let digest = Digest::of_name(name).ok_or(HashError::UnknownFormat)?;
            return Self::with_text_salt(digest, rest, hexadecimal, ceilings);
        }
        let (name, rest) = match text.strip_prefix('{') {
            Some(rest) => rest.split_once('}'),
            None => text.strip_prefix('$').and_then(|rest| rest.split_once('$')),
        }
        .ok_or(HashError::UnknownFormat)?;
        let digest = match name {
            "pbkdf2" | "PBKDF2" | "PBKDF2-SHA1" => Digest::Sha1,
            "pbkdf2-sha256" | "PBKDF2-SHA256" => Digest::Sha256,
            "pbkdf2-sha512" | "PBKDF2-SHA512" => Digest::Sha512,
            _ => return Err(HashError::UnknownFormat),
        };
        let [rounds, salt, tag] = pieces(rest).ok_or(three_pieces(digest))?;
        let (rounds, engine) = match rounds.strip_prefix("i=") {
            // The length is that of the tag, which is there to be counted.
            Some(rounds) => (rounds.split(",l=").next().unwrap_or_default(), &STANDARD_NO_PAD),
            None => (rounds, &ADAPTED),
        };
        let decode = |text| Hidden::<Vec<u8>>::decode(engine, text).map(|bytes| bytes.get().clone());
        Self::new(digest, decimal(rounds), decode(salt), decode(tag), ceilings)
    }

    /// Rounds, a salt that is hashed as the text it is, and a tag.
    fn with_text_salt(
        digest: Digest,
        text: &str,
        decode: fn(&str) -> Option<Vec<u8>>,
        ceilings: &Ceilings,
    ) -> Result<Pbkdf2, HashError> {
        let [rounds, salt, tag] = pieces(text).ok_or(three_pieces(digest))?;
        let salt = (!salt.contains(char::is_control)).then(|| salt.as_bytes().to_vec());
        Self::new(digest, decimal(rounds), salt, decode(tag), ceilings)
    }
}

fn three_pieces(digest: Digest) -> HashError {
    HashError::Malformed { scheme: digest.scheme(), reason: "it does not consist of rounds, salt and tag" }
}

fn decode_padded(text: &str) -> Option<Vec<u8>> {
    Hidden::<Vec<u8>>::decode(&STANDARD, text).map(|bytes| bytes.get().clone())
}

impl StoredHash for Pbkdf2 {
    fn scheme(&self) -> Scheme {
        self.digest.scheme()
    }

    fn parameters(&self) -> String {
        format!("{} rounds", self.rounds)
    }

    fn matches(&self, password: &[u8], _: &mut Workspace) -> Result<bool, ResourceError> {
        let (salt, mut tag) = (self.salt.get(), vec![0; self.tag.get().len()]);
        match self.digest {
            Digest::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, self.rounds, &mut tag),
            Digest::Sha224 => pbkdf2_hmac::<Sha224>(password, salt, self.rounds, &mut tag),
            Digest::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, self.rounds, &mut tag),
            Digest::Sha384 => pbkdf2_hmac::<Sha384>(password, salt, self.rounds, &mut tag),
            Digest::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, self.rounds, &mut tag),
        }
        Ok(self.tag.equals(&tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";

    fn read(text: &str) -> Result<Pbkdf2, HashError> {
        Pbkdf2::read(text, &Ceilings::DEFAULT)
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
            format!("pbkdf2_sha256$1$salt${}", &TAG[24..]),
            // Bits behind the last byte.
            format!("pbkdf2_sha256$1$salt${}", TAG.replace("w=", "x=")),
            "pbkdf2:sha256:1$salt$5F".repeat(2),
            "$pbkdf2-sha256$1$c2FsdA$c2FsdA".to_owned(),
            "$pbkdf2-sha256$i=1$c2FsdA".to_owned(),
            "{PBKDF2-SHA256}1$$".to_owned(),
        ] {
            assert!(matches!(read(&text), Err(HashError::Malformed { .. })), "{text}");
        }
        for text in ["pbkdf2:md5:1$salt$00", "{PBKDF2-MD5}1$a$b", "{PBKDF2", "pbkdf2:sha256"] {
            assert!(matches!(read(text), Err(HashError::UnknownFormat)), "{text}");
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
        let of = |name, rounds, bytes| read(&format!("pbkdf2:{name}:{rounds}$salt${}", "5f".repeat(bytes)));
        for (name, rounds, bytes) in [
            ("sha1", 2_500_000, 64),
            ("sha224", 10_000_000, 28),
            ("sha224", 5_000_000, 29),
            ("sha256", 5_000_000, 33),
            ("sha384", 3_000_000, 48),
            ("sha384", 1_500_000, 49),
            ("sha512", 3_000_000, 64),
        ] {
            assert!(of(name, rounds, bytes).is_ok(), "{name}");
            let error = of(name, rounds + 1, bytes).unwrap_err();
            assert!(matches!(error, HashError::TooExpensive { .. }), "{name} {error}");
        }
    }
}
