//! What the readers of stored forms share: strict numbers, base64, bytes that are not shown.

use std::fmt::{self, Write as _};

use base64::Engine;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The bytes of a salt or of a tag: not shown by `Debug`.
#[derive(Clone)]
pub(super) struct Hidden<T = Vec<u8>>(T);

impl<T> Hidden<T> {
    pub(super) fn new(bytes: T) -> Hidden<T> {
        Hidden(bytes)
    }

    pub(super) fn get(&self) -> &T {
        &self.0
    }
}

impl<T: TryFrom<Vec<u8>>> Hidden<T> {
    /// Bytes that were written in base64.
    pub(super) fn decode(engine: &impl Engine, text: &str) -> Option<Hidden<T>> {
        T::try_from(engine.decode(text).ok()?).ok().map(Hidden)
    }
}

impl<T: AsRef<[u8]>> Hidden<T> {
    /// Compares in a time that depends on the length alone.
    pub(super) fn equals(&self, computed: &[u8]) -> bool {
        self.0.as_ref().ct_eq(computed).into()
    }
}

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The base64 of crypt(3): six bits a character, the lowest first, in the alphabet `./0-9A-Za-z`.
pub(super) fn crypt64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let groups = bytes.chunks(3).flat_map(|group| {
        let bits = group.iter().rev().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        (0..=group.len()).map(move |at| (bits >> (6 * at)) & 63)
    });
    groups.filter_map(|six| ALPHABET.get(six as usize)).map(|byte| char::from(*byte)).collect()
}

/// The value of a character of that alphabet.
pub(super) fn crypt64_value(character: char) -> Option<u32> {
    Some(match character {
        '.' => 0,
        '/' => 1,
        '0'..='9' => u32::from(character) - u32::from('0') + 2,
        'A'..='Z' => u32::from(character) - u32::from('A') + 12,
        'a'..='z' => u32::from(character) - u32::from('a') + 38,
        _ => return None,
    })
}

/// Whether a text is this many bits in that base64, and nothing else: a tag with one character that none has, or with
/// something behind the last bit, is never met, and its user could never log in.
pub(super) fn is_crypt64(text: &str, bits: usize) -> bool {
    let spare = text.len() * 6 - bits.min(text.len() * 6);
    let last = text.chars().next_back().and_then(crypt64_value);
    text.len() == bits.div_ceil(6)
        && text.chars().all(|character| crypt64_value(character).is_some())
        && last.is_some_and(|value| value < 64 >> spare)
}

/// Bytes that were written as hexadecimal digits, in lower case.
pub(super) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// The same the other way round. What is written down may stand for a password.
pub(super) fn hexadecimal_of(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The pieces between the dollar signs, if there are exactly `N`.
pub(super) fn pieces<const N: usize>(text: &str) -> Option<[&str; N]> {
    let pieces: Vec<&str> = text.split('$').take(N + 1).collect();
    pieces.try_into().ok()
}

/// A decimal number without sign and leading zeros.
pub(super) fn decimal(text: &str) -> Option<u32> {
    let canonical = text == "0" || !text.starts_with('0');
    if canonical && text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for (text, number) in [("0", 0), ("7", 7), ("4294967295", u32::MAX)] {
            assert_eq!(decimal(text), Some(number));
        }
        for text in ["", "00", "07", "+7", "-7", " 7", "7 ", "4294967296", "1e3", "٣", "7\0"] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_tag_of_crypt_is_its_bits_and_no_others() {
        for bytes in [[0; 16], [0x5f; 16], [0xff; 16]] {
            assert!(is_crypt64(&crypt64(&bytes), 128));
        }
        let most = format!("{}{}", "z".repeat(21), "1");
        assert!(is_crypt64(&most, 128) && crypt64(&[0xff; 16]) == most);
        for wrong in [most.replace('1', "2"), most.replace('1', "z"), format!("{most}."), most[1..].to_owned()] {
            assert!(!is_crypt64(&wrong, 128), "{wrong}");
        }
        for character in ["é", "$", "+", " ", ""] {
            assert!(!is_crypt64(&most.replacen('z', character, 1), 128), "{character}");
        }
        assert!(is_crypt64("z", 6) && !is_crypt64("", 6) && !is_crypt64("zz", 6));
    }

    #[test]
    fn hidden_bytes_are_compared_whole_and_not_shown() {
        let hidden = Hidden::new(b"tag".to_vec());
        assert!(hidden.equals(b"tag"));
        assert!(!hidden.equals(b"tagg") && !hidden.equals(b"ta") && !hidden.equals(b"tah") && !hidden.equals(b""));
        assert_eq!(format!("{hidden:?}"), "…");
    }
}
