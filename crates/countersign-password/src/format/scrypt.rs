//! scrypt: PHC strings (`$scrypt$ln=15,r=8,p=1$SALT$TAG`, passlib's as well), Werkzeug's `scrypt:32768:8:1$SALT$TAG` and
//! Django's `scrypt$32768$SALT$8$1$TAG`. Verified only.

use std::fmt;

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use scrypt::Params;

use crate::format::text::{Hidden, decimal, hexadecimal, pieces};
use crate::format::{Family, StoredHash};
use crate::kernel::Workspace;
use crate::policy::Ceilings;
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

pub(super) const FAMILY: Family = Family {
    prefixes: &["$scrypt$", "scrypt:", "scrypt$"],
    read: |text, ceilings| Ok(Box::new(Scrypt::read(text, ceilings)?)),
};

const TAGS: std::ops::RangeInclusive<usize> = 16..=64;

/// How much scrypt works: N is 2 to the power of `log_n`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    log_n: u8,
    r: u32,
    p: u32,
}

impl Cost {
    /// Checks the numbers against the ceilings.
    pub(super) fn new(
        log_n: Option<u32>,
        r: Option<u32>,
        p: Option<u32>,
        ceilings: &Ceilings,
    ) -> Result<Cost, HashError> {
        let scheme = Scheme::Scrypt;
        let malformed =
            HashError::Malformed { scheme, reason: "the cost is not three numbers in the range of RFC 7914" };
        let (Some(log_n @ 1..=31), Some(r @ 1..=1024), Some(p @ 1..=1024)) = (log_n, r, p) else {
            return Err(malformed);
        };
        let cost = Cost { log_n: u8::try_from(log_n).map_err(|_| malformed)?, r, p };
        let work = u64::from(cost.memory_kib()) * u64::from(p);
        let memory = (u64::from(cost.memory_kib()), ceilings.scrypt_memory_kib.into(), "memory in KiB");
        for (found, ceiling, quantity) in [memory, (work, ceilings.scrypt_work_kib, "memory times p in KiB")] {
            if found > ceiling {
                return Err(HashError::TooExpensive { scheme, quantity, found, ceiling });
            }
        }
        Ok(cost)
    }

    /// 128 bytes for each of N times r, and for each of p times r.
    pub(super) fn memory_kib(self) -> u32 {
        let blocks = (1_u64 << self.log_n) + u64::from(self.p);
        u32::try_from(blocks * u64::from(self.r) / 8 + 1).unwrap_or(u32::MAX)
    }

    /// Derives as many bytes as there is room for. The library takes memory of its own, so what is lent is given back first:
    /// the pool's budget counts one of them.
    pub(super) fn derive(
        self,
        password: &[u8],
        salt: &[u8],
        workspace: &mut Workspace,
        derived: &mut [u8],
    ) -> Result<(), ResourceError> {
        workspace.memory.give_back();
        let params = Params::new(self.log_n, self.r, self.p).map_err(|_| ResourceError::Memory)?;
        scrypt::scrypt(password, salt, &params, derived).map_err(|_| ResourceError::Memory)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ln={} r={} p={}", self.log_n, self.r, self.p)
    }
}

/// A hash by scrypt.
#[derive(Debug)]
struct Scrypt {
    cost: Cost,
    salt: Hidden,
    tag: Hidden,
}

impl Scrypt {
    fn read(text: &str, ceilings: &Ceilings) -> Result<Scrypt, HashError> {
        let malformed = |reason| HashError::Malformed { scheme: Scheme::Scrypt, reason };
        let shape = malformed("it does not consist of a cost, salt and tag");
        let (cost, salt, tag) = if let Some(rest) = text.strip_prefix("$scrypt$") {
            let [cost, salt, tag] = pieces(rest).ok_or(shape)?;
            let (cost, p) = cost.split_once(",p=").ok_or(shape)?;
            let (log_n, r) = cost.strip_prefix("ln=").and_then(|cost| cost.split_once(",r=")).ok_or(shape)?;
            let decode = |text| Hidden::<Vec<u8>>::decode(&STANDARD_NO_PAD, text).map(|bytes| bytes.get().clone());
            (Cost::new(decimal(log_n), decimal(r), decimal(p), ceilings)?, decode(salt), decode(tag))
        } else if let Some(rest) = text.strip_prefix("scrypt:") {
            let [cost, salt, tag] = pieces(rest).ok_or(shape)?;
            let mut numbers = cost.split(':').map(decimal);
            let (Some(n), Some(r), Some(p), None) = (numbers.next(), numbers.next(), numbers.next(), numbers.next())
            else {
                return Err(shape);
            };
            (Cost::new(log2(n), r, p, ceilings)?, text_salt(salt), hexadecimal(tag))
        } else {
            let rest = text.strip_prefix("scrypt$").ok_or(HashError::UnknownFormat)?;
            let [n, salt, r, p, tag] = pieces(rest).ok_or(shape)?;
            let tag = Hidden::<Vec<u8>>::decode(&STANDARD, tag).map(|bytes| bytes.get().clone());
            (Cost::new(log2(decimal(n)), decimal(r), decimal(p), ceilings)?, text_salt(salt), tag)
        };
        let salt = salt.filter(|salt| !salt.is_empty()).ok_or(malformed("the salt is empty or not well written"))?;
        let tag = tag.filter(|tag| TAGS.contains(&tag.len()));
        let tag = tag.ok_or(malformed("the tag is not 16 to 64 bytes, well written"))?;
        Ok(Scrypt { cost, salt: Hidden::new(salt), tag: Hidden::new(tag) })
    }
}

fn log2(n: Option<u32>) -> Option<u32> {
    n.filter(|n| n.is_power_of_two()).map(u32::trailing_zeros)
}

/// A salt that is hashed as the text it is.
fn text_salt(text: &str) -> Option<Vec<u8>> {
    (!text.contains(char::is_control)).then(|| text.as_bytes().to_vec())
}

impl StoredHash for Scrypt {
    fn scheme(&self) -> Scheme {
        Scheme::Scrypt
    }

    fn parameters(&self) -> String {
        self.cost.to_string()
    }

    fn memory_kib(&self) -> u32 {
        self.cost.memory_kib()
    }

    fn matches(&self, password: &[u8], workspace: &mut Workspace) -> Result<bool, ResourceError> {
        let mut tag = vec![0; self.tag.get().len()];
        self.cost.derive(password, self.salt.get(), workspace, &mut tag)?;
        Ok(self.tag.equals(&tag))
    }
}
