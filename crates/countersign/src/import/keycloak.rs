//! A realm that Keycloak exported with its users: one object, whose member `users` is a list. Of a user's credentials the
//! password counts; it is kept as the export has it.

use std::io::BufRead;

use serde::de::DeserializeSeed as _;
use serde_json::{Value, json};

use crate::import::elements::Elements;
use crate::import::record::{Record, RecordError, joined};
use crate::import::{Item, ReadError};

pub(super) fn read(file: impl BufRead, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    let mut place = 0;
    let mut element = |user: Value| {
        place += 1;
        each((place, record(&user)))
    };
    let mut json = serde_json::Deserializer::from_reader(file);
    let read = Elements::of_member("users", &mut element).deserialize(&mut json);
    read.map_err(|error| ReadError::new(place, &error))
}

fn record(user: &Value) -> Result<Record, RecordError> {
    if !user.is_object() {
        return Err(RecordError::NotAUser("this is not a user".to_owned()));
    }
    let text = |name: &str| user.get(name).and_then(Value::as_str);
    let credentials = user.get("credentials").and_then(Value::as_array).into_iter().flatten();
    let mut passwords = credentials.filter(|credential| credential.get("type") == Some(&"password".into()));
    let hash = passwords.next().map(|credential| {
        let part = |name: &str| credential.get(name).cloned().unwrap_or_default();
        json!({ "secretData": part("secretData"), "credentialData": part("credentialData") }).to_string()
    });
    Ok(Record {
        username: text("username").map(str::to_owned),
        email: text("email").map(str::to_owned),
        full_name: joined(text("firstName"), text("lastName")),
        // What is not plainly active stays out.
        disabled: user.get("enabled").is_some_and(|active| *active != Value::Bool(true)),
        scope: None,
        password_hash: hash,
        // Milliseconds.
        created_at: user.get("createdTimestamp").and_then(Value::as_i64).map(|ms| ms.div_euclid(1000)),
    })
}
