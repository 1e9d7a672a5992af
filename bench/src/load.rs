//! The load: connections that ask again as soon as they are answered, or at a pace, over HTTP/1.1 with keep-alive.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Answers a second that `connections` clients get when each sends `request` again and again for `span`.
pub(crate) async fn answers_per_second(
    address: &str,
    request: &Arc<[u8]>,
    connections: usize,
    span: Duration,
) -> Result<f64> {
    let (answers, took) = count_answers(address, request, connections, span).await?;
    Ok(f64::from(answers) / took.as_secs_f64())
}

/// The same as the number of answers and the time until the last of them.
pub(crate) async fn count_answers(
    address: &str,
    request: &Arc<[u8]>,
    connections: usize,
    span: Duration,
) -> Result<(u32, Duration)> {
    let started = Instant::now();
    let until = started + span;
    let clients: Vec<_> =
        (0..connections).map(|_| tokio::spawn(ask_until(address.to_owned(), Arc::clone(request), until))).collect();
    let mut answers = 0_u32;
    for client in clients {
        answers += client.await??;
    }
    Ok((answers, started.elapsed()))
}

/// Asks once and gives back the body.
pub(crate) async fn ask(address: &str, request: &[u8]) -> Result<Vec<u8>> {
    let mut connection = Connection::open(address, Ipv4Addr::LOCALHOST).await?;
    connection.ask_for_200(request).await?;
    Ok(connection.into_body())
}

async fn ask_until(address: String, request: Arc<[u8]>, until: Instant) -> Result<u32> {
    let mut connection = Connection::open(&address, Ipv4Addr::LOCALHOST).await?;
    let mut answers = 0;
    while Instant::now() < until {
        connection.ask_for_200(&request).await?;
        answers += 1;
    }
    Ok(answers)
}

/// One client's connection, and the last answer on it.
pub(crate) struct Connection {
    socket: TcpStream,
    answer: Vec<u8>,
    /// Where the body of the answer begins.
    body: usize,
}

impl Connection {
    /// Connects from this address, which is one of this machine.
    pub(crate) async fn open(address: &str, from: Ipv4Addr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // By chance the port is the one that a server is about to listen on, which must not be kept from it for a minute.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((from, 0)))?;
        let socket = socket.connect(address.parse()?).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, answer: Vec::with_capacity(4096), body: 0 })
    }

    /// Sends a request and reads the answer, whose status it gives back.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<u16> {
        self.socket.write_all(request).await?;
        self.answer.clear();
        self.body = loop {
            self.read_more().await?;
            if let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = self.head();
        let status = head.get("http/1.1 ".len()..).and_then(|rest| rest.get(..3)).context("no status")?.parse()?;
        // 204 has no body, and says nothing of its length (RFC 9110 section 8.6).
        let length = match head.split_once("content-length: ") {
            Some((_, length)) => length.split("\r\n").next().unwrap_or_default().parse()?,
            None if status == 204 => 0,
            None if head.contains("transfer-encoding: chunked") => return self.read_chunks().await.map(|()| status),
            None => bail!("an answer without Content-Length"),
        };
        while self.answer.len() < self.body + length {
            self.read_more().await?;
        }
        Ok(status)
    }

    /// Reads a body in chunks to its end, and leaves the chunks' content (RFC 9112 section 7.1).
    async fn read_chunks(&mut self) -> Result<()> {
        let (mut content, mut at) = (Vec::new(), self.body);
        loop {
            let line = loop {
                let rest = self.answer.get(at..).unwrap_or_default();
                match rest.windows(2).position(|window| window == b"\r\n") {
                    Some(end) => break String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned(),
                    None => self.read_more().await?,
                }
            };
            let length = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)?;
            at += line.len() + 2;
            while self.answer.len() < at + length + 2 {
                self.read_more().await?;
            }
            content.extend_from_slice(self.answer.get(at..at + length).unwrap_or_default());
            at += length + 2;
            if length == 0 {
                break;
            }
        }
        self.answer.truncate(self.body);
        self.answer.append(&mut content);
        Ok(())
    }

    /// The head of the last answer as it came, and its body.
    pub(crate) fn last(&self) -> (&[u8], &[u8]) {
        self.answer.split_at_checked(self.body).unwrap_or_default()
    }

    /// The same, and fails unless the status is 200.
    pub(crate) async fn ask_for_200(&mut self, request: &[u8]) -> Result<()> {
        if self.ask(request).await? != 200 {
            bail!("the server refused: {}", String::from_utf8_lossy(&self.answer));
        }
        Ok(())
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        self.answer.get(self.body..).unwrap_or_default()
    }

    fn into_body(mut self) -> Vec<u8> {
        self.answer.split_off(self.body)
    }

    async fn read_more(&mut self) -> Result<()> {
        ensure!(self.socket.read_buf(&mut self.answer).await? > 0, "the server closed the connection");
        Ok(())
    }

    fn head(&self) -> String {
        String::from_utf8_lossy(self.answer.get(..self.body).unwrap_or_default()).to_ascii_lowercase()
    }
}

/// One client's answers: the status, 0 for a connection that failed, and how long it took.
pub(crate) type Answers = Vec<(u16, Duration)>;

/// When and from where a client asks.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) from: Ipv4Addr,
    pub(crate) first: Instant,
    pub(crate) every: Duration,
    pub(crate) until: Instant,
}

/// Asks at a pace: the next request goes out in its time, or when the last one is answered if that is later. `request`
/// says what to ask by the number of the request.
pub(crate) async fn ask_at_pace(address: String, pace: Pace, request: impl Fn(usize) -> Arc<[u8]>) -> Answers {
    let mut connection = None;
    let mut answers = Vec::new();
    let mut next = pace.first;
    while next < pace.until {
        tokio::time::sleep_until(next.into()).await;
        let sent = Instant::now();
        let answered = ask_on(&mut connection, &address, pace.from, &request(answers.len())).await;
        if answered.is_err() {
            connection = None;
        }
        answers.push((answered.unwrap_or(0), sent.elapsed()));
        next = (next + pace.every).max(Instant::now());
    }
    answers
}

async fn ask_on(slot: &mut Option<Connection>, address: &str, from: Ipv4Addr, request: &[u8]) -> Result<u16> {
    let connection = match slot {
        Some(connection) => connection,
        None => slot.insert(Connection::open(address, from).await?),
    };
    connection.ask(request).await
}
