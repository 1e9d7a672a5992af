//! ASP.NET Core Identity: base64 of a marker byte, the parameters, salt and tag. No other form begins with an `A`, which
//! is what the markers 0 (version 2) and 1 (version 3) become in base64.

use base64::engine::general_purpose::STANDARD;

use crate::format::Family;
use crate::format::pbkdf2::{Digest, Pbkdf2};
use crate::format::text::Hidden;
use crate::policy::Ceilings;
use crate::scheme::HashError;

pub(super) const FAMILY: Family =
    Family { prefixes: &["A"], read: |text, ceilings| Ok(Box::new(read(text, ceilings)?)) };

/// The rounds of version 2.
const ROUNDS_V2: u32 = 1000;
const SALT_BYTES_V2: usize = 16;
const TAG_BYTES_V2: usize = 32;

fn read(text: &str, ceilings: &Ceilings) -> Result<Pbkdf2, HashError> {
    let bytes = Hidden::<Vec<u8>>::decode(&STANDARD, text).ok_or(HashError::UnknownFormat)?;
    match bytes.get().as_slice() {
        [0, rest @ ..] if rest.len() == SALT_BYTES_V2 + TAG_BYTES_V2 => {
            let (salt, tag) = rest.split_at_checked(SALT_BYTES_V2).ok_or(HashError::UnknownFormat)?;
            Pbkdf2::new(Digest::Sha1, Some(ROUNDS_V2), Some(salt.to_vec()), Some(tag.to_vec()), ceilings)
        }
        [1, rest @ ..] => read_v3(rest, ceilings),
        _ => Err(HashError::UnknownFormat),
    }
}

/// Digest, rounds and the length of the salt as numbers of four bytes, the highest first; salt and tag.
fn read_v3(bytes: &[u8], ceilings: &Ceilings) -> Result<Pbkdf2, HashError> {
    let (numbers, rest) = bytes.split_at_checked(12).ok_or(HashError::UnknownFormat)?;
    let (numbers, _) = numbers.as_chunks::<4>();
    let [digest, rounds, length] = numbers else { return Err(HashError::UnknownFormat) };
    let digest = match u32::from_be_bytes(*digest) {
        0 => Digest::Sha1,
        1 => Digest::Sha256,
        2 => Digest::Sha512,
        _ => return Err(HashError::UnknownFormat),
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let (salt, tag) = rest.split_at_checked(length).ok_or(HashError::UnknownFormat)?;
    Pbkdf2::new(digest, Some(u32::from_be_bytes(*rounds)), Some(salt.to_vec()), Some(tag.to_vec()), ceilings)
}
