//! What `WordPress` hashes for a password. It escapes quotation marks and backslashes in whatever a form sends, and takes that
//! for the password: O'Brien is hashed as `O\'Brien`. Its command line, and plugins that undo the escaping or were never sent a
//! form, hash what was typed. So both stand in one table, and both are tried.
//!
//! Both are computed whatever was typed and whichever of them is right: the time must not tell whose hash was checked
//! (R-135), and the pool learns the time of a kind of hash, not that of a password. It is paid until the first login, which
//! replaces the hash.

use zeroize::Zeroizing;

/// A password as it comes out of a form: without blanks at its ends, and escaped.
pub(super) fn submitted(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let password = trimmed(password);
    // Reserved at once, so that no copy is left behind.
    let mut escaped = Zeroizing::new(Vec::with_capacity(2 * password.len()));
    for byte in password {
        match byte {
            b'\'' | b'"' | b'\\' => escaped.extend([b'\\', *byte]),
            0 => escaped.extend(*b"\\0"),
            _ => escaped.push(*byte),
        }
    }
    escaped
}

/// PHP's `trim`.
pub(super) fn trimmed(password: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b);
    let start = password.iter().position(|byte| !is_blank(byte)).unwrap_or(password.len());
    let end = password.iter().rposition(|byte| !is_blank(byte)).map_or(start, |at| at + 1);
    password.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_at_the_ends_are_those_of_php() {
        assert_eq!(trimmed(b" \t\n\r\0\x0b a b \x0c "), b"a b \x0c");
        assert_eq!(trimmed(b"   "), b"");
        assert_eq!(trimmed(b""), b"");
    }

    #[test]
    fn quotation_marks_and_backslashes_are_escaped_as_php_does() {
        for (typed, hashed) in
            [("O'Brien", r"O\'Brien"), (r#" say "a\b" "#, r#"say \"a\\b\""#), ("`´’", "`´’"), ("", "")]
        {
            assert_eq!(*submitted(typed.as_bytes()), hashed.as_bytes(), "{typed}");
        }
    }
}
