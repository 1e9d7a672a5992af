//! A strict reader of JSON objects for headers, claims and keys (R-062).
//!
//! It takes one object and nothing else: UTF-8 without a byte order mark, no member twice at any level (also when
//! one of the two is written with an escape), at most [`MAX_DEPTH`] levels, no number that 64 bits cannot hold, and
//! nothing after the object. It is our own because serde's derived structs take arrays for objects, a `Value` keeps
//! the last of two members, and features of `serde_json` that any crate in a program may turn on change its numbers.

use serde_json::{Map, Number, Value};

/// How many objects and arrays may lie in each other, the outermost counted.
pub(crate) const MAX_DEPTH: usize = 16;

/// A text is not one strict JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotStrictJson;

type Read<T> = Result<T, NotStrictJson>;

/// Reads bytes that are exactly one JSON object.
pub(crate) fn object(bytes: &[u8]) -> Read<Map<String, Value>> {
    let mut reader = Reader { rest: std::str::from_utf8(bytes).map_err(|_| NotStrictJson)? };
    reader.skip_white_space();
    reader.expect("{")?;
    let members = reader.members(1)?;
    reader.skip_white_space();
    if reader.rest.is_empty() { Ok(members) } else { Err(NotStrictJson) }
}

/// What is still to be read. Every method takes what it has read off the front.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip_white_space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// Whether `token` came next; if so, it is taken.
    fn takes(&mut self, token: &str) -> bool {
        self.rest.strip_prefix(token).map(|rest| self.rest = rest).is_some()
    }

    fn expect(&mut self, token: &str) -> Read<()> {
        if self.takes(token) { Ok(()) } else { Err(NotStrictJson) }
    }

    /// Takes the longest front part whose bytes all satisfy `belongs`, which must hold for ASCII only.
    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.bytes().position(|byte| !belongs(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// A value inside `depth` objects and arrays.
    fn value(&mut self, depth: usize) -> Read<Value> {
        self.skip_white_space();
        match self.rest.as_bytes().first() {
            Some(b'{') if depth < MAX_DEPTH => {
                self.expect("{")?;
                self.members(depth + 1).map(Value::Object)
            }
            Some(b'[') if depth < MAX_DEPTH => {
                self.expect("[")?;
                self.elements(depth + 1).map(Value::Array)
            }
            Some(b'"') => self.string().map(Value::String),
            Some(b't') => self.expect("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.expect("false").map(|()| Value::Bool(false)),
            Some(b'n') => self.expect("null").map(|()| Value::Null),
            _ => self.number().map(Value::Number),
        }
    }

    /// The members of an object whose brace has been taken, and its closing brace.
    fn members(&mut self, depth: usize) -> Read<Map<String, Value>> {
        let mut members = Map::new();
        self.skip_white_space();
        if self.takes("}") {
            return Ok(members);
        }
        loop {
            self.skip_white_space();
            let name = self.string()?;
            self.skip_white_space();
            self.expect(":")?;
            if members.insert(name, self.value(depth)?).is_some() {
                return Err(NotStrictJson);
            }
            self.skip_white_space();
            if self.takes("}") {
                return Ok(members);
            }
            self.expect(",")?;
        }
    }

    /// The elements of an array whose bracket has been taken, and its closing bracket.
    fn elements(&mut self, depth: usize) -> Read<Vec<Value>> {
        let mut elements = Vec::new();
        self.skip_white_space();
        if self.takes("]") {
            return Ok(elements);
        }
        loop {
            elements.push(self.value(depth)?);
            self.skip_white_space();
            if self.takes("]") {
                return Ok(elements);
            }
            self.expect(",")?;
        }
    }

    fn string(&mut self) -> Read<String> {
        self.expect("\"")?;
        let mut text = self.plain_characters().to_owned();
        while !self.takes("\"") {
            self.expect("\\")?;
            text.push(self.escaped_character()?);
            text.push_str(self.plain_characters());
        }
        Ok(text)
    }

    /// What a string holds up to its end, an escape, or a control character (which no string may hold).
    fn plain_characters(&mut self) -> &'a str {
        self.take_while(|byte| !matches!(byte, b'"' | b'\\' | 0x00..=0x1F))
    }

    /// The character of an escape whose backslash has been taken.
    fn escaped_character(&mut self) -> Read<char> {
        const ESCAPES: [(&str, char); 8] = [
            ("\"", '"'),
            ("\\", '\\'),
            ("/", '/'),
            ("b", '\u{8}'),
            ("f", '\u{c}'),
            ("n", '\n'),
            ("r", '\r'),
            ("t", '\t'),
        ];
        if let Some((_, character)) = ESCAPES.into_iter().find(|(letter, _)| self.takes(letter)) {
            return Ok(character);
        }
        let first = self.code_unit()?;
        let character = match first {
            // A surrogate says half a character: the other half must follow (RFC 8259 section 7).
            0xD800..=0xDBFF => {
                self.expect("\\")?;
                let second = self.code_unit()?;
                char::decode_utf16([first, second]).next().and_then(Result::ok)
            }
            _ => char::from_u32(u32::from(first)),
        };
        character.ok_or(NotStrictJson)
    }

    /// `u` and four hexadecimal digits: one UTF-16 code unit.
    fn code_unit(&mut self) -> Read<u16> {
        self.expect("u")?;
        let (digits, rest) = self.rest.split_at_checked(4).ok_or(NotStrictJson)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotStrictJson);
        }
        self.rest = rest;
        u16::from_str_radix(digits, 16).map_err(|_| NotStrictJson)
    }

    /// A number by the grammar of RFC 8259 section 6, which is an `i64`, a `u64` or a finite `f64`.
    fn number(&mut self) -> Read<Number> {
        let start = self.rest;
        self.takes("-");
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        let mut is_integer = true;
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return Err(NotStrictJson);
        }
        if self.takes(".") {
            is_integer = false;
            self.digits()?;
        }
        if self.takes("e") || self.takes("E") {
            is_integer = false;
            if !self.takes("+") {
                self.takes("-");
            }
            self.digits()?;
        }
        let text = start.strip_suffix(self.rest).unwrap_or_default();
        let number = if is_integer {
            let signed = text.parse::<i64>().map(Number::from);
            signed.or_else(|_| text.parse::<u64>().map(Number::from)).ok()
        } else {
            text.parse().ok().and_then(Number::from_f64)
        };
        number.ok_or(NotStrictJson)
    }

    fn digits(&mut self) -> Read<()> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() { Err(NotStrictJson) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Option<Value> {
        object(text.as_bytes()).ok().map(Value::Object)
    }

    #[test]
    fn an_object_is_read_with_all_kinds_of_values() {
        let text = r#" {"a":[1,-2,2.5,1e3,true,false,null,{}],"b" : {"c":"\u00e9\ud83d\ude00\n\/"} , "d":18446744073709551615}
        "#;
        let want = json!({"a": [1, -2, 2.5, 1000.0, true, false, null, {}], "b": {"c": "é😀\n/"}, "d": u64::MAX});
        assert_eq!(read(text), Some(want));
        assert_eq!(read("{}"), Some(json!({})));
    }

    #[test]
    fn whatever_is_not_exactly_one_object_is_refused() {
        // R-062
        for text in [
            "",
            " ",
            "[]",
            "null",
            "1",
            "\"a\"",
            "{",
            "}",
            "{}{}",
            "{},",
            "{} x",
            "\u{feff}{}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a":1 "b":2}"#,
            r"{'a':1}",
            r"{a:1}",
            r#"{"a":1/**/}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[,1]}"#,
            r#"{"a":[1 2]}"#,
            "{\"a\":1}\u{0}",
            "{\u{a0}\"a\":1}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\n\"}",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_member_twice_is_refused_at_every_level_and_through_escapes() {
        // R-062
        for text in [
            r#"{"alg":1,"alg":1}"#,
            r#"{"\u0061lg":1,"alg":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn sixteen_levels_are_read_and_seventeen_refused() {
        // R-062
        let nested = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(read(&nested(16)).is_some());
        assert!(read(&nested(17)).is_none());
        assert!(read(&format!("{{\"a\":{}", "[".repeat(1_000_000))).is_none());
        assert!(read(&"{\"a\":".repeat(1_000_000)).is_none());
    }

    #[test]
    fn numbers_that_cannot_be_held_or_are_misspelt_are_refused() {
        // R-071
        for number in [
            "NaN",
            "Infinity",
            "-Infinity",
            "1e400",
            "-1e400",
            "18446744073709551616",
            "-9223372036854775809",
            "01",
            "-01",
            "+1",
            ".5",
            "1.",
            "1.e2",
            "1e",
            "1e+",
            "--1",
            "-",
            "0x10",
            "1_000",
            "1e1.5",
            "٣",
        ] {
            assert_eq!(read(&format!("{{\"a\":{number}}}")), None, "{number}");
        }
        assert_eq!(read(&format!("{{\"a\":{}}}", "9".repeat(400))), None);
    }

    #[test]
    fn strings_with_bad_escapes_or_half_characters_are_refused() {
        // R-062
        for escape in [
            r"\x41",
            r"\u12",
            r"\u12g4",
            r"\u+123",
            r"\ud800",
            r"\ud800x",
            r"\ud800\n",
            r"\udc00",
            r"\ud800\ud800",
            r"\U0041",
            r"\u٣٣٣٣",
            r"\",
            r"\a",
        ] {
            assert_eq!(read(&format!("{{\"a\":\"{escape}\"}}")), None, "{escape}");
        }
        for bytes in [&b"{\"z\":\"\xC0\xAF\"}"[..], b"{\"z\":\"\xED\xA0\x80\"}", b"{\"z\":\"\xFF\"}", b"\xFF\xFE{\0}\0"]
        {
            assert_eq!(object(bytes), Err(NotStrictJson));
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..8)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    /// Equal but for the last bits of a fraction, which `serde_json` rounds in its own way, and the sign of zero.
    fn alike(ours: &Value, theirs: &Value) -> bool {
        match (ours, theirs) {
            (Value::Number(a), Value::Number(b)) => {
                let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
                (a - b).abs() <= a.abs() * 1e-15
            }
            (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((m, a), (n, b))| m == n && alike(a, b))
            }
            (a, b) => a == b,
        }
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_back(value in any_json()) {
            let whole = json!({ "v": value });
            prop_assert_eq!(read(&whole.to_string()), Some(whole.clone()));
            prop_assert_eq!(read(&serde_json::to_string_pretty(&whole).unwrap()), Some(whole));
        }

        #[test]
        fn whatever_is_taken_serde_json_reads_alike(text in r#"\{("[ab\\u0061]{0,6}":[-+0-9.eE\[\]{}",a ntrue]{0,8},?){0,3}\}"#) {
            if let Some(value) = read(&text) {
                prop_assert!(alike(&value, &serde_json::from_str(&text).unwrap()));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, text: String) {
            let _ = object(&bytes);
            let _ = object(text.as_bytes());
            let _ = object(format!("{{\"{text}").as_bytes());
        }

        #[test]
        fn a_changed_byte_never_makes_it_laxer_than_serde_json(value in any_json(), at: prop::sample::Index, byte: u8) {
            let mut bytes = json!({ "v": value }).to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(members) = object(&bytes) {
                prop_assert!(alike(&Value::Object(members), &serde_json::from_slice(&bytes).unwrap()));
            }
        }
    }
}
