//! What Django's `dumpdata auth.user` writes: a list of objects, of which those of the model `auth.user` are users. A user model of
//! one's own counts as well, if it is called `user`.

use std::io::BufRead;

use serde::de::DeserializeSeed as _;
use serde_json::Value;

use crate::import::elements::Elements;
use crate::import::record::{Record, RecordError, joined, time};
use crate::import::{Item, ReadError};

pub(super) fn read(file: impl BufRead, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    let mut place = 0;
    let mut element = |object: Value| {
        let model = object.get("model").and_then(Value::as_str).unwrap_or_default();
        if !model.to_ascii_lowercase().ends_with("user") {
            return true;
        }
        place += 1;
        each((place, record(&object)))
    };
    let mut json = serde_json::Deserializer::from_reader(file);
    let read = Elements::of_array(&mut element).deserialize(&mut json);
    read.map_err(|error| ReadError::new(place, &error))
}

fn record(object: &Value) -> Result<Record, RecordError> {
    let fields = object.get("fields").filter(|fields| fields.is_object());
    let fields = fields.ok_or_else(|| RecordError::NotAUser("the object has no fields".to_owned()))?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let owned = |name: &str| text(name).map(str::to_owned);
    Ok(Record {
        username: owned("username"),
        email: owned("email"),
        full_name: joined(text("first_name"), text("last_name")),
        // What is not plainly active stays out.
        disabled: fields.get("is_active").is_some_and(|active| *active != Value::Bool(true)),
        scope: None,
        password_hash: owned("password"),
        created_at: text("date_joined").and_then(time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::record::tests::first;

    #[test]
    fn who_is_not_plainly_active_stays_out() {
        for (active, disabled) in [("true", false), ("false", true), ("0", true), ("\"no\"", true), ("null", true)] {
            let fields = format!(r#"[{{"model":"auth.user","fields":{{"username":"ada","is_active":{active}}}}}]"#);
            assert_eq!(first(read, &fields).disabled, disabled, "{active}");
        }
    }
}
