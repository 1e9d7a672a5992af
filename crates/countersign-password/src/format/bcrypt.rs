//! bcrypt: `$2b$12$` and 53 characters of salt and tag. `$2a$`, `$2b$` and `$2y$` are one algorithm for every password
//! that is taken here; `$2$`, the first draft, sets no mark behind the password.

use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use zeroize::Zeroizing;

use crate::format::text::Hidden;
use crate::format::{Family, StoredHash};
use crate::kernel::Workspace;
use crate::policy::Ceilings;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family = Family {
    prefixes: &["$2$", "$2a$", "$2b$", "$2x$", "$2y$"],
    read: |text, ceilings| Ok(Box::new(Bcrypt::read(text, ceilings)?)),
};

/// The bytes of a password that bcrypt looks at.
const KEY_BYTES: usize = 72;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 23;
/// Characters of the salt, behind which the tag begins, and of both.
const SALT_CHARS: usize = 22;
const SALT_AND_TAG_CHARS: usize = 53;
const MIN_COST: u32 = 4;

/// Some programs left random bits in the last character of the salt, and every reader passes over them. None is known that left
/// some in that of the tag, but passlib passes over these as well, and they are no part of what is compared.
const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// A bcrypt hash.
#[derive(Debug)]
pub(super) struct Bcrypt {
    /// Whether a zero ends the password, as in all forms but the first.
    has_end_mark: bool,
    cost: u32,
    salt: Hidden<[u8; SALT_BYTES]>,
    tag: Hidden<[u8; TAG_BYTES]>,
}

impl Bcrypt {
    pub(super) fn read(text: &str, ceilings: &Ceilings) -> Result<Bcrypt, HashError> {
        let scheme = Scheme::Bcrypt;
        let malformed = |reason| HashError::Malformed { scheme, reason };
        let (kind, rest) = text.strip_prefix('$').and_then(|text| text.split_once('$')).unwrap_or_default();
        let has_end_mark = match kind {
            "2a" | "2b" | "2y" => true,
            "2" => false,
            "2x" => {
                let reason = "$2x$ marks the faulty crypt_blowfish, for which other passwords match as well";
                return Err(HashError::Unsupported { scheme, reason });
            }
            _ => return Err(malformed("it does not begin with $2b$, $2a$, $2y$ or $2$")),
        };
        let (cost, rest) = rest.split_once('$').ok_or(malformed("there is no cost"))?;
        let cost = two_digits(cost).ok_or(malformed("the cost is not a number of two digits"))?;
        if cost < MIN_COST {
            return Err(malformed("the cost is below 4"));
        }
        let (found, ceiling) = (cost.into(), ceilings.bcrypt_cost.into());
        if found > ceiling {
            return Err(HashError::TooExpensive { scheme, quantity: "the cost", found, ceiling });
        }

        let characters = malformed("salt and tag are not 53 characters of bcrypt's base64");
        if rest.len() != SALT_AND_TAG_CHARS {
            return Err(characters);
        }
        let (salt, tag) = rest.split_at_checked(SALT_CHARS).ok_or(characters)?;
        Ok(Bcrypt {
            has_end_mark,
            cost,
            salt: Hidden::decode(&BASE64, salt).ok_or(characters)?,
            tag: Hidden::decode(&BASE64, tag).ok_or(characters)?,
        })
    }
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

impl StoredHash for Bcrypt {
    fn scheme(&self) -> Scheme {
        Scheme::Bcrypt
    }

    fn parameters(&self) -> String {
        format!("cost {}", self.cost)
    }

    /// Other programs match a longer password by its first 72 bytes. Here it never matches, after the same work.
    fn matches(&self, password: &[u8], _: &mut Workspace) -> Result<bool, ResourceError> {
        let fits = password.len() <= KEY_BYTES;
        let end: &[u8] = if self.has_end_mark { &[0] } else { &[] };
        let key: Zeroizing<Vec<u8>> = Zeroizing::new(password.iter().chain(end).copied().take(KEY_BYTES).collect());
        // 24 bytes come out, of which the stored form has 23.
        let [tag @ .., _] = bcrypt::bcrypt(self.cost, *self.salt.get(), &key);
        Ok(self.tag.equals(&tag) & fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie";

    fn read(text: &str) -> Result<Bcrypt, HashError> {
        Bcrypt::read(text, &Ceilings::DEFAULT)
    }

    #[test]
    fn what_is_not_exactly_the_stored_form_is_refused() {
        assert!(read(HASH).is_ok());
        for text in [
            "$2b$4$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie",
            "$2b$004$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie",
            "$2b$+4$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie",
            "$2b$03$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie",
            "$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxci",
            "$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie ",
            "$2b$04$EGdrhbKUv8Oc9vGiXX0HQ+xSg445d458Muh7DAHskb6QbtCvdxcie",
            "$2b$04$EGdrhbKUv8Oc9vGiXX0HéxSg445d458Muh7DAHskb6QbtCvdxcie",
            "$2b$04EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie",
            "$2b$",
            "$2b$04$",
        ] {
            assert!(matches!(read(text), Err(HashError::Malformed { .. })), "{text}");
        }
    }

    // S-030
    #[test]
    fn the_cost_has_a_ceiling() {
        assert!(read(&HASH.replace("$04$", "$15$")).is_ok());
        for cost in ["$16$", "$31$", "$99$"] {
            assert!(matches!(read(&HASH.replace("$04$", cost)), Err(HashError::TooExpensive { ceiling: 15, .. })));
        }
    }

    #[test]
    fn the_faulty_variant_is_refused_with_its_reason() {
        let error = read(&HASH.replace("$2b$", "$2x$")).unwrap_err();
        assert!(matches!(error, HashError::Unsupported { .. }) && error.to_string().contains("$2x$"), "{error}");
    }

    // The hashes with which passlib holds itself to the same.
    #[test]
    fn random_bits_behind_salt_and_tag_do_not_matter() {
        // The 22nd character carries two bits of salt and four of nothing, the last one four bits of tag and two of nothing.
        for text in [
            "$2a$04$oaQbBqq8JnSM1NHRPQGXOOY4Vw3bdHKLIXTecPDRAcJ98cz1ilveO",
            "$2a$04$oaQbBqq8JnSM1NHRPQGXORY4Vw3bdHKLIXTecPDRAcJ98cz1ilveO",
            "$2a$04$yjDgE74RJkeqC0/1NheSSOrvKeu9IbKDpcQf/Ox3qsrRS/Kw42qIS",
            "$2a$04$yjDgE74RJkeqC0/1NheSScrvKeu9IbKDpcQf/Ox3qsrRS/Kw42qIS",
            "$2a$04$yjDgE74RJkeqC0/1NheSSOrvKeu9IbKDpcQf/Ox3qsrRS/Kw42qIV",
        ] {
            let hash = read(text).unwrap();
            assert!(hash.matches(b"test", &mut Workspace::default()).unwrap(), "{text}");
        }
        let other_bit = read("$2a$04$yjDgE74RJkeqC0/1NheSSOrvKeu9IbKDpcQf/Ox3qsrRS/Kw42qIW").unwrap();
        assert!(!other_bit.matches(b"test", &mut Workspace::default()).unwrap());
    }
}
