//! The real server: the release binary as a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::load;

pub(crate) const USERNAME: &str = "johndoe";
pub(crate) const PASSWORD: &str = "correct-horse-1";

/// A running server with one user; ends with this value.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts one over this data directory, which counts no attempts: all come from one address, for one account.
    pub(crate) fn start(data: &TempDir) -> Result<Self> {
        Self::start_with(data, &["--throttle", "off"])
    }

    /// One with these arguments.
    pub(crate) fn start_with(data: &TempDir, arguments: &[&str]) -> Result<Self> {
        Self::start_by(countersign(data)?, arguments)
    }

    /// Starts one by this command of the release binary, with these arguments besides.
    pub(crate) fn start_by(mut command: Command, arguments: &[&str]) -> Result<Self> {
        let mut process = command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let address = lines
            .find_map(|line| {
                let line = line.ok()?;
                Some(line.split_once(" listens on ")?.1.to_owned())
            })
            .context("the server did not say where it listens")?;
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { process, address })
    }

    /// The server's resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Result<f64> {
        resident_mib(self.process_id())
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Logs in and gives back the token.
    pub(crate) async fn log_in(&self) -> Result<String> {
        // With a refresh token: where a user has more sessions than may be, such end last.
        let form = format!("grant_type=password&username={USERNAME}&password={PASSWORD}&scope=offline_access");
        let answer = load::ask(&self.address, &form_request(&self.address, "/token", &form)).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer.get("access_token").and_then(Value::as_str).context("no token")?.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The resident memory of a process in MiB.
pub(crate) fn resident_mib(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// A data directory with one user in it.
pub(crate) fn data_with_a_user() -> Result<TempDir> {
    let data = tempfile::tempdir()?;
    let mut process = countersign(&data)?
        .args([
            "user",
            "add",
            USERNAME,
            "--email",
            "johndoe@example.com",
            "--full-name",
            "John Doe",
            "--password-stdin",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    writeln!(process.stdin.take().context("no input")?, "{PASSWORD}")?;
    ensure!(process.wait()?.success(), "the user could not be added");
    Ok(data)
}

/// The bytes of a token request.
pub(crate) fn login_request(address: &str) -> Vec<u8> {
    login_request_with(address, PASSWORD)
}

/// The same, with this password.
pub(crate) fn login_request_with(address: &str, password: &str) -> Vec<u8> {
    form_request(address, "/token", &format!("grant_type=password&username={USERNAME}&password={password}"))
}

/// The bytes of a request for the own account.
pub(crate) fn me_request(address: &str, token: &str) -> Vec<u8> {
    format!("GET /users/me HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// The bytes of a request that posts a form.
pub(crate) fn form_request(address: &str, path: &str, body: &str) -> Vec<u8> {
    let head = "Content-Type: application/x-www-form-urlencoded";
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: {address}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// A command of the release binary over this data directory.
pub(crate) fn countersign(data: &TempDir) -> Result<Command> {
    let program: PathBuf = std::env::current_exe()?.with_file_name("countersign");
    ensure!(program.exists(), "there is no {}: run `cargo build --release` first", program.display());
    let mut command = Command::new(program);
    command.env("COUNTERSIGN_DATA", data.path().join("data"));
    Ok(command)
}
