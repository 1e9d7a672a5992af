//! What can be wrong with a remote issuer: as it was named, and as it answers.

use std::error::Error;

use countersign_token::{KeyError, VerifyError};
use http::StatusCode;

/// Why no guard can be made for an issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// An issuer is an `https` URL without user, query and fragment (RFC 8414 section 2).
    #[error("the issuer is not a URL such as https://login.example.com, without user, query and fragment")]
    IssuerUrl,
    /// Keys that come over plain HTTP are whoever's sits in between.
    #[error("the issuer's keys would come over plain http, where anybody in between can replace them: use https")]
    PlainHttp,
    /// TLS needs certificates to begin with.
    #[error("this machine has no certificates to trust: install ca-certificates, or set SSL_CERT_FILE")]
    NoCertificates,
    /// The TLS library refuses to work.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The keys are fetched by a task, which needs a runtime to run in.
    #[error("there is no tokio runtime here: make the guard inside of one")]
    NoRuntime,
}

/// Why an attempt to fetch the keys failed. Nothing of an answer's text is repeated.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("no connection: {}", reasons(.0))]
    Connection(hyper_util::client::legacy::Error),
    #[error("no whole answer in time")]
    TooSlow,
    #[error("the answer has status {0}, and only 200 counts: redirects are not followed")]
    Status(StatusCode),
    #[error("the answer broke off or is longer than {0} bytes")]
    Body(usize),
    #[error("the metadata is not a JSON object")]
    Metadata,
    #[error("the metadata is that of another issuer: `issuer` must be equal to the one configured here, byte for byte")]
    OtherIssuer,
    #[error("the metadata's `jwks_uri` is missing or leads away from the issuer's own host")]
    JwksUri,
    #[error("the key set cannot be used: {0}")]
    Keys(#[from] KeyError),
    #[error("the key set holds a secret, which is one no longer")]
    Secret,
    #[error("there are no keys to check the list of statuses with")]
    NoKeys,
    #[error("the list of statuses is not good: {0}")]
    StatusList(#[from] VerifyError),
}

impl FetchError {
    /// Whether the issuer itself says that none of its keys holds any more.
    pub(super) fn is_withdrawal(&self) -> bool {
        matches!(self, Self::Keys(KeyError::EmptySet))
    }
}

/// An error with all its causes, in one line.
fn reasons(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line += ": ";
        line += &error.to_string();
        cause = error.source();
    }
    line
}
