//! Where the status of a token stands: at one place of one list. That a token was taken back is a mark at its place.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The places of a list: 16 bits name one.
pub const PLACES: u32 = 1 << 16;

/// Identifies a list: 72 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusListId([u8; Self::BYTES]);

/// The text is not the id of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a status list is 12 characters of base64url")]
#[non_exhaustive]
pub struct StatusListIdError;

/// The place of one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusPlace {
    /// In which list.
    pub list: StatusListId,
    /// At which index.
    pub index: u16,
}

impl StatusListId {
    /// Its length in bytes; a multiple of three, so that its text has one spelling.
    pub const BYTES: usize = 9;

    /// The id of these bytes.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Display for StatusListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for StatusListId {
    type Err = StatusListIdError;

    fn from_str(text: &str) -> Result<Self, StatusListIdError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| StatusListIdError)?;
        bytes.try_into().map(Self).map_err(|_| StatusListIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_is_written_and_in_no_other_way() {
        let id = StatusListId::from_bytes([0, 1, 2, 250, 251, 252, 253, 254, 255]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for other in ["", "AAAA", "AAAAAAAAAAA", "AAAAAAAAAAAAA", "AAAAAAAAAAA=", "AAAAAA/AAAAA", "AAAAAAAAAAAAAAAA"] {
            assert_eq!(other.parse::<StatusListId>(), Err(StatusListIdError), "{other}");
        }
    }
}
