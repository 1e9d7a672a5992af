//! E-mail addresses: a small syntax check, the address as it was typed, and the form that look-ups compare.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::user::visible::{is_invisible, show};

/// The most bytes of an address that a mail server must take (RFC 5321, section 4.5.3.1.3, less the brackets).
const MAX_BYTES: usize = 254;
/// The most bytes before the `@` (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;
/// The most bytes of a label of a domain (RFC 1035, section 2.3.4).
const MAX_LABEL_BYTES: usize = 63;

/// An address of the common form `local@domain`, letters beyond ASCII included (RFC 6531). Quoted local parts, comments
/// and bare IP addresses are not taken. Whether somebody reads mail there only a mail can tell.
///
/// Mail goes to [`as_str`](Self::as_str); look-ups and uniqueness go by [`canonical`](Self::canonical).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    address: String,
    canonical: String,
}

/// Why a text cannot be an e-mail address, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailAddressError {
    /// More than 254 bytes, or more than 64 before the `@`.
    #[error("the e-mail address is too long: at most {MAX_BYTES} bytes, {MAX_LOCAL_BYTES} of them before the @")]
    TooLong,
    /// No `@`, or more than one.
    #[error("an e-mail address has one @, as in name@example.com")]
    At,
    /// A character that cannot stand in an address.
    #[error("an e-mail address cannot contain {}: leave it out", show(*.0))]
    Forbidden(char),
    /// The part before the `@` is empty, or has a dot at an end or two together.
    #[error("the part before the @ is not empty, and has no dot at its ends and no two together")]
    Local,
    /// The part after the `@` is not a domain name.
    #[error("the part after the @ is not a domain name, as in name@example.com")]
    Domain,
}

impl EmailAddress {
    /// Checks what was typed. The characters are composed (NFC) and otherwise kept as they are.
    pub fn new(typed: &str) -> Result<Self, EmailAddressError> {
        // Composing makes a text at most three times as long or short; nothing longer can become an address.
        if typed.len() > 4 * MAX_BYTES {
            return Err(EmailAddressError::TooLong);
        }
        let address: String = typed.nfc().collect();
        if address.len() > MAX_BYTES {
            return Err(EmailAddressError::TooLong);
        }
        if let Some(c) = address.chars().find(|&c| is_forbidden(c)) {
            return Err(EmailAddressError::Forbidden(c));
        }
        let (local, domain) = address.split_once('@').ok_or(EmailAddressError::At)?;
        if domain.contains('@') {
            return Err(EmailAddressError::At);
        }
        if local.len() > MAX_LOCAL_BYTES {
            return Err(EmailAddressError::TooLong);
        }
        if local.split('.').any(str::is_empty) {
            return Err(EmailAddressError::Local);
        }
        if !domain.split('.').all(is_domain_label) {
            return Err(EmailAddressError::Domain);
        }
        let canonical = address.to_ascii_lowercase();
        Ok(Self { address, canonical })
    }

    /// An address that a store kept; see `Username::from_stored`.
    pub(crate) fn from_stored(address: String, canonical: String) -> Self {
        Self { address, canonical }
    }

    /// The address as it was typed: where mail goes.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The form to look up and to keep unique: composed, and A to Z in lower case. No other letter is folded, so that
    /// `mıke@example.com` (dotless i) never finds `mike@example.com`.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

fn is_forbidden(c: char) -> bool {
    is_invisible(c)
        || c.is_whitespace()
        || matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | '\\' | ',' | ';' | ':' | '"')
}

