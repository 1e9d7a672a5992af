//! What a password hash is: which stored forms are read, how a password is verified against them and within which
//! cost, when a hash is outdated, and how new ones are made (Argon2id).
//!
//! No I/O. Hashing takes milliseconds of a core and megabytes: the feature `pool` runs it on threads of its own, within
//! a memory budget, behind async functions.
//!
//! ```
//! use countersign_password::{Hasher, Password, PasswordHash, Policy, Verdict};
//!
//! let hasher = Hasher::new(Policy::default());
//! let stored = hasher.hash(&Password::new("correct horse battery staple".to_owned())?)?;
//! assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
//!
//! // A hash that another program made is verified as it stands, and the verdict says that it can be replaced.
//! let foreign = PasswordHash::parse("$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie")?;
//! let password = Password::new("correctbatteryhorsestapler".to_owned())?;
//! assert_eq!(hasher.verify(&password, Some(&foreign))?, Verdict::MatchOutdated);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod password;
mod policy;
mod scheme;
mod resource;
mod kernel;
mod format;
mod hash;
mod hasher;
#[cfg(feature = "pool")]
mod pool;

pub use crate::hash::PasswordHash;
pub use crate::hasher::{Hasher, Verdict};
pub use crate::kernel::Kernel;
pub use crate::password::{Password, PasswordError};
pub use crate::policy::{Argon2Params, Ceilings, ParamsError, Policy};
#[cfg(feature = "pool")]
pub use crate::pool::{HashPool, HashTime, PoolError, PoolSettings, PoolStats, Refusals, Source};
pub use crate::resource::ResourceError;
pub use crate::scheme::{HashError, Scheme};
