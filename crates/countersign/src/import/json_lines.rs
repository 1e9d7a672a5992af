//! JSON Lines: an object on each line.

use std::io::BufRead;

use serde::Deserialize;
use serde_json::Value;

use crate::import::record::{Record, RecordError, time};
use crate::import::{Item, ReadError};

/// The members of a line. Others are passed over: the program that wrote it had more to say.
#[derive(Deserialize)]
struct Line {
    username: Option<String>,
    email: Option<String>,
    full_name: Option<String>,
    #[serde(default)]
    disabled: Option<bool>,
    scope: Option<String>,
    // As in tables. A password in it is refused as a hash of no known form.
    #[serde(alias = "hashed_password", alias = "password")]
    password_hash: Option<String>,
    created_at: Option<Value>,
}

pub(super) fn read(file: impl BufRead, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    for (index, line) in file.lines().enumerate() {
        let line = line.map_err(|error| ReadError::new(index, &error))?;
        if !line.trim().is_empty() && !each((index + 1, record(&line))) {
            return Ok(());
        }
    }
    Ok(())
}

fn record(line: &str) -> Result<Record, RecordError> {
    // A derived struct would take an array as its members in order.
    let value = serde_json::from_str(line).ok().filter(Value::is_object);
    let value = value.ok_or_else(|| RecordError::NotAUser("this is not a JSON object".to_owned()))?;
    let line: Line = serde_json::from_value(value).map_err(|_| {
        RecordError::NotAUser("a member is not what it should be: texts, and `disabled` true or false".to_owned())
    })?;
    let created_at = line.created_at.and_then(|value| match value {
        Value::String(text) => time(&text),
        other => other.as_i64(),
    });
    Ok(Record {
        username: line.username,
        email: line.email,
        full_name: line.full_name,
        disabled: line.disabled.unwrap_or(false),
        scope: line.scope,
        password_hash: line.password_hash,
        created_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::record::tests::first;

    #[test]
    fn a_hash_goes_by_the_names_that_programs_have_for_it_and_a_password_is_none() {
        for name in ["password_hash", "hashed_password", "password"] {
            let record = |value: &str| first(read, &format!(r#"{{"username":"ada","{name}":"{value}"}}"#));
            let hash = "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";
            assert!(record(hash).to_new_user(7).unwrap().password_hash.is_some(), "{name}");
            assert!(matches!(record("secret words").to_new_user(7), Err(RecordError::Hash(_))), "{name}");
        }
    }
}
