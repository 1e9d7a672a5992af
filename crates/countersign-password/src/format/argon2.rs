//! Argon2id, Argon2i and Argon2d as PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`. Without `v=` the version is
//! 16, as the first programs wrote it. Django writes its name before it: `argon2$argon2id$…`. Behind the parameters `keyid=…`
//! names the pepper, where there is one.

use std::fmt;
use std::ops::RangeInclusive;

use argon2::{Algorithm, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::format::text::{Hidden, decimal};
use crate::format::{Family, StoredHash};
use crate::kernel::{Input, Settings, Workspace};
use crate::pepper::{Pepper, PepperId};
use crate::policy::{Ceilings, Policy, work_kib};
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family = Family {
    prefixes: &["$argon2id$", "$argon2i$", "$argon2d$", "argon2$argon2id$", "argon2$argon2i$", "argon2$argon2d$"],
    read: |text, ceilings| Ok(Box::new(Argon2Hash::read(text, ceilings)?)),
};

/// Bytes of salt and tag of a new hash.
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// Bytes of salt that are taken from elsewhere: RFC 9106 asks for 8.
const SALTS: RangeInclusive<usize> = 8..=64;
/// Bytes of tag that are taken from elsewhere: shorter ones would be met by chance.
const TAGS: RangeInclusive<usize> = 16..=64;

/// A hash of the Argon2 family.
#[derive(Debug, Clone)]
pub(crate) struct Argon2Hash {
    /// Whether Django's name stands before it: another program's, whoever may have made it.
    is_djangos: bool,
    settings: Settings,
    pepper: Option<PepperId>,
    salt: Hidden,
    tag: Hidden,
}

impl Argon2Hash {
    /// Makes a new hash.
    pub(crate) fn make(
        policy: &Policy,
        pepper: Option<PepperId>,
        password: &[u8],
        salt: [u8; SALT_BYTES],
        workspace: &mut Workspace,
    ) -> Result<Argon2Hash, ResourceError> {
        let mut hash = Argon2Hash::decoy(policy, pepper);
        hash.salt = Hidden::new(salt.to_vec());
        hash.tag = Hidden::new(hash.tag_of(password, workspace)?);
        Ok(hash)
    }

    /// A hash that costs what a new one costs and belongs to no password.
    pub(crate) fn decoy(policy: &Policy, pepper: Option<PepperId>) -> Argon2Hash {
        Argon2Hash {
            is_djangos: false,
            settings: Settings::for_new_hashes(policy.argon2),
            pepper,
            salt: Hidden::new(vec![0; SALT_BYTES]),
            tag: Hidden::new(vec![0; TAG_BYTES]),
        }
    }

    /// What the tag would be for this password.
    fn tag_of(&self, password: &[u8], workspace: &mut Workspace) -> Result<Vec<u8>, ResourceError> {
        let pepper = workspace.pepper(self.pepper)?;
        let secret = pepper.as_ref().map(Pepper::key).unwrap_or_default();
        let mut tag = vec![0; self.tag.get().len()];
        self.settings.compute(Input { password, salt: self.salt.get(), secret }, workspace, &mut tag)?;
        Ok(tag)
    }

    pub(super) fn read(text: &str, ceilings: &Ceilings) -> Result<Argon2Hash, HashError> {
        let is_djangos = text.starts_with("argon2$");
        let (variant, fields) = variant(text.strip_prefix("argon2").filter(|_| is_djangos).unwrap_or(text))?;
        let malformed = |reason| HashError::Malformed { scheme: scheme(variant), reason };

        let fields: Vec<&str> = fields.split('$').take(5).collect();
        let (version, params, salt, tag) = match *fields.as_slice() {
            [params, salt, tag] | ["v=16", params, salt, tag] => (Version::V0x10, params, salt, tag),
            ["v=19", params, salt, tag] => (Version::V0x13, params, salt, tag),
            [_, _, _, _] => return Err(malformed("the version is not 16 or 19")),
            _ => return Err(malformed("it does not consist of version, parameters, salt and tag")),
        };
        let (params, pepper) = match params.split_once(",keyid=") {
            Some((params, id)) => (params, Some(PepperId::read(id).ok_or(malformed("the keyid is none of a pepper"))?)),
            None => (params, None),
        };
        let [memory_kib, iterations, parallelism] =
            numbers(params).ok_or(malformed("the parameters are not m=…,t=…,p=…"))?;
        let settings = Settings { variant, version, memory_kib, iterations, parallelism };
        check_cost(&settings, ceilings)?;
        if !settings.are_possible() {
            return Err(malformed("the parameters are out of the range of RFC 9106"));
        }

        let salt = bytes(salt, &SALTS).ok_or(malformed("the salt is not 8 to 64 bytes in base64"))?;
        let tag = bytes(tag, &TAGS).ok_or(malformed("the tag is not 16 to 64 bytes in base64"))?;
        Ok(Argon2Hash { is_djangos, settings, pepper, salt, tag })
    }
}

/// What the text says behind `$argon2`, and the rest of it.
fn variant(text: &str) -> Result<(Algorithm, &str), HashError> {
    let (name, rest) = text.strip_prefix('$').and_then(|text| text.split_once('$')).ok_or(HashError::UnknownFormat)?;
    let variant = match name {
        "argon2id" => Algorithm::Argon2id,
        "argon2i" => Algorithm::Argon2i,
        "argon2d" => Algorithm::Argon2d,
        _ => return Err(HashError::UnknownFormat),
    };
    Ok((variant, rest))
}

/// The numbers of `m=…,t=…,p=…`.
fn numbers(params: &str) -> Option<[u32; 3]> {
    let (memory, rest) = params.strip_prefix("m=")?.split_once(",t=")?;
    let (iterations, parallelism) = rest.split_once(",p=")?;
    Some([decimal(memory)?, decimal(iterations)?, decimal(parallelism)?])
}

/// The bytes of a salt or a tag, of a length in this range.
fn bytes(text: &str, lengths: &RangeInclusive<usize>) -> Option<Hidden> {
    Hidden::<Vec<u8>>::decode(&STANDARD_NO_PAD, text).filter(|bytes| lengths.contains(&bytes.get().len()))
}

fn check_cost(settings: &Settings, ceilings: &Ceilings) -> Result<(), HashError> {
    let memory = (settings.memory_kib.into(), ceilings.argon2_memory_kib.into(), "memory in KiB");
    let work = work_kib(settings.memory_kib, settings.iterations);
    for (found, ceiling, quantity) in [memory, (work, ceilings.argon2_work_kib, "memory times iterations in KiB")] {
        if found > ceiling {
            return Err(HashError::TooExpensive { scheme: scheme(settings.variant), quantity, found, ceiling });
        }
    }
    Ok(())
}

fn scheme(variant: Algorithm) -> Scheme {
    match variant {
        Algorithm::Argon2id => Scheme::Argon2id,
        Algorithm::Argon2i => Scheme::Argon2i,
        Algorithm::Argon2d => Scheme::Argon2d,
    }
}

impl StoredHash for Argon2Hash {
    fn scheme(&self) -> Scheme {
        scheme(self.settings.variant)
    }

    fn parameters(&self) -> String {
        let Settings { version, memory_kib, iterations, parallelism, .. } = self.settings;
        let old = if version == Version::V0x10 { "v=16 " } else { "" };
        format!("{old}m={memory_kib} t={iterations} p={parallelism}")
    }

    fn memory_kib(&self) -> u32 {
        self.settings.memory_kib
    }

    /// An attacker pays for the memory and for what is written to it; lanes only help whoever has the cores.
    fn is_outdated(&self, policy: &Policy) -> bool {
        let (now, new) = (&self.settings, Settings::for_new_hashes(policy.argon2));
        self.is_djangos
            || (now.variant, now.version) != (new.variant, new.version)
            || now.memory_kib < new.memory_kib
            || work_kib(now.memory_kib, now.iterations) < work_kib(new.memory_kib, new.iterations)
            || self.salt.get().len() < SALT_BYTES
            || self.tag.get().len() < TAG_BYTES
    }

    fn may_be_ours(&self) -> bool {
        !self.is_djangos
    }

    fn pepper(&self) -> Option<PepperId> {
        self.pepper
    }

    fn matches(&self, password: &[u8], workspace: &mut Workspace) -> Result<bool, ResourceError> {
        Ok(self.tag.equals(&self.tag_of(password, workspace)?))
    }
}

/// The stored form.
impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { version, memory_kib, iterations, parallelism, .. } = self.settings;
        let (scheme, version) = (self.scheme(), u32::from(version));
        let (salt, tag) = (STANDARD_NO_PAD.encode(self.salt.get()), STANDARD_NO_PAD.encode(self.tag.get()));
        f.write_str(if self.is_djangos { "argon2" } else { "" })?;
        write!(f, "${scheme}$v={version}$m={memory_kib},t={iterations},p={parallelism}")?;
        if let Some(pepper) = self.pepper {
            write!(f, ",keyid={pepper}")?;
        }
        write!(f, "${salt}${tag}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Argon2Params;

    const OWASP: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$YGF6eR+fyi7PrMv+lCGz/FLA2RIaMacQaExmG3t0qH0";

    fn read(text: &str) -> Argon2Hash {
        Argon2Hash::read(text, &Ceilings::DEFAULT).unwrap()
    }

    #[test]
    fn a_hash_is_written_as_it_was_read() {
        for text in [
            OWASP,
            &OWASP.replace("argon2id$v=19", "argon2d$v=16"),
            &OWASP.replace("p=1", "p=2432"),
            &OWASP.replace("p=1", "p=1,keyid=AAECAwQF"),
        ] {
            assert_eq!(read(text).to_string(), text);
        }
    }

    //
    #[test]
    fn a_hash_is_outdated_by_whatever_is_weaker_than_the_policy() {
        let outdated = |text: &str| read(text).is_outdated(&Policy::new(Argon2Params::OWASP));
        for params in ["m=19456,t=2,p=1", "m=19456,t=2,p=8", "m=19457,t=2,p=1", "m=47104,t=1,p=1", "m=65536,t=3,p=4"] {
            assert!(!outdated(&OWASP.replace("m=19456,t=2,p=1", params)), "{params}");
        }
        for (from, to) in [
            ("m=19456,t=2", "m=19456,t=1"),
            ("m=19456,t=2", "m=38911,t=1"),
            ("m=19456,t=2", "m=19455,t=9"),
            ("argon2id", "argon2i"),
            ("argon2id", "argon2d"),
            ("v=19", "v=16"),
            ("AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0O"),
            ("YGF6eR+fyi7PrMv+lCGz/FLA2RIaMacQaExmG3t0qH0", "YGF6eR+fyi7PrMv+lCGz/FLA2RIaMacQaExmG3t0qA"),
        ] {
            assert!(outdated(&OWASP.replace(from, to)), "{to}");
        }
    }
}
