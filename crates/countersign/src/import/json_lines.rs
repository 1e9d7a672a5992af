//! JSON Lines: an object on each line.

use std::io::{self, BufRead, Read as _};

use serde_json::Value;

use crate::import::titles::{self, TITLES};
use crate::import::{Found, Item, LONGEST_LINE, ReadError};

pub(super) fn read(mut file: impl BufRead, each: &mut dyn FnMut(Item) -> bool) -> Result<(), ReadError> {
    let mut line = Vec::new();
    for place in 1.. {
        line.clear();
        let is_whole = read_line(&mut file, &mut line).map_err(|error| ReadError::after(place - 1, &error))?;
        if line.is_empty() {
            break;
        }
        let found = if is_whole { found(&line) } else { Found::Unreadable("this line is longer than 64 KiB") };
        if !line.trim_ascii().is_empty() && !each(Item { place, found }) {
            break;
        }
    }
    Ok(())
}

/// Reads a line, and of one that is too long no more than the limit; says whether it is whole. There is no more if it is
/// empty.
fn read_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let limit = LONGEST_LINE as u64 + 1;
    file.by_ref().take(limit).read_until(b'\n', line)?;
    let is_whole = line.len() <= LONGEST_LINE || line.ends_with(b"\n");
    if !is_whole {
        file.skip_until(b'\n')?;
    }
    Ok(is_whole)
}

fn found(line: &[u8]) -> Found {
    let Ok(line) = str::from_utf8(line) else { return Found::Unreadable("this line is not UTF-8") };
    let Ok(Value::Object(object)) = serde_json::from_str(line) else {
        return Found::Unreadable("this is not a JSON object");
    };
    let member = |title: &str| object.get(title);
    if TITLES.iter().filter_map(|title| member(title)).any(|value| value.is_array() || value.is_object()) {
        return Found::Unreadable("a member is not what it should be: a text, a number, true or false");
    }
    Found::User(titles::record(|title| match member(title)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::RecordError;
    use crate::import::record::tests::{all, first};

    #[test]
    fn a_hash_goes_by_the_names_that_programs_have_for_it_and_a_password_is_none() {
        for name in ["password_hash", "hashed_password", "password"] {
            let record = |value: &str| first(read, &format!(r#"{{"username":"ada","{name}":"{value}"}}"#));
            let hash = "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";
            assert!(record(hash).to_newcomer(7).unwrap().user.password_hash.is_some(), "{name}");
            assert!(matches!(record("secret words").to_newcomer(7), Err(RecordError::Hash(_))), "{name}");
        }
    }

    #[test]
    fn an_object_has_the_titles_of_a_table_and_who_is_not_plainly_active_stays_out() {
        for (member, disabled) in [
            (r#""disabled":false"#, false),
            (r#""disabled":null"#, false),
            (r#""disabled":true"#, true),
            (r#""disabled":"on""#, true),
            (r#""is_active":true"#, false),
            (r#""is_active":1"#, false),
            (r#""is_active":false"#, true),
            (r#""enabled":"f""#, true),
            (r#""is_active":true,"enabled":false"#, true),
        ] {
            assert_eq!(first(read, &format!(r#"{{"username":"ada",{member}}}"#)).disabled, disabled, "{member}");
        }
        let named = first(read, r#"{"username":"ada","first_name":"Ada","last_name":"Lovelace"}"#);
        assert_eq!(named.full_name.as_deref(), Some("Ada Lovelace"));
    }

    #[test]
    fn a_line_that_is_wrong_keeps_no_other_out() {
        let ada = br#"{"username":"ada"}"#;
        let long = format!(r#"{{"username":"bob","more":"{}"}}"#, "x".repeat(LONGEST_LINE));
        let lines: [&[u8]; 7] = [
            ada,
            b"{\"username\":\"a\xFFb\"}",
            b"",
            long.as_bytes(),
            b"{\"username\":[\"x\"]}",
            b"{\"a\":\"\0\"}",
            ada,
        ];
        for end in ["\n", "\r\n"] {
            let places = all(read, &lines.join(end.as_bytes()));
            assert_eq!(places, [(1, true), (2, false), (4, false), (5, false), (6, false), (7, true)], "{end:?}");
        }
    }

    #[test]
    fn the_longest_line_is_taken_and_none_that_is_longer() {
        let line = |length: usize| {
            let frame = r#"{"username":"ada","more":""}"#.len();
            format!(r#"{{"username":"ada","more":"{}"}}"#, "x".repeat(length - frame))
        };
        let text = [line(LONGEST_LINE), line(LONGEST_LINE + 1), line(LONGEST_LINE)].join("\n");
        assert_eq!(all(read, text.as_bytes()), [(1, true), (2, false), (3, true)]);
    }
}
