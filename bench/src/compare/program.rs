//! The programs that are compared: how each is started, and how it is asked.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::process;
use crate::load::Connection;
use crate::server::form_request;

pub(crate) const PASSWORD: &str = "correct-horse-1";
pub(crate) const WRONG_PASSWORD: &str = "wrong-horse-1";

/// The longest start.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Tutorial,
    FastApiUsers,
    BetterAuth,
    NaiveAxum,
    Countersign,
    /// With the hash parameters of pwdlib.
    CountersignHigh,
}

/// In the order of the tables.
pub(crate) const PROGRAMS: [Program; 6] = [
    Program::Tutorial,
    Program::FastApiUsers,
    Program::BetterAuth,
    Program::NaiveAxum,
    Program::CountersignHigh,
    Program::Countersign,
];

impl Program {
    /// The name in the figures.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Tutorial => "fastapi-tutorial",
            Self::FastApiUsers => "fastapi-users",
            Self::BetterAuth => "better-auth",
            Self::NaiveAxum => "naive-axum",
            Self::Countersign => "countersign",
            Self::CountersignHigh => "countersign-high",
        }
    }

    /// The name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tutorial => "FastAPI tutorial",
            Self::FastApiUsers => "FastAPI-Users",
            Self::BetterAuth => "better-auth",
            Self::NaiveAxum => "naive axum",
            Self::Countersign => "Countersign",
            Self::CountersignHigh => "Countersign, high",
        }
    }

    /// What a password costs there.
    pub(crate) fn hash(self) -> &'static str {
        match self {
            Self::Tutorial | Self::FastApiUsers | Self::CountersignHigh => "Argon2id 65536 KiB, t=3, p=4",
            Self::BetterAuth => "scrypt N=16384, r=16, p=1 (32 MiB)",
            Self::NaiveAxum | Self::Countersign => "Argon2id 19456 KiB, t=2, p=1",
        }
    }

    fn command(self, port: u16, folder: &Path) -> Result<Command> {
        let root = super::root()?;
        let (sources, made) = (root.join("bench/compare"), root.join("target/compare"));
        let beside = std::env::current_exe()?;
        let port = port.to_string();
        let mut command;
        match self {
            Self::Tutorial | Self::FastApiUsers => {
                let app = if self == Self::Tutorial { "tutorial:app" } else { "users:app" };
                command = Command::new(made.join("python/bin/uvicorn"));
                command.arg("--app-dir").arg(sources).args([app, "--port", &port, "--workers", "1"]);
                command.args(["--loop", "uvloop", "--http", "httptools", "--no-access-log"]);
            }
            Self::BetterAuth => {
                command = Command::new("node");
                command.arg(made.join("node/better-auth.mjs")).arg(port).env("NODE_ENV", "production");
            }
            Self::NaiveAxum => {
                command = Command::new(beside.with_file_name("naive-axum"));
                command.arg(port);
            }
            Self::Countersign | Self::CountersignHigh => {
                command = Command::new(beside.with_file_name("countersign"));
                // The storm is to be measured, and not its end.
                command.args(["serve", "--throttle", "off", "--listen", &format!("127.0.0.1:{port}")]);
                command.env("COUNTERSIGN_DATA", folder.join("data"));
                if self == Self::CountersignHigh {
                    command.args(["--hash-memory-kib", "65536", "--hash-iterations", "3", "--hash-parallelism", "4"]);
                }
            }
        }
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }

    fn login_path(self) -> &'static str {
        match self {
            Self::FastApiUsers => "/login",
            Self::BetterAuth => "/api/auth/sign-in/email",
            _ => "/token",
        }
    }

    fn me_path(self) -> &'static str {
        if self == Self::BetterAuth { "/api/auth/get-session" } else { "/users/me" }
    }
}

/// A program that runs; ends with this value.
pub(crate) struct Running {
    pub(crate) program: Program,
    pub(crate) address: String,
    /// From the start of the process to its first answer.
    pub(crate) started_in: Duration,
    process: Child,
}

impl Running {
    /// Starts it with this working directory, and waits until it answers. The port may be taken in the meantime: then
    /// once more.
    pub(crate) async fn start(program: Program, folder: &Path) -> Result<Self> {
        match Self::start_once(program, folder).await {
            Ok(running) => Ok(running),
            Err(_) => Self::start_once(program, folder).await,
        }
    }

