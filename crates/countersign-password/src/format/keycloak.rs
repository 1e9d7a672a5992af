//! Keycloak's credential as its table and its realm exports have it: a JSON object of `secretData` and `credentialData`,
//! themselves JSON, or texts that hold JSON. PBKDF2, and Argon2 since Keycloak 24. Verified only.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

use crate::format::argon2::Argon2Hash;
use crate::format::pbkdf2::{Digest, Pbkdf2};
use crate::format::{Family, StoredHash};
use crate::kernel::Workspace;
use crate::policy::{Ceilings, Policy};
use crate::resource::ResourceError;
use crate::scheme::{HashError, Scheme};

/// An object begins with a brace and the quotation mark of its first name; JSON allows white space before both, which is in no
/// other form at these places.
pub(super) const FAMILY: Family = Family { prefixes: &["{\"", "{ ", "{\t", "{\n", "{\r", " ", "\t", "\n", "\r"], read };

fn read(text: &str, ceilings: &Ceilings) -> Result<Box<dyn StoredHash>, HashError> {
    let credential: Value = serde_json::from_str(text).map_err(|_| HashError::UnknownFormat)?;
    let (secret, data) = (member(&credential, "secretData")?, member(&credential, "credentialData")?);
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let rounds = data.get("hashIterations").and_then(Value::as_u64).and_then(|rounds| u32::try_from(rounds).ok());
    let decode = |name| STANDARD.decode(text(&secret, name)?).ok();
    let (salt, tag) = (decode("salt"), decode("value"));
    let digest = match text(&data, "algorithm").as_deref() {
        Some("pbkdf2") => Digest::Sha1,
        Some("pbkdf2-sha256") => Digest::Sha256,
        Some("pbkdf2-sha512") => Digest::Sha512,
        Some("argon2") => {
            let hash = argon2(&data, rounds, salt, tag).ok_or(HashError::Malformed {
                scheme: Scheme::Argon2id,
                reason: "the parameters of Keycloak's credential are not those of Argon2",
            })?;
            return Ok(Box::new(Foreign(Argon2Hash::read(&hash, ceilings)?)));
        }
        _ => return Err(HashError::UnknownFormat),
    };
    Ok(Box::new(Pbkdf2::new(digest, rounds, salt, tag, ceilings)?))
}

/// A member that is an object, or a text that holds one.
fn member(credential: &Value, name: &str) -> Result<Value, HashError> {
    match credential.get(name) {
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| HashError::UnknownFormat),
        Some(value @ Value::Object(_)) => Ok(value.clone()),
        _ => Err(HashError::UnknownFormat),
    }
}

/// The same as a PHC string.
fn argon2(data: &Value, iterations: Option<u32>, salt: Option<Vec<u8>>, tag: Option<Vec<u8>>) -> Option<String> {
    let parameter = |name: &str| data.get("additionalParameters")?.get(name)?.get(0)?.as_str();
    let version = match parameter("version")? {
        "1.3" => 19,
        "1.0" => 16,
        _ => return None,
    };
    let (kind, memory, lanes) = (parameter("type")?, parameter("memory")?, parameter("parallelism")?);
    let (salt, tag) = (STANDARD_NO_PAD.encode(salt?), STANDARD_NO_PAD.encode(tag?));
    Some(format!("$argon2{kind}$v={version}$m={memory},t={},p={lanes}${salt}${tag}", iterations?))
}

/// Argon2 that another program wrote down in its own way: it is replaced whatever it costs.
#[derive(Debug)]
struct Foreign(Argon2Hash);

impl StoredHash for Foreign {
    fn scheme(&self) -> Scheme {
        self.0.scheme()
    }

    fn parameters(&self) -> String {
        self.0.parameters()
    }

    fn memory_kib(&self) -> u32 {
        self.0.memory_kib()
    }

    fn is_outdated(&self, _: &Policy) -> bool {
        true
    }

    fn matches(&self, password: &[u8], workspace: &mut Workspace) -> Result<bool, ResourceError> {
        self.0.matches(password, workspace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_stands_wherever_json_allows_it() {
        let parts = [
            "",
            "{",
            r#""secretData""#,
            ":",
            r#"{"value":"AAAAAAAAAAAAAAAAAAAAAA==","salt":"AAAA"}"#,
            ",",
            r#""credentialData""#,
            ":",
            r#"{"hashIterations":1,"algorithm":"pbkdf2"}"#,
            "}",
            "",
        ];
        for blank in ["", " ", "\t", "\n", "\r\n  "] {
            let text = parts.join(blank);
            assert!(crate::format::read(&text, &Ceilings::DEFAULT).is_ok(), "{text:?}");
        }
        // These are white space elsewhere, and not in JSON.
        for blank in ["\u{b}", "\u{c}", "\u{a0}", "\u{feff}"] {
            let text = parts.join(blank);
            assert!(crate::format::read(&text, &Ceilings::DEFAULT).is_err(), "{text:?}");
        }
    }
}