fn is_domain_label(label: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii())
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(typed: &str) -> Result<String, EmailAddressError> {
        EmailAddress::new(typed).map(|email| email.canonical)
    }

    #[test]
    fn an_address_keeps_its_spelling_and_is_compared_without_ascii_case() {
        let email = EmailAddress::new("John.Doe+x@Example.COM").unwrap();
        assert_eq!(email.as_str(), "John.Doe+x@Example.COM");
        assert_eq!(email.canonical(), "john.doe+x@example.com");
    }

    //
    #[test]
    fn only_ascii_case_and_composition_are_folded() {
        let mike = canonical("mike@example.com").unwrap();
        assert_eq!(canonical("MIKE@EXAMPLE.COM").unwrap(), mike);
        for other in ["m\u{131}ke@example.com", "m\u{130}ke@example.com", "mike@ex\u{430}mple.com", "ｍike@example.com"]
        {
            assert_ne!(canonical(other).unwrap(), mike, "{other}");
        }
        assert_ne!(canonical("stra\u{DF}e@x.de"), canonical("strasse@x.de"));
        assert_ne!(canonical("JOS\u{C9}@x.es"), canonical("jos\u{E9}@x.es"));
        assert_eq!(canonical("jose\u{301}@x.es"), canonical("jos\u{E9}@x.es"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_domain = format!("a@{}example.com", "abcdefghi.".repeat(25));
        let long_label = format!("a@{}.com", "a".repeat(64));
        for (typed, expected) in [
            ("", EmailAddressError::At),
            ("example.com", EmailAddressError::At),
            ("a@b@example.com", EmailAddressError::At),
            ("@example.com", EmailAddressError::Local),
            (".a@example.com", EmailAddressError::Local),
            ("a.@example.com", EmailAddressError::Local),
            ("a..b@example.com", EmailAddressError::Local),
            ("a@", EmailAddressError::Domain),
            ("a@.com", EmailAddressError::Domain),
            ("a@example.", EmailAddressError::Domain),
            ("a@-example.com", EmailAddressError::Domain),
            ("a@example-.com", EmailAddressError::Domain),
            ("a@exam_ple.com", EmailAddressError::Domain),
            ("a@example.com/x", EmailAddressError::Domain),
            (&long_label, EmailAddressError::Domain),
            (&long_local, EmailAddressError::TooLong),
            (&long_domain, EmailAddressError::TooLong),
            ("a b@example.com", EmailAddressError::Forbidden(' ')),
            (" a@example.com", EmailAddressError::Forbidden(' ')),
            ("a@example.com\r\nBcc: b@example.com", EmailAddressError::Forbidden('\r')),
            ("A <a@example.com>", EmailAddressError::Forbidden(' ')),
            ("<a@example.com>", EmailAddressError::Forbidden('<')),
            ("\"a\"@example.com", EmailAddressError::Forbidden('"')),
            ("a,b@example.com", EmailAddressError::Forbidden(',')),
            ("a@[127.0.0.1]", EmailAddressError::Forbidden('[')),
            ("a\0@example.com", EmailAddressError::Forbidden('\0')),
            ("a\u{200B}@example.com", EmailAddressError::Forbidden('\u{200B}')),
            ("a@\u{202E}example.com", EmailAddressError::Forbidden('\u{202E}')),
            // Composes to a semicolon.
            ("a\u{37E}b@example.com", EmailAddressError::Forbidden(';')),
        ] {
            assert_eq!(canonical(typed), Err(expected), "{typed:?}");
        }
    }

    #[test]
    fn addresses_that_people_have_are_taken() {
        for typed in [
            "a@example.com",
            "root@localhost",
            "o'neil@example.co.uk",
            "x_y%z@sub-1.example.com",
            "用户@例子.公司",
            "dörte@sörensen.example",
        ] {
            assert_eq!(canonical(typed).as_deref(), Ok(typed));
        }
        let longest = format!("{}@{}ab.com", "a".repeat(64), "abcdefg.".repeat(22) + "abcdefg");
        assert_eq!(longest.len(), MAX_BYTES);
        assert!(EmailAddress::new(&longest).is_ok());
    }

    proptest! {
        // f(f(x)) = f(x)
        #[test]
        fn a_canonical_address_is_its_own_canonical_form(local in "\\PC{1,5}", domain in "[\\p{L}\\p{M}0-9]{1,5}") {
            if let Ok(once) = EmailAddress::new(&format!("{local}@{domain}")) {
                prop_assert_eq!(EmailAddress::new(once.as_str()), Ok(once.clone()));
                prop_assert_eq!(canonical(once.canonical()), Ok(once.canonical().to_owned()));
            }
        }
    }
}
