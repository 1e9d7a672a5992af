//! How long an access token outlives its session: on the server itself, and on an API elsewhere that follows the status lists.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::extract::FromRequestParts as _;
use axum::http::Request;
use countersign_axum::remote::RemoteIssuer;
use countersign_axum::token::inspect;
use countersign_axum::{Bearer, Guard};
use serde_json::Value;

use crate::load::Connection;
use crate::report::Report;
use crate::server::{Server, data_with_a_user, me_request};

const ROUNDS: u32 = 40;
/// The default of `RemoteIssuer::status_interval`.
const INTERVAL: Duration = Duration::from_secs(5);
/// What an answer may take besides.
const ANSWER: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) async fn measure() -> Result<Report> {
    let data = data_with_a_user()?;
    let server = Server::start(&data)?;
    let issuer = format!("http://{}", server.address);
    let elsewhere = RemoteIssuer::new(&issuer, &issuer).guard()?;
    let (mut milliseconds, mut still_good) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let token = server.log_in().await?;
        ensure!(is_good(&elsewhere, &token).await?, "a fresh token was refused");
        // At another moment of the interval each time.
        tokio::time::sleep(INTERVAL * round / ROUNDS).await;
        let mut connection = Connection::open(&server.address, std::net::Ipv4Addr::LOCALHOST).await?;
        let status = connection.ask(&end_request(&server.address, &token)?).await?;
        let ended = Instant::now();
        ensure!(status == 204, "the session was not ended: {status}");
        still_good += u32::from(connection.ask(&me_request(&server.address, &token)).await? != 401);
        while is_good(&elsewhere, &token).await? {
            tokio::time::sleep(PAUSE).await;
        }
        milliseconds.push(ended.elapsed().as_secs_f64() * 1000.0);
    }
    let longest = milliseconds.iter().copied().fold(0.0, f64::max);
    Ok(Report::new("a token after its session was ended")
        .row("until an API elsewhere refuses it", "ms", milliseconds)
        .bound("the very next request to the server itself is refused", still_good == 0)
        .bound("an API elsewhere refuses it within 5 s", longest <= (INTERVAL + ANSWER).as_secs_f64() * 1000.0))
}

async fn is_good(guard: &Guard, token: &str) -> Result<bool> {
    let request = Request::builder().header("authorization", format!("Bearer {token}")).body(())?;
    let bearer: Result<Bearer, _> = Bearer::from_request_parts(&mut request.into_parts().0, guard).await;
    Ok(bearer.is_ok())
}

/// The request that ends the session of this token.
fn end_request(address: &str, token: &str) -> Result<Vec<u8>> {
    let claims = inspect(token)?.claims;
    let session = claims.get("sid").and_then(Value::as_str).context("no session")?;
    let head = format!("DELETE /users/me/sessions/{session} HTTP/1.1\r\nHost: {address}\r\n");
    Ok(format!("{head}Authorization: Bearer {token}\r\n\r\n").into_bytes())
}
