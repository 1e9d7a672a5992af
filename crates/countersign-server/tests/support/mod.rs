//! The program as a process, in a folder of its own.

// Each test program uses its own part of this.
#![allow(dead_code)]

#[path = "../../../countersign/tests/support/postgres.rs"]
pub(crate) mod postgres;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct-horse-1";

/// Says where the tests of this program keep everything: `sqlite`, as without it, or `postgres`.
const ENGINE_VARIABLE: &str = "TEST_ENGINE";

/// What is in each line of the log that is about PostgreSQL.
const OF_POSTGRES: &str = r#""target":"countersign::store::postgres""#;

/// Asks until it is so, which a slow machine may take its time for.
pub(crate) fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder in which commands run, its data directory, and where the database is if not in it.
pub(crate) struct Place {
    folder: TempDir,
    database: Option<String>,
}

/// What a command did.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let database = match std::env::var(ENGINE_VARIABLE).as_deref() {
            Err(_) | Ok("sqlite") => None,
            Ok("postgres") => Some(postgres::fresh()),
            other => panic!("{ENGINE_VARIABLE}: {other:?}"),
        };
        Self { folder: tempfile::tempdir().unwrap(), database }
    }

    /// One whose database is in its data directory, whatever the other tests run on.
    pub(crate) fn on_sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None }
    }

    /// One whose database is at this URL.
    pub(crate) fn on(database: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: Some(database.to_owned()) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("countersign-data")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Names of the files in the folder.
    pub(crate) fn files(&self) -> Vec<String> {
        fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub(crate) fn mode(&self, path: impl AsRef<Path>) -> u32 {
        fs::metadata(self.path().join(path)).unwrap().permissions().mode() & 0o777
    }

    pub(crate) fn set_mode(&self, path: impl AsRef<Path>, mode: u32) {
        fs::set_permissions(self.path().join(path), PermissionsExt::from_mode(mode)).unwrap();
    }

    /// The program, without any variable of ours in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(arguments).current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") {
                command.env_remove(name);
            }
        }
        command.envs(self.database.as_ref().map(|url| ("COUNTERSIGN_DATABASE", url)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.run_with(arguments, &[], "")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Done {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Done::from(child.wait_with_output().unwrap())
    }

    pub(crate) fn add_user(&self, arguments: &[&str]) -> Done {
        let add = [&["user", "add"], arguments, &["--password-stdin"]].concat();
        self.run_with(&add, &[], &format!("{PASSWORD}\n"))
    }

    /// A server that counts no attempts: all tests come from one address.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        self.serve_throttling(&[&["--throttle", "off"], arguments].concat())
    }

    /// A server as it is by default.
    pub(crate) fn serve_throttling(&self, arguments: &[&str]) -> Server {
        let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
        let child = self.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Server::of(child)
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Done {
    /// The command worked; its output.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The command failed with this code and one line; the line. Of a throwaway PostgreSQL the log says besides that it loses what it is
    /// told.
    #[track_caller]
    pub(crate) fn bad(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        let lines: Vec<_> = self.stderr.lines().filter(|line| !line.contains(OF_POSTGRES)).collect();
        assert_eq!(lines.len(), 1, "{}", self.stderr);
        assert_eq!(self.stdout, "");
        format!("{}\n", lines.concat())
    }

    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.good()).unwrap()
    }
}

/// A server process; killed when the test is over.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) banner: String,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    fn of(mut child: Child) -> Self {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.ends_with("\n\n") || banner.lines().count() < 3 {
            if stdout.read_line(&mut banner).unwrap() == 0 {
                let mut stderr = String::new();
                child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
                panic!("the server did not start: {banner}{stderr}");
            }
        }
        let address = banner.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap().parse().unwrap();
        Self { child, address, banner, stdout }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
    }

    /// Sends a request and returns status and body.
    pub(crate) fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> (u16, String) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let fields = fields.concat();
        let length = body.len();
        let mut stream = self.connect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n"
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        answer(stream)
    }

    pub(crate) fn log_in(&self, name: &str) -> (u16, String) {
        let form = format!("grant_type=password&username={name}&password={PASSWORD}");
        let (status, body) =
            self.ask("POST", "/token", &[("Content-Type", "application/x-www-form-urlencoded")], &form);
        let token =
            serde_json::from_str::<serde_json::Value>(&body).unwrap()["access_token"].as_str().map(str::to_owned);
        (status, token.unwrap_or_default())
    }

    /// What the listener of metrics serves.
    pub(crate) fn metrics(&self) -> String {
        let address = self.banner.lines().find_map(|line| line.trim().strip_prefix("Look at metrics:   http://"));
        let address: SocketAddr =
            address.and_then(|address| address.strip_suffix("/metrics")).unwrap().parse().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let (status, text) = answer(stream);
        assert_eq!(status, 200, "{text}");
        text
    }

    pub(crate) fn whoami(&self, token: &str) -> (u16, String) {
        self.ask("GET", "/users/me", &[("Authorization", &format!("Bearer {token}"))], "")
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end: exit code, and what was written after the banner and to standard error.
    pub(crate) fn end(mut self) -> Done {
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code();
        Done { code, stdout, stderr }
    }

    /// Stops the server as an operator does.
    pub(crate) fn stop(self) -> Done {
        self.signal(rustix::process::Signal::TERM);
        self.end()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until the server closes: status and body.
pub(crate) fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}
