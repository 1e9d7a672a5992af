//! Why a token is refused. The texts are fixed: nothing of the token, the key or what was expected is in them.

/// Why a token was refused.
///
/// The checks run in the order of this list; the signature stands before everything that the claims say, so that an
/// expired token with a bad signature is a [`BadSignature`](Self::BadSignature).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token is longer than the verifier allows.
    #[error("the token is too long")]
    TooLong,
    /// Not three segments of canonical base64url with dots between them, or the header is not strict JSON.
    #[error("the token is malformed")]
    Malformed,
    /// The header has a member that changes how a token is read: `crit`, `b64`, `zip`, `enc` or `cty`.
    #[error("the token's header asks for something that is not supported")]
    UnsupportedHeader,
    /// No key of the verifier has the identifier in the header.
    #[error("the token names a key that is not known here")]
    UnknownKey,
    /// The algorithm in the header is not that of the key.
    #[error("the token's algorithm is not that of the key")]
    WrongAlgorithm,
    /// The signature is not the key's over this token.
    #[error("the token's signature is not good")]
    BadSignature,
    /// The header's `typ` is not that of the kind of token that is asked for.
    #[error("the token is of another kind")]
    WrongType,
    /// The claims are not a strict JSON object.
    #[error("the token's claims are malformed")]
    MalformedClaims,
    /// A claim that every token must have is not there.
    #[error("the token lacks the claim `{0}`")]
    MissingClaim(&'static str),
    /// A claim is of a wrong type or form.
    #[error("the token's claim `{0}` is malformed")]
    BadClaim(&'static str),
    /// The token is from somebody else.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// The token is for somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// The time `exp` has come.
    #[error("the token has expired")]
    Expired,
    /// The time `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The time `iat` has not come.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// The token lives longer than any token that the verifier knows of.
    #[error("the token's lifetime is too long")]
    LifetimeTooLong,
}
