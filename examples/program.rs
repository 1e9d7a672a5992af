//! An example as a process; and how one of the four reference systems is held to what was recorded of the original.

// Each test program uses its own part of this.
#![allow(dead_code)]
#![allow(clippy::expect_used, clippy::panic, reason = "in a test these fail the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running program; ended when the test is over.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Program {
    pub(crate) fn start(binary: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary);
        command.args(["--listen", "127.0.0.1:0"]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line of output");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("no address: {line}"));
        Self { child, address }
    }

    /// Sends a request to the program: see [`send`].
    pub(crate) fn send(&self, request: &str, body: &str) -> String {
        send(self.address, request, body)
    }

    /// Posts a login form; the answer.
    pub(crate) fn login(&self, path: &str, form: &str) -> String {
        self.send(&format!("POST {path}\nContent-Type: application/x-www-form-urlencoded"), form)
    }

    /// Logs in; the token.
    pub(crate) fn token(&self, path: &str, form: &str) -> String {
        access_token(&self.login(path, form))
    }
}

/// The token in the answer of a token endpoint.
pub(crate) fn access_token(answer: &str) -> String {
    let token = answer.split("\"access_token\":\"").nth(1).and_then(|rest| rest.split('"').next());
    token.unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request, of which `request` is the method, the path, and whatever comes before the empty line; the answer.
pub(crate) fn send(address: SocketAddr, request: &str, body: &str) -> String {
    let (line, headers) = request.split_once('\n').unwrap_or((request, ""));
    let length = format!("Content-Length: {}", body.len());
    let head = ["Host: a", "Connection: close", &length].into_iter().chain(headers.lines());
    let head = head.fold(format!("{line} HTTP/1.1\r\n"), |head, header| head + header + "\r\n") + "\r\n";
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(format!("{head}{body}").as_bytes()).expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Replays the exchanges that were recorded of a system. Where they do not lie beside the project, that is said on the
/// terminal, and under CI it is a failure.
pub(crate) fn replay(system: &str, binary: &str) {
    let Some(folder) = recorded() else { return };
    let users = folder.join(format!("users-{system}.jsonl"));
    let users = users.exists().then(|| users.to_str().expect("UTF-8"));
    let program = Program::start(binary, &users.map_or(vec![], |users| vec!["--users", users]));
    let target = format!("{system}=http://{}", program.address);
    let done = Command::new("python3").arg(folder.join("replay.py")).arg(target).output().expect("python3 runs");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    let passed = said.lines().last().and_then(|line| line.split(' ').next()).and_then(|count| count.parse().ok());
    assert!(passed.is_some_and(|passed: u32| passed > 100), "too few exchanges: {said}");
}

fn recorded() -> Option<PathBuf> {
    let folder = std::env::var_os("CONTRACT")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract"), PathBuf::from);
    if folder.join("replay.py").exists() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "the recorded exchanges are not at {}", folder.display());
    // Past the capture of the test runner: a test that did not run must be seen.
    let _ = writeln!(std::io::stderr(), "NOT RUN: the recorded exchanges are not at {}", folder.display());
    None
}
