//! Compact JWS (RFC 7515): taking tokens apart, checking the signature, and signing. Knows nothing of claims.

use serde_json::{Map, Value};

use crate::base64url;
use crate::json;
use crate::key::{KeySet, VerificationKey};
use crate::refusal::VerifyError;

/// The most bytes of a token unless a verifier says otherwise (R-060).
pub const MAX_TOKEN_BYTES: usize = 8192;

/// The most bytes of a key identifier in a header (R-066).
const MAX_KID_BYTES: usize = 128;

/// A JWS that is taken apart and not yet verified. What it says can be had only through [`verify`](Self::verify).
#[derive(Debug)]
pub struct Unverified<'a> {
    signing_input: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// What a header says that the choice of a key depends on.
#[derive(Clone, Debug)]
pub struct Header {
    algorithm: String,
    kid: Option<String>,
    typ: Option<String>,
}

/// A JWS whose signature is good.
#[derive(Debug)]
pub struct Verified {
    /// The header that the signature covers.
    pub header: Header,
    /// The bytes that the signature covers.
    pub payload: Vec<u8>,
}

/// Checks a compact JWS of at most [`MAX_TOKEN_BYTES`] by the keys of a set and returns its payload.
///
/// This is signature and key choice alone: what the payload means, and for whom, is not looked at. For access tokens
/// use a [`Verifier`](crate::Verifier).
pub fn verify(token: &str, keys: &KeySet) -> Result<Vec<u8>, VerifyError> {
    let jws = Unverified::parse(token, MAX_TOKEN_BYTES)?;
    let key = keys.select(jws.header().kid()).ok_or(VerifyError::UnknownKey)?;
    jws.verify(key).map(|verified| verified.payload)
}

impl<'a> Unverified<'a> {
    /// Takes a token apart: length first, then its form, then the header (R-060 to R-062, R-068).
    pub fn parse(token: &'a str, max_token_bytes: usize) -> Result<Self, VerifyError> {
        let segments = Segments::split(token, max_token_bytes)?;
        let header = Header::read(json::object(&segments.header).map_err(|_| VerifyError::Malformed)?)?;
        let Segments { signing_input, payload, signature, .. } = segments;
        Ok(Self { signing_input, header, payload, signature })
    }

    /// The header, which nobody has vouched for yet.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Checks algorithm and signature. The algorithm is the key's; the header has to agree (R-063, R-064).
    pub fn verify(self, key: &VerificationKey) -> Result<Verified, VerifyError> {
        if self.header.algorithm != key.algorithm().name() {
            return Err(VerifyError::WrongAlgorithm);
        }
        if !key.accepts(self.signing_input.as_bytes(), &self.signature) {
            return Err(VerifyError::BadSignature);
        }
        Ok(Verified { header: self.header, payload: self.payload })
    }
}

/// The three segments, decoded.
struct Segments<'a> {
    signing_input: &'a str,
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Segments<'a> {
    fn split(token: &'a str, max_token_bytes: usize) -> Result<Self, VerifyError> {
        if token.len() > max_token_bytes {
            return Err(VerifyError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(VerifyError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(VerifyError::Malformed)?;
        // A further dot, like any other character that is not base64url's, is refused by the decoding.
        let decode = |segment: &str| match base64url::decode(segment) {
            Ok(bytes) if !bytes.is_empty() => Ok(bytes),
            _ => Err(VerifyError::Malformed),
        };
        Ok(Self { signing_input, header: decode(header)?, payload: decode(payload)?, signature: decode(signature)? })
    }
}

impl Header {
    /// Members that are not named here (`jku`, `jwk`, `x5u`, …) are never looked at (R-067).
    fn read(mut members: Map<String, Value>) -> Result<Self, VerifyError> {
        if ["crit", "b64", "zip", "enc", "cty"].iter().any(|name| members.contains_key(*name)) {
            return Err(VerifyError::UnsupportedHeader);
        }
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(VerifyError::Malformed),
            None => Ok(None),
        };
        let header =
            Self { algorithm: text("alg")?.ok_or(VerifyError::Malformed)?, kid: text("kid")?, typ: text("typ")? };
        match &header.kid {
            Some(kid) if kid.len() > MAX_KID_BYTES => Err(VerifyError::Malformed),
            _ => Ok(header),
        }
    }

    /// The identifier of the key.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What kind of token it is.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

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
