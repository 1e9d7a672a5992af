//! The elements of a JSON array, one at a time: neither the array nor an element without an end is ever held whole, and an
//! element that is wrong keeps no other out.

use std::io::{self, BufRead};

use serde_json::Value;

/// The most bytes of an element: an export says much of a user that is not read here.
const LONGEST_ELEMENT: usize = 1024 * 1024;

/// An element of an array.
pub(super) enum Element {
    Read(Value),
    /// It is longer than the limit, or no JSON; and why.
    Unreadable(&'static str),
}

/// Hands each element of the array that is the whole file on, until it is enough.
pub(super) fn of_array(file: impl BufRead, each: &mut dyn FnMut(Element) -> bool) -> io::Result<()> {
    Scanner { file }.array(each)
}

/// The same, for the array that is this member of the object that is the whole file.
pub(super) fn of_member(file: impl BufRead, name: &str, each: &mut dyn FnMut(Element) -> bool) -> io::Result<()> {
    let mut scanner = Scanner { file };
    scanner.expect(b'{')?;
    while scanner.goes_on(b'}')? {
        let member = scanner.value()?;
        scanner.expect(b':')?;
        let is_list = scanner.next()? == b'[';
        if is_list && matches!(member, Element::Read(Value::String(member)) if member == name) {
            return scanner.array(each);
        }
        scanner.value()?;
    }
    Err(invalid(&format!("there is no list of {name}")))
}

/// Tells where a value ends, and nothing else: brackets and quotation marks suffice for that.
struct Scanner<R> {
    file: R,
}

impl<R: BufRead> Scanner<R> {
    fn array(&mut self, each: &mut dyn FnMut(Element) -> bool) -> io::Result<()> {
        self.expect(b'[')?;
        while self.goes_on(b']')? {
            if !each(self.value()?) {
                break;
            }
        }
        Ok(())
    }

    /// The next byte that is no white space, still unread.
    fn next(&mut self) -> io::Result<u8> {
        loop {
            let Some(&byte) = self.file.fill_buf()?.first() else {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it breaks off"));
            };
            if !byte.is_ascii_whitespace() {
                return Ok(byte);
            }
            self.file.consume(1);
        }
    }

    fn expect(&mut self, wanted: u8) -> io::Result<()> {
        if self.next()? != wanted {
            return Err(invalid(&format!("a `{}` is missing", char::from(wanted))));
        }
        self.file.consume(1);
        Ok(())
    }

    /// Whether another value comes before this end.
    fn goes_on(&mut self, end: u8) -> io::Result<bool> {
        if self.next()? == b',' {
            self.file.consume(1);
        }
        let is_end = self.next()? == end;
        if is_end {
            self.file.consume(1);
        }
        Ok(!is_end)
    }

    fn value(&mut self) -> io::Result<Element> {
        self.next()?;
        let mut text = Vec::new();
        let mut extent = Extent::default();
        loop {
            let piece = self.file.fill_buf()?;
            if piece.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it breaks off"));
            }
            let end = piece.iter().position(|&byte| extent.is_over_before(byte));
            let read = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            let room = (LONGEST_ELEMENT + 1).saturating_sub(text.len());
            text.extend_from_slice(read.get(..room).unwrap_or(read));
            let read = read.len();
            self.file.consume(read);
            if end.is_some() {
                break;
            }
        }
        if text.is_empty() {
            return Err(invalid("a value is missing"));
        }
        if text.len() > LONGEST_ELEMENT {
            return Ok(Element::Unreadable("this is longer than 1 MiB"));
        }
        Ok(serde_json::from_slice(&text).map_or(Element::Unreadable("this is not JSON"), Element::Read))
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

/// How far a value reaches.
#[derive(Default)]
struct Extent {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    /// A list, an object or a text was closed, and nothing is open any more.
    is_closed: bool,
}

impl Extent {
    /// Takes the next byte, and says whether the value ended before it.
    fn is_over_before(&mut self, byte: u8) -> bool {
        if self.is_closed {
            return true;
        }
        if self.in_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => {
                    self.in_text = false;
                    self.is_closed = self.depth == 0;
                }
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                self.is_closed = self.depth == 0;
            }
            // A number or a word at the outermost level ends where something else begins.
            b'}' | b']' | b',' | b':' => return self.depth == 0,
            _ => return self.depth == 0 && byte.is_ascii_whitespace(),
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Reads in pieces of every size, so that each byte is once the last of a piece.
    fn elements(text: &str) -> Result<Vec<Option<Value>>, String> {
        let read = |size: usize| {
            let mut found = Vec::new();
            let mut each = |element: Element| {
                found.push(match element {
                    Element::Read(value) => Some(value),
                    Element::Unreadable(_) => None,
                });
                true
            };
            let file = io::BufReader::with_capacity(size, text.as_bytes());
            of_array(file, &mut each).map(|()| found).map_err(|error| error.to_string())
        };
        let whole = read(4096);
        for size in 1..=text.len().clamp(1, 64) {
            assert_eq!(read(size), whole, "{text} in pieces of {size}");
        }
        whole
    }

    #[test]
    fn each_element_is_read_by_itself() {
        assert_eq!(elements(" [ ] "), Ok(vec![]));
        let list = json!([{ "a": [1, { "b": "]}\"\\" }] }, "x,]", 1.5, true, null, [], {}]);
        let expected: Vec<_> = list.as_array().unwrap().iter().cloned().map(Some).collect();
        assert_eq!(elements(&list.to_string()).as_ref(), Ok(&expected));
        assert_eq!(elements(&format!("{list:#}\n")).as_ref(), Ok(&expected));
        assert_eq!(
            elements(r#"[{"a" 1}, 2, nope, {"b": "\x"}, 3]"#),
            Ok(vec![None, Some(json!(2)), None, None, Some(json!(3))])
        );
    }

    #[test]
    fn a_list_that_breaks_off_or_is_none_is_said_to_be_wrong() {
        for text in ["", "[", "[1", "[1,", "[{\"a\":1", "[\"a", "[\"a\\"] {
            assert_eq!(elements(text), Err("it breaks off".to_owned()), "{text}");
        }
        for text in ["{}", "1", "[,,]", "[1}"] {
            assert!(elements(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_element_that_is_too_long_keeps_no_other_out() {
        let long = "x".repeat(LONGEST_ELEMENT);
        let mut found = Vec::new();
        let mut each = |element: Element| {
            found.push(matches!(element, Element::Read(_)));
            true
        };
        of_array(format!("[\"{long}\", 1]").as_bytes(), &mut each).unwrap();
        assert_eq!(found, [false, true]);
    }

    #[test]
    fn a_member_is_found_among_others_at_the_outermost_level_alone() {
        let realm = json!({ "a": { "users": [1] }, "b": "users", "users": [2, 3], "z": 1 });
        let mut found = Vec::new();
        let mut each = |element: Element| {
            if let Element::Read(value) = element {
                found.push(value);
            }
            true
        };
        of_member(realm.to_string().as_bytes(), "users", &mut each).unwrap();
        assert_eq!(found, [json!(2), json!(3)]);
        let error = of_member(b"{\"a\": 1}".as_slice(), "users", &mut |_| true).unwrap_err();
        assert_eq!(error.to_string(), "there is no list of users");
    }
}
