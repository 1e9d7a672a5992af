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
