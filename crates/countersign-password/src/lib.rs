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

//!
//! # Stored forms
//!
//! Each is taken as it stands in the other program's table, and recognised by how it begins.
//!
//! | form | of |
//! |---|---|
//! | `$argon2id$`, `$argon2i$`, `$argon2d$`, versions 16 and 19 | PHC strings: pwdlib, argon2-cffi, passlib, PHP; new hashes here |
//! | `argon2$argon2id$…`, `pbkdf2_sha256$`, `pbkdf2_sha1$`, `scrypt$`, `bcrypt_sha256$$`, `bcrypt$$` | Django |
//! | `$2b$`, `$2a$`, `$2y$`, `$2$` | bcrypt: passlib, PHP, Ruby, Node. `$2x$` is refused: its passwords collide |
//! | `$bcrypt-sha256$` (versions 1 and 2), `$pbkdf2-sha256$`, `$pbkdf2-sha512$`, `$pbkdf2$`, `$scrypt$` | passlib; PHC strings |
//! | `scrypt:N:r:p$`, `pbkdf2:sha256:…$` and every other SHA-2, `pbkdf2:sha1:…$` | Werkzeug, so Flask |
//! | `$5$`, `$6$`, `$1$` | crypt(3): Linux, BSD |
//! | `$P$`, `$wp$2y$` | `WordPress` before 6.8, and since: as it was typed, and as its forms hand it on, with `\` before quotation marks |
//! | `$P$`, `$H$`, `$S$` | phpass, phpBB, Drupal 7 |
//! | `U$S$`, `U$P$`, `U$H$` | Drupal 7 over the MD5 that Drupal 6 had kept |
//! | base64 that begins with `A` | ASP.NET Core Identity, versions 2 and 3 |
//! | `{"secretData":…,"credentialData":…}` | Keycloak, with PBKDF2 or Argon2, and with white space as JSON allows it |
//! | `{SSHA}`, `{SSHA256}`, `{SSHA512}`, `{PBKDF2-SHA256}` and its kin | LDAP servers |
//! | `$firebase-scrypt$ln=…,r=…$SALT$SEPARATOR$SIGNER$TAG` | Firebase: the parameters of the project's export, which has no form of its own, and a user's salt and hash |
//! | `$fbscrypt$v=1,n=…,r=…,p=…,ss=…,sk=…$SALT$TAG` | the same in Supabase |
//!
//! A form without a place for long passwords (bcrypt) never matches one by its first 72 bytes. Parameters that would cost
//! more than the [`Ceilings`] are refused when they are read.

mod password;
mod policy;
mod scheme;
mod pepper;
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
pub use crate::pepper::{Pepper, PepperId, Peppers};
pub use crate::policy::{Argon2Params, Ceilings, ParamsError, Policy};
#[cfg(feature = "pool")]
pub use crate::pool::{HashPool, HashTime, PoolError, PoolSettings, PoolStats, Refusals, Source};
pub use crate::resource::ResourceError;
pub use crate::scheme::{HashError, Scheme};
