//! What a password hash is: stored forms, verification, upgrade, cost limits, and (feature `pool`) hashing on threads
//! of its own within a memory budget.

mod password;
mod policy;
mod hash;
mod hasher;
#[cfg(feature = "pool")]
mod pool;

pub use crate::hash::{HashError, PasswordHash, Scheme};
pub use crate::hasher::{Hasher, ResourceError, Verdict};
pub use crate::password::{Password, PasswordError};
pub use crate::policy::{Argon2Params, Ceilings, ParamsError, Policy};
#[cfg(feature = "pool")]
pub use crate::pool::{HashPool, PoolError, PoolSettings, PoolStats};
