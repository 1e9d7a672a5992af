//! What an access token is: scopes, subjects, keys, claims, issuer and verifier.
//!
//! Compact JWS (RFC 7515) and JWT access tokens (RFC 9068) by a codec of our own that is strict by construction;
//! aws-lc-rs makes and checks the signatures alone. No I/O, no HTTP, no clock: the time is a parameter named `now`,
//! in Unix seconds.

#![forbid(unsafe_code)]

pub mod scope;
pub mod subject;
pub mod algorithm;
pub mod key;
pub mod claims;
pub mod issuer;
pub mod verifier;

pub use crate::algorithm::Algorithm;
pub use crate::claims::{Claims, ClaimsError};
pub use crate::issuer::{IssueError, IssuedToken, Issuer, NewToken};
pub use crate::key::{KeyError, KeySet, SigningKey, VerificationKey};
pub use crate::scope::{ScopeSet, ScopeSyntaxError};
pub use crate::subject::{Subject, SubjectSyntaxError};
pub use crate::verifier::{Inspected, Verifier, VerifyError, inspect};
