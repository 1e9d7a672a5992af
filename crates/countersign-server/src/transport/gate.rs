//! Reads along with the HTTP/1.1 parser to catch what it lets pass: a request line that is too long, and a head that
//! says twice where its body ends. Also knows whether the connection stands between two heads, inside one, or in a body.

use crate::transport::refusal::Refusal;

const HTTP2_FIRST_LINE: &[u8] = b"PRI * HTTP/2.0";
/// More than `content-length: ` and the digits of the largest `u64`; a longer line of that name is refused.
const KEPT_BYTES: usize = 64;

/// ` HTTP/1.1` and the line end.
const VERSION_BYTES: usize = 11;

/// Where the bytes that came last stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the first byte of a head.
    Between,
    /// Inside a head.
    Head,
    /// Inside a body of known length.
    Body,
    /// In what the gate does not follow: HTTP/2, or a chunked body, behind which the connection ends.
    Beyond,
}

/// A refused head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// How many of the bytes given last may still be passed on.
    pub(crate) passed: usize,
    /// Why.
    pub(crate) refusal: Refusal,
}

/// Follows the bytes of one connection.
#[derive(Debug)]
pub(crate) struct Gate {
    request_line_bytes: usize,
    heads: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Body { left: u64 },
    Beyond,
}

#[derive(Debug)]
struct Head {
    in_fields: bool,
    line_bytes: usize,
    /// The first bytes of the line under way.
    kept: [u8; KEPT_BYTES],
    content_length: Option<u64>,
    has_transfer_encoding: bool,
    is_ambiguous: bool,
}

/// What a line turned out to be.
enum Line {
    /// Blank before the request line, the request line, or a field.
    Ordinary,
    /// The first line of the HTTP/2 preface.
    Http2,
    /// The empty line behind the fields.
    Last,
}

impl Gate {
    pub(crate) fn new(request_line_bytes: usize) -> Self {
        Self { request_line_bytes, heads: 1, state: State::Head(Head::new()) }
    }

    /// The ordinal of the head that is awaited or under way; the first is 1.
    pub(crate) fn ordinal(&self) -> u64 {
        self.heads
    }

    pub(crate) fn place(&self) -> Place {
        match &self.state {
            State::Head(head) if !head.in_fields && head.line_bytes == 0 => Place::Between,
            State::Head(_) => Place::Head,
            State::Body { .. } => Place::Body,
            State::Beyond => Place::Beyond,
        }
    }

    /// Looks at the bytes that came. After a refusal the gate follows nothing more.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match &mut self.state {
                State::Beyond => return Ok(()),
                State::Body { left } => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= taken as u64;
                    if *left == 0 {
                        self.next_head();
                    }
                    taken
                }
                State::Head(head) => {
                    let line_end = memchr::memchr(b'\n', rest);
                    let taken = line_end.map_or(rest.len(), |at| at + 1);
                    let (piece, _) = rest.split_at(taken);
                    let before = bytes.len() - rest.len();
                    if let Some(cut) = head.take_piece(piece, self.request_line_bytes) {
                        self.state = State::Beyond;
                        return Err(Refused { passed: before + cut, refusal: Refusal::RequestLineTooLong });
                    }
                    if line_end.is_some() && self.end_line().is_err() {
                        self.state = State::Beyond;
                        return Err(Refused { passed: before + taken, refusal: Refusal::AmbiguousLength });
                    }
                    taken
                }
            };
            rest = rest.split_at(taken).1;
        }
        Ok(())
    }

    fn next_head(&mut self) {
        self.heads += 1;
        self.state = State::Head(Head::new());
    }

    /// Fails at the end of a head that is in two minds about its body.
    fn end_line(&mut self) -> Result<(), ()> {
        let State::Head(head) = &mut self.state else { return Ok(()) };
        match head.end_line() {
            Line::Http2 if self.heads == 1 => self.state = State::Beyond,
            Line::Ordinary | Line::Http2 => {}
            Line::Last => match (head.content_length, head.has_transfer_encoding) {
                _ if head.is_ambiguous => return Err(()),
                (Some(_), true) => return Err(()),
                (None, true) => self.state = State::Beyond,
                (Some(left @ 1..), false) => self.state = State::Body { left },
                (Some(0) | None, false) => self.next_head(),
            },
        }
        Ok(())
    }
}

impl Head {
    fn new() -> Self {
        Self {
            in_fields: false,
            line_bytes: 0,
            kept: [0; KEPT_BYTES],
            content_length: None,
            has_transfer_encoding: false,
            is_ambiguous: false,
        }
    }

    /// Takes a piece of a line; where it makes the request line too long, says how much of the piece still fits.
    fn take_piece(&mut self, piece: &[u8], request_line_bytes: usize) -> Option<usize> {
        if let Some(room) = self.kept.get_mut(self.line_bytes..) {
            room.iter_mut().zip(piece).for_each(|(kept, byte)| *kept = *byte);
        }
        let fits = request_line_bytes.saturating_sub(self.line_bytes);
        self.line_bytes += piece.len();
        // Cut inside the target, so that the version can be put behind it again.
        (!self.in_fields && piece.len() > fits).then_some(fits.saturating_sub(VERSION_BYTES))
    }

