//! The token request of RFC 6749, and what a token endpoint answers.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod strict;
mod client;
mod password;

pub use answer::{TokenAnswer, TokenError, TokenErrorCode};
pub use body::{BodyError, read_body};
pub use client::ClientCredentials;
pub use password::PasswordForm;
pub use strict::{FormError, StrictForm};
