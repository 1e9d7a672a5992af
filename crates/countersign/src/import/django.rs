//! What Django's `dumpdata auth.user` writes: a list of objects, of which those of the model `auth.user` are users. A user model of
//! one's own counts as well, if its name ends with `user`.

use std::io::BufRead;

use serde_json::Value;

use crate::import::elements::{self, Element};
use crate::import::record::{CreatedAt, Record, joined};
use crate::import::{Found, Item, ReadError};

pub(super) fn read(file: impl BufRead, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    let mut place = 0;
    let mut element = |element: Element| {
        place += 1;
        each(Item { place, found: found(element) })
    };
    elements::of_array(file, &mut element).map_err(|error| ReadError::after(place, &error))
}

fn found(element: Element) -> Found {
    let object = match element {
        Element::Read(object) => object,
        Element::Unreadable(reason) => return Found::Unreadable(reason),
    };
    let Some(model) = object.get("model").and_then(Value::as_str) else {
        return Found::Unreadable(
            "this is no object of a model of Django: objects of another kind go into JSON Lines, one on each line",
        );
    };
    if !model.to_ascii_lowercase().ends_with("user") {
        return Found::PassedOver;
    }
    let fields = object.get("fields").filter(|fields| fields.is_object());
    fields.map_or(Found::Unreadable("the object has no fields"), |fields| Found::User(record(fields)))
}

fn record(fields: &Value) -> Record {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let owned = |name: &str| text(name).map(str::to_owned);
    Record {
        username: owned("username"),
        email: owned("email"),
        full_name: joined(text("first_name"), text("last_name")),
        // What is not plainly active stays out.
        disabled: fields.get("is_active").is_some_and(|active| *active != Value::Bool(true)),
        scope: None,
        password_hash: owned("password"),
        created_at: match fields.get("date_joined") {
            None | Some(Value::Null) => CreatedAt::Unsaid,
            Some(value) => value.as_str().map_or(CreatedAt::Unreadable, CreatedAt::of_text),
        },
    }
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