    async fn start_once(program: Program, folder: &Path) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = program.command(port, folder)?;
        let started = Instant::now();
        let process = command.spawn().with_context(|| format!("{} does not start", program.name()))?;
        let address = format!("127.0.0.1:{port}");
        let mut running = Self { program, address, started_in: Duration::ZERO, process };
        let request = running.me_request("");
        while running.ask(&request).await.is_err() {
            if let Some(status) = running.process.try_wait()? {
                bail!("{} ended: {status}; run script/compare, which prepares it", program.name());
            }
            ensure!(started.elapsed() < PATIENCE, "{} does not answer", program.name());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        running.started_in = started.elapsed();
        Ok(running)
    }

    /// Makes the one user, where the program has not brought one along.
    pub(crate) async fn register(&self) -> Result<()> {
        let (path, body) = match self.program {
            Program::Tutorial | Program::NaiveAxum => return Ok(()),
            Program::FastApiUsers => {
                ("/register", format!(r#"{{"email":"johndoe@example.com","password":"{PASSWORD}"}}"#))
            }
            Program::BetterAuth => (
                "/api/auth/sign-up/email",
                format!(r#"{{"name":"John Doe","email":"johndoe@example.com","password":"{PASSWORD}"}}"#),
            ),
            Program::Countersign | Program::CountersignHigh => (
                "/users",
                format!(
                    r#"{{"username":"johndoe","email":"johndoe@example.com","full_name":"John Doe","password":"{PASSWORD}"}}"#
                ),
            ),
        };
        let status = self.ask(&json_request(&self.address, path, &body)).await?.0;
        ensure!([200, 201].contains(&status), "{} answered a registration with {status}", self.program.name());
        Ok(())
    }

    /// Logs in and gives back the request for the own account.
    pub(crate) async fn log_in(&self) -> Result<Vec<u8>> {
        let (status, head, body) = self.ask(&self.login_request(PASSWORD)).await?;
        ensure!(status == 200, "{} answered a login with {status}", self.program.name());
        let proof = if self.program == Program::BetterAuth {
            let cookie =
                head.lines().find_map(|line| line.split_once("better-auth.session_token=")).context("no cookie")?.1;
            format!("Cookie: better-auth.session_token={}\r\n", cookie.split(';').next().unwrap_or_default())
        } else {
            let body: Value = serde_json::from_slice(&body)?;
            format!(
                "Authorization: Bearer {}\r\n",
                body.get("access_token").and_then(Value::as_str).context("no token")?
            )
        };
        let request = self.me_request(&proof);
        let (status, _, body) = self.ask(&request).await?;
        let known = String::from_utf8_lossy(&body).contains("johndoe");
        ensure!(status == 200 && known, "{} does not know who logged in", self.program.name());
        Ok(request)
    }

    /// The bytes of a login with this password.
    pub(crate) fn login_request(&self, password: &str) -> Vec<u8> {
        let path = self.program.login_path();
        if self.program == Program::BetterAuth {
            let body = format!(r#"{{"email":"johndoe@example.com","password":"{password}"}}"#);
            return json_request(&self.address, path, &body);
        }
        let name = if self.program == Program::FastApiUsers { "johndoe%40example.com" } else { "johndoe" };
        form_request(&self.address, path, &format!("grant_type=password&username={name}&password={password}"))
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Result<f64> {
        process::tree_mib(self.process.id())
    }

    /// The most of it until now.
    pub(crate) fn peak_mib(&self) -> Result<f64> {
        process::peak_mib(self.process.id())
    }

    /// CPU seconds spent until now.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        process::cpu_seconds(self.process.id())
    }

    fn me_request(&self, proof: &str) -> Vec<u8> {
        format!("GET {} HTTP/1.1\r\nHost: {}\r\n{proof}\r\n", self.program.me_path(), self.address).into_bytes()
    }

    async fn ask(&self, request: &[u8]) -> Result<(u16, String, Vec<u8>)> {
        let mut connection = Connection::open(&self.address, Ipv4Addr::LOCALHOST).await?;
        let status = connection.ask(request).await?;
        let (head, body) = connection.last();
        Ok((status, String::from_utf8_lossy(head).into_owned(), body.to_vec()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn json_request(address: &str, path: &str, body: &str) -> Vec<u8> {
    let head = format!("Host: {address}\r\nOrigin: http://{address}\r\nContent-Type: application/json");
    format!("POST {path} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
