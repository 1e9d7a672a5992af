//! bcrypt over a digest of the password, so that its 72 bytes are enough for any: Django's `bcrypt_sha256$$2b$12$…`, passlib's
//! `$bcrypt-sha256$v=2,t=2b,r=12$SALT$TAG` and `$bcrypt-sha256$2b,12$SALT$TAG`, `WordPress` 6.8's `$wp$2y$10$…`; and Django's
//! `bcrypt$$2b$12$…`, which is bcrypt under another name. Verified only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha384};
use zeroize::Zeroizing;

use crate::format::bcrypt::Bcrypt;
use crate::format::text::{decimal, hexadecimal_of, pieces};
use crate::format::{Family, StoredHash, wordpress};
use crate::kernel::Workspace;
use crate::policy::Ceilings;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family = Family {
    prefixes: &["bcrypt$$", "bcrypt_sha256$$", "$bcrypt-sha256$", "$wp$"],
    read: |text, ceilings| read(text, ceilings),
};

/// What bcrypt is given instead of the password.
#[derive(Debug, Clone)]
enum Prehash {
    /// SHA-256 in hexadecimal: Django.
    Hexadecimal,
    /// SHA-256 in base64: passlib, at first.
    Base64,
    /// HMAC-SHA-256 in base64, under the salt as it is written: passlib, since 1.7.3.
    Salted(String),
    /// HMAC-SHA-384 in base64, under a fixed key, of the password without white space at its ends: `WordPress`.
    WordPress,
}

/// bcrypt of a digest.
#[derive(Debug)]
struct Prehashed {
    scheme: Scheme,
    prehash: Prehash,
    bcrypt: Bcrypt,
}

fn read(text: &str, ceilings: &Ceilings) -> Result<Box<dyn StoredHash>, HashError> {
    // bcrypt's own form begins with the dollar sign that ends the name.
    if text.starts_with("bcrypt$$") {
        return Ok(Box::new(Bcrypt::read(text.trim_start_matches("bcrypt$"), ceilings)?));
    }
    let mut ceilings = *ceilings;
    let (scheme, prehash, inner) = if text.starts_with("bcrypt_sha256$$") {
        (Scheme::BcryptSha256, Prehash::Hexadecimal, text.trim_start_matches("bcrypt_sha256$").to_owned())
    } else if let Some(rest) = text.strip_prefix("$wp") {
        // It is computed twice.
        ceilings.bcrypt_cost = ceilings.bcrypt_cost.saturating_sub(1);
        (Scheme::WordPress, Prehash::WordPress, rest.to_owned())
    } else {
        let rest = text.strip_prefix("$bcrypt-sha256$").ok_or(HashError::UnknownFormat)?;
        let (prehash, inner) = passlib(rest).ok_or(HashError::Malformed {
            scheme: Scheme::BcryptSha256,
            reason: "it does not consist of version, kind and cost, salt and tag",
        })?;
        (Scheme::BcryptSha256, prehash, inner)
    };
    Ok(Box::new(Prehashed { scheme, prehash, bcrypt: Bcrypt::read(&inner, &ceilings)? }))
}

/// The parts of passlib's form, put together as bcrypt's own.
fn passlib(text: &str) -> Option<(Prehash, String)> {
    let [parameters, salt, tag] = pieces(text)?;
    let (prehash, kind, cost) = if let Some(rest) = parameters.strip_prefix("v=2,t=") {
        let (kind, cost) = rest.split_once(",r=")?;
        (Prehash::Salted(salt.to_owned()), kind, cost)
    } else {
        let (kind, cost) = parameters.split_once(',')?;
        (Prehash::Base64, kind, cost)
    };
    let cost = decimal(cost)?;
    Some((prehash, format!("${kind}${cost:02}${salt}{tag}")))
}

impl Prehash {
    fn of(&self, password: &[u8]) -> Zeroizing<String> {
        let text = match self {
            Prehash::Hexadecimal => return hexadecimal_of(&Sha256::digest(password)),
            Prehash::Base64 => STANDARD.encode(Sha256::digest(password)),
            Prehash::Salted(salt) => match Hmac::<Sha256>::new_from_slice(salt.as_bytes()) {
                Ok(mac) => STANDARD.encode(mac.chain_update(password).finalize().into_bytes()),
                // A key of any length is taken.
                Err(_) => String::new(),
            },
            Prehash::WordPress => match Hmac::<Sha384>::new_from_slice(b"wp-sha384") {
                Ok(mac) => STANDARD.encode(mac.chain_update(wordpress::trimmed(password)).finalize().into_bytes()),
                Err(_) => String::new(),
            },
        };
        Zeroizing::new(text)
    }
}

impl Prehashed {
    fn is_of(&self, password: &[u8], workspace: &mut Workspace) -> Result<bool, ResourceError> {
        self.bcrypt.matches(self.prehash.of(password).as_bytes(), workspace)
    }
}

impl StoredHash for Prehashed {
    fn scheme(&self) -> Scheme {
        self.scheme
    }

    fn parameters(&self) -> String {
        let twice = if self.scheme == Scheme::WordPress { ", twice" } else { "" };
        self.bcrypt.parameters() + twice
    }

    fn matches(&self, password: &[u8], workspace: &mut Workspace) -> Result<bool, ResourceError> {
        let matches = self.is_of(password, workspace)?;
        if self.scheme != Scheme::WordPress {
            return Ok(matches);
        }
        // Both, whatever was typed: see there.
        Ok(self.is_of(&wordpress::submitted(password), workspace)? | matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // S-030
    #[test]
    fn a_hash_that_is_computed_twice_has_a_lower_ceiling() {
        let text = |cost| format!("$wp$2y${cost}$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW");
        assert!(read(&text(14), &Ceilings::DEFAULT).is_ok());
        let error = read(&text(15), &Ceilings::DEFAULT).unwrap_err();
        assert!(matches!(error, HashError::TooExpensive { ceiling: 14, .. }), "{error}");
    }
}
