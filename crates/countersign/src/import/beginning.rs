//! How a file begins: what it is encoded in, and what format it most likely has.

use std::io::{BufRead, BufReader, Cursor, Read};

use serde_json::Value;

use crate::import::{Format, ReadError};

/// Bytes from which the format is guessed.
const BEGINNING: u64 = 64 * 1024;

/// What programs of Windows write at the beginning of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The format of a file, and the whole file from its first character on.
pub(super) fn of(mut file: impl Read) -> Result<(Format, impl BufRead), ReadError> {
    let mut beginning = Vec::new();
    // A pipe gives it in pieces.
    file.by_ref().take(BEGINNING).read_to_end(&mut beginning).map_err(|error| ReadError::after(0, &error))?;
    let text = beginning.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&beginning);
    if text.trim_ascii().is_empty() {
        return Err(ReadError::Empty);
    }
    if is_utf_16(text) {
        return Err(ReadError::Utf16);
    }
    let format = guess(text);
    let rest = text.to_vec();
    Ok((format, Cursor::new(rest).chain(BufReader::with_capacity(64 * 1024, file))))
}

/// With its mark or without: the first character of all formats is of ASCII.
fn is_utf_16(text: &[u8]) -> bool {
    matches!(text, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, ..] | [_, 0, ..])
}

fn guess(beginning: &[u8]) -> Format {
    let mut lines = beginning.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let first = lines.next().unwrap_or_default().trim_ascii();
    match first.first() {
        Some(b'[') => Format::Django,
        Some(b'{') => match serde_json::from_slice::<Value>(first) {
            Ok(object) if object.get("users").is_none_or(|users| !users.is_array()) => Format::JsonLines,
            // A realm in one line is longer than a beginning.
            Err(_) if first.starts_with(b"{\"username\"") => Format::JsonLines,
            _ => Format::Keycloak,
        },
        _ => Format::Csv,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_line_looks_like() {
        for (text, format) in [
            ("username,email\n", Format::Csv),
            ("\u{FEFF}username,email\r\n", Format::Csv),
            ("\n {\"email\":\"ada@example.com\"}\n{}", Format::JsonLines),
            ("{\"username\":\"a line that is not whole", Format::JsonLines),
            ("[{\"model\":", Format::Django),
            ("{\n  \"realm\": \"r\"", Format::Keycloak),
            ("{\"realm\":\"r\",\"users\":[{\"username\":\"ada\"}]}", Format::Keycloak),
        ] {
            let (guessed, mut file) = of(text.as_bytes()).unwrap();
            let mut whole = String::new();
            file.read_to_string(&mut whole).unwrap();
            assert_eq!((guessed, whole.as_str()), (format, text.trim_start_matches('\u{FEFF}')), "{text}");
        }
    }

    #[test]
    fn a_file_that_comes_byte_by_byte_is_the_same_file() {
        /// Gives a byte at a time, as a slow pipe may.
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let end = buffer.len().min(1);
                self.0.read(&mut buffer[..end])
            }
        }
        assert_eq!(of(Slow("\u{FEFF}{\"email\":1}".as_bytes())).unwrap().0, Format::JsonLines);
    }

    #[test]
    fn nothing_and_utf_16_are_refused_with_what_to_do() {
        for empty in ["", "\u{FEFF}", " \r\n\n"] {
            assert!(matches!(of(empty.as_bytes()), Err(ReadError::Empty)), "{empty:?}");
        }
        let units: Vec<u16> = "\u{FEFF}username".encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for text in [&little[..], &little[2..], &big[..], &big[2..]] {
            let error = of(text).err().unwrap();
            assert!(matches!(error, ReadError::Utf16) && error.to_string().contains("iconv"), "{text:?}");
        }
    }
}
