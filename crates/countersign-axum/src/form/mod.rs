//! The token request: forms as RFC 6749 wants them, and as FastAPI takes them.

mod answer;
mod body;
mod strict;
mod client;
mod password;
#[cfg(feature = "fastapi")]
mod fastapi_error;
#[cfg(feature = "fastapi")]
mod lenient;
#[cfg(feature = "fastapi")]
mod fastapi;

pub use answer::{TokenAnswer, TokenError, TokenErrorCode};
pub use body::{BodyError, read_body};
pub use client::ClientCredentials;
#[cfg(feature = "fastapi")]
pub use fastapi::FastApiPasswordForm;
#[cfg(feature = "fastapi")]
pub use fastapi_error::{FastApiFormError, FieldError};
pub use password::PasswordForm;
pub use strict::{FormError, StrictForm};
