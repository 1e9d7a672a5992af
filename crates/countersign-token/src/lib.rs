//! What an access token is: scopes, subjects, keys, claims, issuer and verifier; and the assertions of clients.
//!
//! Compact JWS (RFC 7515) and JWT access tokens (RFC 9068) by a codec of our own that is strict by construction;
//! aws-lc-rs makes and checks the signatures alone. No I/O, no HTTP, no clock: the time is a parameter named `now`,
//! in Unix seconds.
//!
//! ```
//! use countersign_token::{Algorithm, Issuer, KeySet, NewToken, SigningKey, Verifier, VerifyError};
//!
//! let now = 1_800_000_000;
//! let key = SigningKey::generate(Algorithm::Es256)?;
//! let keys = KeySet::new(vec![key.verification_key()])?;
//! let issuer = Issuer::new("https://as.example", key);
//! let verifier = Verifier::new("https://as.example", "https://api.example", keys);
//!
//! let request = NewToken::for_subject("user:ada")
//!     .client_id("web")
//!     .audience("https://api.example")
//!     .scope("me items:read".parse()?)
//!     .lifetime_s(1800);
//! let issued = issuer.issue(&request, now)?;
//!
//! let claims = verifier.verify(&issued.token, now)?;
//! assert_eq!(claims.subject(), "user:ada");
//! assert!(claims.scope().contains("items:read"));
//! assert_eq!(verifier.verify(&issued.token, now + 1800).unwrap_err(), VerifyError::Expired);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod scope;
mod subject;
mod base64url;
mod json;
mod algorithm;
mod key;
mod refusal;
pub mod jws;
mod inspection;
mod status;
mod claims;
mod assertion;
mod issuer;
mod verifier;
#[cfg(feature = "status-list")]
mod status_list;

pub use crate::algorithm::Algorithm;
pub use crate::assertion::ClientAssertion;
pub use crate::claims::{Claims, ClaimsError, is_subject};
pub use crate::inspection::{Inspected, inspect};
pub use crate::issuer::{IssueError, IssuedToken, Issuer, NewToken};
pub use crate::key::{KeyError, KeySet, SigningFailed, SigningKey, VerificationKey};
pub use crate::refusal::VerifyError;
pub use crate::scope::{ScopeSet, ScopeSyntaxError};
pub use crate::status::StatusReference;
#[cfg(feature = "status-list")]
pub use crate::status_list::{MAX_STATUS_LIST_TOKEN_BYTES, PublishedStatusList, StatusList, StatusListLives};
pub use crate::subject::{Subject, SubjectSyntaxError};
pub use crate::verifier::Verifier;
