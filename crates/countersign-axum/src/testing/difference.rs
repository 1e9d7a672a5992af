//! How a router and its document can part, in words.

use std::fmt;

use http::StatusCode;

/// Where a router and its document part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The operation, such as `GET /items/{id}`.
    pub operation: String,
    /// What is wrong with it.
    pub kind: DifferenceKind,
}

/// How a router and its document part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// Documented as guarded, and answered this to a request without a token, not 401 with a bearer challenge.
    LetsPass(StatusCode),
    /// Documented as open, and refuses a request without a token.
    Refuses,
    /// Documented as guarded, or guarded when a token is there, and answered this to a bad token.
    TakesBadToken(StatusCode),
    /// Documented as open, and refuses a bad token.
    RefusesBadToken,
    /// The document names no operation at all: nothing was compared.
    NothingDocumented,
    /// In the document, and not served: 405 for the method.
    NotServed,
    /// Its security names a scheme that the document does not define.
    UnknownScheme(String),
    /// Its security names a scope that the scheme does not define.
    UnknownScope(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ", self.operation)?;
        match &self.kind {
            DifferenceKind::LetsPass(status) => {
                write!(formatter, "is documented as guarded and answers {status} without a token")
            }
            DifferenceKind::Refuses => {
                formatter.write_str("is documented as open and refuses a request without a token")
            }
            DifferenceKind::TakesBadToken(status) => {
                write!(formatter, "is documented as guarded and answers {status} to a bad token")
            }
            DifferenceKind::RefusesBadToken => formatter.write_str("is documented as open and refuses a bad token"),
            DifferenceKind::NothingDocumented => formatter.write_str("names no operation: nothing was compared"),
            DifferenceKind::NotServed => formatter.write_str("is documented and not served"),
            DifferenceKind::UnknownScheme(name) => write!(formatter, "demands the undefined security scheme {name}"),
            DifferenceKind::UnknownScope(name) => write!(formatter, "demands the undefined scope {name}"),
        }
    }
}