    fn end_line(&mut self) -> Line {
        let bytes = std::mem::take(&mut self.line_bytes);
        let is_whole = bytes <= KEPT_BYTES;
        let kept = self.kept;
        let line = kept.get(..bytes).unwrap_or(&kept);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return if self.in_fields { Line::Last } else { Line::Ordinary };
        }
        if !self.in_fields {
            self.in_fields = true;
            return if line == HTTP2_FIRST_LINE { Line::Http2 } else { Line::Ordinary };
        }
        self.take_field(line, is_whole);
        Line::Ordinary
    }

    fn take_field(&mut self, line: &[u8], is_whole: bool) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.has_transfer_encoding = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = if is_whole { length(value.split_at(1).1) } else { None };
            // The same length twice is one opinion; the parser merges it.
            self.is_ambiguous |= length.is_none() || self.content_length.is_some_and(|known| Some(known) != length);
            self.content_length = length;
        }
    }
}

/// The value of a Content-Length field: digits and nothing else, white space around them aside.
fn length(value: &[u8]) -> Option<u64> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: usize = 64;

    /// Feeds the bytes whole and then one by one: the verdict may not depend on how they are cut.
    fn take(bytes: &[u8]) -> (Result<(), Refused>, Place, u64) {
        let mut whole = Gate::new(LINE);
        let verdict = whole.take(bytes);
        let mut single = Gate::new(LINE);
        let pieces = bytes.iter().enumerate().find_map(|(at, byte)| {
            let refused = single.take(&[*byte]).err()?;
            Some(Refused { passed: at + refused.passed, ..refused })
        });
        assert_eq!(verdict.as_ref().err(), pieces.as_ref());
        assert_eq!((whole.place(), whole.ordinal()), (single.place(), single.ordinal()));
        (verdict, whole.place(), whole.ordinal())
    }

    #[test]
    fn heads_and_bodies_are_told_apart() {
        assert_eq!(take(b""), (Ok(()), Place::Between, 1));
        assert_eq!(take(b"\r\n"), (Ok(()), Place::Between, 1));
        assert_eq!(take(b"G"), (Ok(()), Place::Head, 1));
        assert_eq!(take(b"GET / HTTP/1.1\r\nHost: a\r\n"), (Ok(()), Place::Head, 1));
        assert_eq!(take(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (Ok(()), Place::Between, 2));
        assert_eq!(take(b"GET / HTTP/1.1\nHost: a\n\n"), (Ok(()), Place::Between, 2));
        let post = b"POST / HTTP/1.1\r\nCONTENT-LENGTH:\t4 \r\n\r\n";
        assert_eq!(take(post), (Ok(()), Place::Body, 1));
        assert_eq!(take(&[&post[..], b"\r\n\r"].concat()), (Ok(()), Place::Body, 1));
        assert_eq!(take(&[&post[..], b"\r\n\r\n"].concat()), (Ok(()), Place::Between, 2));
        assert_eq!(take(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), (Ok(()), Place::Between, 2));
    }

    #[test]
    fn nothing_is_followed_behind_a_chunked_body_or_in_http2() {
        let chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
        assert_eq!(take(chunked), (Ok(()), Place::Beyond, 1));
        assert_eq!(take(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), (Ok(()), Place::Beyond, 1));
    }

    // R-173
    #[test]
    fn two_opinions_on_the_length_of_a_body_are_refused_in_every_order_and_behind_other_requests() {
        let heads = [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nX: y\r\ncontent-length: 5",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: +5",
            "Content-Length: -1",
            "Content-Length:",
            "Content-Length: 5, 5",
            "Content-Length: 99999999999999999999",
            &format!("Content-Length:{}5", " ".repeat(100)),
        ];
        for fields in heads {
            let head = format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n");
            let refused = |passed| Err(Refused { passed, refusal: Refusal::AmbiguousLength });
            assert_eq!(take(head.as_bytes()), (refused(head.len()), Place::Beyond, 1), "{fields}");
            let second = format!("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}{head}more");
            assert_eq!(take(second.as_bytes()), (refused(second.len() - 4), Place::Beyond, 2), "{fields}");
        }
    }

    #[test]
    fn the_same_length_twice_is_one_length() {
        let head = b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n12345";
        assert_eq!(take(head), (Ok(()), Place::Between, 2));
    }

    // R-171
    #[test]
    fn a_request_line_is_cut_below_its_limit() {
        let longest = format!("GET /{} HTTP/1.1\r\n", "a".repeat(LINE - 16));
        assert_eq!(longest.len(), LINE);
        assert_eq!(take(longest.as_bytes()), (Ok(()), Place::Head, 1));
        let longer = format!("\r\nGET /{} HTTP/1.1\r\n", "a".repeat(LINE - 15));
        let refused = Refused { passed: 2 + LINE - VERSION_BYTES, refusal: Refusal::RequestLineTooLong };
        let mut gate = Gate::new(LINE);
        assert_eq!(gate.take(longer.as_bytes()), Err(refused));
        assert_eq!(gate.place(), Place::Beyond);
        // Byte by byte, what fits has gone already.
        let mut gate = Gate::new(LINE);
        let refused = longer.bytes().position(|byte| gate.take(&[byte]).is_err());
        assert_eq!(refused, Some(2 + LINE));
    }

    #[test]
    fn fields_may_be_longer_than_a_request_line() {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "a".repeat(10 * LINE));
        assert_eq!(take(head.as_bytes()), (Ok(()), Place::Between, 2));
    }
}
