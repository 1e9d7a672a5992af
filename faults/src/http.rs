//! A client that knows what became of a request: answered, never sent, or lost on the way. One connection for each request.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

const LONGEST_CONNECT: Duration = Duration::from_secs(5);
/// Longer than the server takes for anything.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    fields: Vec<String>,
    body: String,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(Answer),
    /// Nobody took the connection: nothing has happened.
    NotSent,
    /// It was sent, and no whole answer came: it may have happened.
    Lost,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), fields: Vec::new(), body: String::new() }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new("DELETE", path)
    }

    /// A form; nothing in it needs to be escaped.
    pub(crate) fn form(path: &str, pairs: &[(&str, &str)]) -> Self {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Self::new("POST", path);
        request.fields.push("Content-Type: application/x-www-form-urlencoded".to_owned());
        request.body = pairs.join("&");
        request
    }

    pub(crate) fn json(method: &'static str, path: impl Into<String>, body: &Value) -> Self {
        let mut request = Self::new(method, path);
        request.fields.push("Content-Type: application/json".to_owned());
        request.body = body.to_string();
        request
    }

    pub(crate) fn bearer(mut self, token: &str) -> Self {
        self.fields.push(format!("Authorization: Bearer {token}"));
        self
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { method, path, fields, body } = self;
        let fields = fields.iter().fold(String::new(), |all, field| all + field + "\r\n");
        let length = body.len();
        format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n{body}"
        )
        .into_bytes()
    }

    /// Sends it and waits for the answer.
    pub(crate) fn send(&self, to: SocketAddr) -> Reply {
        let Ok(mut stream) = TcpStream::connect_timeout(&to, LONGEST_CONNECT) else { return Reply::NotSent };
        match self.ask_on(&mut stream) {
            Ok(answer) => Reply::Answer(answer),
            Err(_) => Reply::Lost,
        }
    }

    fn ask_on(&self, stream: &mut TcpStream) -> std::io::Result<Answer> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LONGEST_ANSWER))?;
        stream.write_all(&self.bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Answer::read(&bytes).ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }
}

impl Answer {
    /// `None` if it is cut off.
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.get(9..12)?.parse().ok()?;
        let head = head.to_ascii_lowercase();
        let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.split("\r\n").next());
        let length: usize = length.map_or(Some(0), |length| length.parse().ok())?;
        (body.len() >= length).then(|| Self { status, head, body: body.to_owned() })
    }

    /// A text member of the JSON body.
    pub(crate) fn text(&self, member: &str) -> Option<String> {
        self.value()?.get(member)?.as_str().map(str::to_owned)
    }

    pub(crate) fn value(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    pub(crate) fn says_when_to_try_again(&self) -> bool {
        self.head.contains("\r\nretry-after: ")
    }
}

impl Reply {
    /// The status; 0 where there was no answer.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Answer(answer) => answer.status,
            Self::NotSent | Self::Lost => 0,
        }
    }
}
