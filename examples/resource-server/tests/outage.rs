//! The API beside a real server, which comes, goes and comes again.
#![allow(clippy::expect_used, clippy::panic, reason = "in a test these fail the test")]

#[path = "../../program.rs"]
mod program;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use program::Program;

const PASSWORD: &str = "four random words here";

/// The server; killed when the test lets go of it.
struct Server(Child);

impl Server {
    fn start(data: &Path, address: SocketAddr) -> Self {
        let listen = address.to_string();
        let mut command = server(data);
        command.args(["serve", "--listen", &listen]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line of output");
        assert!(line.contains(&listen), "the server did not start: {line}");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The server's program beside this one, built as the tests of the whole workspace build it: there is nothing to do after them.
fn server(data: &Path) -> Command {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--workspace", "--all-features", "--test", "server_process"]);
        assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs").success());
        Path::new(env!("CARGO_BIN_EXE_resource-server")).with_file_name("countersign")
    });
    let mut command = Command::new(&*PROGRAM);
    command.env("COUNTERSIGN_DATA", data);
    command
}

/// An administrator, whose tokens may carry a scope.
fn add_user(data: &Path) {
    let mut command = server(data);
    command.args(["user", "add", "ada", "--scope", "users:read", "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the command starts");
    writeln!(child.stdin.take().expect("its input"), "{PASSWORD}").expect("the password is read");
    assert!(child.wait().expect("the command ends").success());
}

/// A token of the server at this address.
fn token(address: SocketAddr, scope: &str) -> String {
    let form = format!("grant_type=password&username=ada&password={}&scope={scope}", PASSWORD.replace(' ', "+"));
    program::access_token(&program::send(
        address,
        "POST /token\nContent-Type: application/x-www-form-urlencoded",
        &form,
    ))
}

fn status(api: &Program, path: &str, token: &str) -> u16 {
    let answer = api.send(&format!("GET {path}\nAuthorization: Bearer {token}"), "");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status: {answer}"))
}

#[test]
fn an_issuer_that_cannot_be_is_refused_with_what_to_do() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resource-server"));
    let done = command.args(["--listen", "127.0.0.1:0", "--issuer", "http://login.test"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && said.contains("use https"), "{said}");
}

#[test]
fn tokens_are_taken_before_during_and_after_an_outage_of_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    // Free now, and named to both: the server has to come back to it.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("an address");
    let issuer = format!("http://{address}");
    add_user(&data);

    let api = Program::start(env!("CARGO_BIN_EXE_resource-server"), &["--issuer", &issuer]);
    assert!(api.send("GET /", "").starts_with("HTTP/1.1 200 "), "what needs no token needs no server");
    assert_eq!(status(&api, "/me", "any.token.here"), 503, "nobody can tell whether it is good");
    assert!(api.send("GET /me", "").starts_with("HTTP/1.1 401 "));

    let running = Server::start(&data, address);
    let (plain, scoped) = (token(address, ""), token(address, "users:read"));
    // The next attempt is made by a request, once the cool-down is over, or by the keeper of the keys before.
    let deadline = Instant::now() + Duration::from_mins(1);
    while status(&api, "/me", &plain) == 503 && Instant::now() < deadline {}
    assert_eq!(status(&api, "/me", &plain), 200);
    assert_eq!(status(&api, "/report", &scoped), 200);
    let elsewhere =
        Program::start(env!("CARGO_BIN_EXE_resource-server"), &["--issuer", &issuer, "--audience", "other"]);
    assert_eq!(status(&elsewhere, "/me", &plain), 401, "it is for another API");

    drop(running);
    assert_eq!(status(&api, "/me", &plain), 200, "the keys are still here");
    let _running = Server::start(&data, address);
    assert_eq!(status(&api, "/me", &token(address, "")), 200);
}
