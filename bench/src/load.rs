//! The load: connections that ask again as soon as they are answered, over HTTP/1.1 with keep-alive.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers a second that `connections` clients get when each sends `request` again and again for `span`.
pub(crate) async fn answers_per_second(
    address: &str,
    request: &Arc<[u8]>,
    connections: usize,
    span: Duration,
) -> Result<f64> {
    let started = Instant::now();
    let until = started + span;
    let clients: Vec<_> =
        (0..connections).map(|_| tokio::spawn(ask_until(address.to_owned(), Arc::clone(request), until))).collect();
    let mut answers = 0_u32;
    for client in clients {
        answers += client.await??;
    }
    Ok(f64::from(answers) / started.elapsed().as_secs_f64())
}

/// Asks once and gives back the body.
pub(crate) async fn ask(address: &str, request: &[u8]) -> Result<Vec<u8>> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(request).await?;
    let mut answer = Vec::new();
    let body = read_answer(&mut connection, &mut answer).await?;
    Ok(answer.split_off(body))
}

async fn ask_until(address: String, request: Arc<[u8]>, until: Instant) -> Result<u32> {
    let mut connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    let mut answer = Vec::with_capacity(4096);
    let mut answers = 0;
    while Instant::now() < until {
        connection.write_all(&request).await?;
        read_answer(&mut connection, &mut answer).await?;
        answers += 1;
    }
    Ok(answers)
}

/// Reads one answer into `answer` and returns where its body begins; anything but 200 ends the run.
async fn read_answer(connection: &mut TcpStream, answer: &mut Vec<u8>) -> Result<usize> {
    answer.clear();
    let body = loop {
        if connection.read_buf(answer).await? == 0 {
            bail!("the server closed the connection");
        }
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(answer.get(..body).unwrap_or_default()).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        bail!("the server refused: {head}{}", String::from_utf8_lossy(answer.get(body..).unwrap_or_default()));
    }
    let (_, length) = head.split_once("content-length: ").context("an answer without Content-Length")?;
    let length: usize = length.split("\r\n").next().unwrap_or_default().parse()?;
    while answer.len() < body + length {
        if connection.read_buf(answer).await? == 0 {
            bail!("the server closed the connection in the middle of an answer");
        }
    }
    Ok(body)
}
