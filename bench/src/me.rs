//! `GET /users/me` with a token, against a bare axum route that returns the same JSON.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Json;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use crate::load::answers_per_second;
use crate::report::{Report, ratios};
use crate::server::{Server, data_with_a_user, me_request};

const ROUNDS: usize = 7;
const CONNECTIONS: usize = 32;
const SPAN: Duration = Duration::from_secs(2);

pub(crate) async fn measure() -> Result<Report> {
    let data = data_with_a_user()?;
    let server = Server::start(&data)?;
    let token = server.log_in().await?;
    let bare = Bare::start()?;
    let guarded: Arc<[u8]> = me_request(&server.address, &token).into();
    let open: Arc<[u8]> = format!("GET /users/me HTTP/1.1\r\nHost: {}\r\n\r\n", bare.address).into_bytes().into();

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let theirs_now = answers_per_second(&bare.address, &open, CONNECTIONS, SPAN).await?;
        let ours_now = answers_per_second(&server.address, &guarded, CONNECTIONS, SPAN).await?;
        // The first round warms up.
        if round > 0 {
            ours.push(ours_now);
            theirs.push(theirs_now);
        }
    }
    let ratio = ratios(&ours, &theirs);
    Ok(Report::new("GET /users/me with a token, 32 connections")
        .row("Countersign", "requests/s", ours)
        .row("bare axum route, same JSON", "requests/s", theirs)
        .row("Countersign : bare route", "", ratio))
}

/// The bare route, in a process of its own as the server is.
struct Bare {
    process: Child,
    address: String,
}

impl Bare {
    fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?).arg("bare-route").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut address)?;
        Ok(Self { process, address: address.trim().to_owned() })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves the JSON of an account to anybody who asks.
pub(crate) async fn serve_bare_route() -> Result<()> {
    let account = || async {
        Json(json!({
            "id": "01a3185c-5000-7067-bd6f-a21fee486268", "username": "johndoe", "email": "johndoe@example.com",
            "full_name": "John Doe", "disabled": false, "scopes": [],
            "created_at": "2027-01-15T08:00:00Z", "updated_at": "2027-01-15T08:00:00Z",
        }))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, axum::Router::new().route("/users/me", get(account))).await?;
    Ok(())
}
