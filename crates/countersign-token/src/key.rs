//! Keys: one key, one algorithm. Whatever is weak, malformed or meant for something else is refused at load.

mod error;
mod primitive;
mod pem;
mod rsa;
mod edwards;
mod public;
mod jwk;
mod verification;
mod signing;
mod set;

pub use error::{KeyError, SigningFailed};
pub(crate) use jwk::MAX_KID_BYTES;
pub use set::KeySet;
pub use signing::SigningKey;
pub use verification::VerificationKey;
