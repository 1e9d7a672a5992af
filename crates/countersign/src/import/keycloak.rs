//! A realm that Keycloak exported with its users: one object, whose member `users` is a list. Of a user's credentials the
//! password counts; it is kept as the export has it.

use std::io::BufRead;

use serde_json::{Value, json};

use crate::import::elements::{self, Element};
use crate::import::record::{CreatedAt, Record, joined};
use crate::import::{Found, Item, ReadError};

pub(super) fn read(file: impl BufRead, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    let mut place = 0;
    let mut element = |element: Element| {
        place += 1;
        each(Item { place, found: found(element) })
    };
    elements::of_member(file, "users", &mut element).map_err(|error| ReadError::after(place, &error))
}

fn found(element: Element) -> Found {
    match element {
        Element::Unreadable(reason) => Found::Unreadable(reason),
        Element::Read(user) if !user.is_object() => Found::Unreadable("this is not a user"),
        // The account of a program, which has a secret there and no password.
        Element::Read(user) if user.get("serviceAccountClientId").is_some_and(|id| !id.is_null()) => Found::PassedOver,
        Element::Read(user) => Found::User(record(&user)),
    }
}

fn record(user: &Value) -> Record {
    let text = |name: &str| user.get(name).and_then(Value::as_str);
    let credentials = user.get("credentials").and_then(Value::as_array).into_iter().flatten();
    let mut passwords = credentials.filter(|credential| credential.get("type") == Some(&"password".into()));
    let hash = passwords.next().map(|credential| {
        let part = |name: &str| credential.get(name).cloned().unwrap_or_default();
        json!({ "secretData": part("secretData"), "credentialData": part("credentialData") }).to_string()
    });
    Record {
        username: text("username").map(str::to_owned),
        email: text("email").map(str::to_owned),
        full_name: joined(text("firstName"), text("lastName")),
        // What is not plainly active stays out.
        disabled: user.get("enabled").is_some_and(|active| *active != Value::Bool(true)),
        scope: None,
        password_hash: hash,
        created_at: match user.get("createdTimestamp") {
            None | Some(Value::Null) => CreatedAt::Unsaid,
            // Milliseconds.
            Some(time) => time.as_i64().map_or(CreatedAt::Unreadable, |ms| CreatedAt::of_seconds(ms.div_euclid(1000))),
        },
    }
}
