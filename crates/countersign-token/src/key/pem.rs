//! The envelope of PEM files (RFC 7468), strict: one key, complete lines, nothing around it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::key::error::KeyError;

/// A PEM block: what it says it holds, and the DER inside.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Reads the one key of a text. The block `EC PARAMETERS`, which OpenSSL writes before a key, is passed over.
pub(super) fn read(text: &str) -> Result<Block<'_>, KeyError> {
    let mut rest = text.trim();
    let mut key = None;
    while !rest.is_empty() {
        let (label, body, after) = first_block(rest).ok_or(KeyError::Pem)?;
        if label != "EC PARAMETERS" && key.replace((label, body)).is_some() {
            return Err(KeyError::Pem);
        }
        rest = after.trim_start();
    }
    let (label, body) = key.ok_or(KeyError::Pem)?;
    // The whole capacity at once: a vector that grows leaves copies behind.
    let mut letters = Zeroizing::new(Vec::with_capacity(body.len()));
    letters.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let der = STANDARD.decode(&*letters).map(Zeroizing::new).map_err(|_| KeyError::Pem)?;
    Ok(Block { label, der })
}

/// Label, body, and what follows the block.
fn first_block(text: &str) -> Option<(&str, &str, &str)> {
    let (label, rest) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let (body, rest) = rest.split_once("-----END ")?;
    let after = rest.strip_prefix(label)?.strip_prefix("-----")?;
    Some((label, body, after))
}
