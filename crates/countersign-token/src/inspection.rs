//! Tokens for people to look at.

use serde_json::{Map, Value};

use crate::json;
use crate::jws::{MAX_TOKEN_BYTES, Segments};
use crate::refusal::VerifyError;

/// A token taken apart for people to look at. Nobody has vouched for anything in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspected {
    /// The header's members.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// Takes a token apart **without verifying anything**: for looking at tokens, never for deciding on one.
///
/// It asks for the form only: three segments of base64url, header and claims JSON objects.
///
/// ```
/// let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.AA";
/// let seen = countersign_token::inspect(token)?;
/// assert_eq!(seen.header["alg"], "none");
/// assert_eq!(seen.claims["sub"], "ada");
/// # Ok::<(), countersign_token::VerifyError>(())
/// ```
pub fn inspect(token: &str) -> Result<Inspected, VerifyError> {
    let segments = Segments::split(token, MAX_TOKEN_BYTES)?;
    Ok(Inspected {
        header: json::object(&segments.header).map_err(|_| VerifyError::Malformed)?,
        claims: json::object(&segments.payload).map_err(|_| VerifyError::MalformedClaims)?,
    })
}
