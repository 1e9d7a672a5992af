//! E-mail addresses as FastAPI's `EmailStr` takes them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// The most bytes of an address (RFC 5321 section 4.5.3.1.3, less the brackets).
const MAX_BYTES: usize = 254;
/// The most bytes before the `@` (RFC 5321 section 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;
/// The most bytes of a label of a domain (RFC 1035 section 2.3.4).
const MAX_LABEL_BYTES: usize = 63;
/// Domains in which nobody gets mail (RFC 6761, RFC 6762, RFC 7686).
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// An e-mail address, normalised: the domain in lower case, which it is compared in (RFC 1035 section 2.3.3). Nobody is
/// asked over the network whether the domain exists.
///
/// As a member of a body it documents itself: a string of the format `email`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct EmailStr(String);

/// Why a text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// No `@`.
    #[error("An email address must have an @-sign.")]
    NoAtSign,
    /// More than 254 bytes, or more than 64 before the `@`.
    #[error("The email address is too long.")]
    TooLong,
    /// The part before the `@` is empty, has a dot too many, or a character that cannot stand there.
    #[error("The email address is not valid before the @-sign.")]
    LocalPart,
    /// The part after the `@` is not a domain name.
    #[error("The part after the @-sign is not valid.")]
    Domain,
    /// The part after the `@` is a bare name, such as `localhost`.
    #[error("The part after the @-sign is not valid. It should have a period.")]
    NoPeriod,
    /// The domain is kept for other uses, such as `test`.
    #[error("The part after the @-sign is a special-use or reserved name that cannot be used with email.")]
    SpecialUse,
}

impl EmailStr {
    /// Reads an address of the form `local@domain`, letters beyond ASCII included (RFC 6531). Quoted local parts, comments,
    /// display names and bare IP addresses are not taken.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::NoAtSign)?;
        if text.len() > MAX_BYTES || local.len() > MAX_LOCAL_BYTES {
            return Err(EmailError::TooLong);
        }
        if local.split('.').any(|atom| atom.is_empty() || !atom.chars().all(is_atom_text)) {
            return Err(EmailError::LocalPart);
        }
        if !domain.split('.').all(is_label) {
            return Err(EmailError::Domain);
        }
        let domain = domain.to_lowercase();
        let Some((_, top)) = domain.rsplit_once('.') else { return Err(EmailError::NoPeriod) };
        if SPECIAL_USE.contains(&top) {
            return Err(EmailError::SpecialUse);
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EmailStr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EmailStr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl PartialSchema for EmailStr {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Email);
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).format(Some(format)).into()
    }
}

impl ToSchema for EmailStr {
    fn name() -> Cow<'static, str> {
        "EmailStr".into()
    }
}

/// `atext` of RFC 5322 section 3.2.3, and letters and digits of any script.
fn is_atom_text(char: char) -> bool {
    char.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(char)
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|char| char.is_alphanumeric() || char == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_has_no_case_and_the_rest_does() {
        let parsed = |text| EmailStr::parse(text).map(|email| email.to_string());
        assert_eq!(parsed("Mixed@Email.COM").as_deref(), Ok("Mixed@email.com"));
        assert_eq!(parsed("plus+tag@email.com").as_deref(), Ok("plus+tag@email.com"));
        assert_eq!(parsed("jürgen@bücher.example").as_deref(), Ok("jürgen@bücher.example"));
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, error) in [
            ("", EmailError::NoAtSign),
            ("not-an-email", EmailError::NoAtSign),
            ("a@localhost", EmailError::NoPeriod),
            ("a@foo.test", EmailError::SpecialUse),
            ("@email.com", EmailError::LocalPart),
            ("a..b@email.com", EmailError::LocalPart),
            ("a@b@email.com", EmailError::LocalPart),
            (" a@email.com", EmailError::LocalPart),
            ("A <a@email.com>", EmailError::LocalPart),
            ("a@email.com ", EmailError::Domain),
            ("a@-email.com", EmailError::Domain),
            ("a@email..com", EmailError::Domain),
            ("a@", EmailError::Domain),
            (&format!("{}@email.com", "a".repeat(65)), EmailError::TooLong),
            (&format!("a@{}.com", "email.".repeat(50)), EmailError::TooLong),
        ] {
            assert_eq!(EmailStr::parse(text), Err(error), "{text:?}");
        }
    }
}
