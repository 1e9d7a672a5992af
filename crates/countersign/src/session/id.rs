//! A session's id: 128 random bits. It is no secret, but nobody can guess one either.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Identifies a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Uuid);

/// The text is not a session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id looks like 5f3759df-1b2c-4d3e-8f90-a1b2c3d4e5f6: five groups of hexadecimal digits")]
#[non_exhaustive]
pub struct SessionIdError;

impl SessionId {
    /// Its length in bytes.
    pub const BYTES: usize = 16;

    /// A fresh id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id of these bytes.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The bytes of the id.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        self.0.as_bytes()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    /// Only the form that `Display` writes: one id has one spelling.
    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let id = Uuid::try_parse(text).map(Self).map_err(|_| SessionIdError)?;
        if id.to_string() == text { Ok(id) } else { Err(SessionIdError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_in_one_spelling_only() {
        let id = SessionId::random();
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(SessionId::from_bytes(*id.as_bytes()), id);
        for wrong in
            ["", "x", &text.replace('-', ""), &format!("{{{text}}}"), &format!("{text} "), &text.to_uppercase()]
        {
            assert_eq!(wrong.parse::<SessionId>(), Err(SessionIdError), "{wrong}");
        }
    }
}
