//! The real server: the binary, in a data directory of its own, on a free port.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running server; ends with this value.
pub(crate) struct Server {
    process: Child,
    data: TempDir,
    address: String,
}

impl Server {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut process = countersign(&data)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let banner = BufReader::new(process.stdout.take().unwrap());
        let mut lines = banner.lines().map(Result::unwrap);
        let address = lines.find_map(|line| address_in(&line)).expect("the banner names the address of /docs");
        // The rest of the banner is read, or the server would write into a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, data, address }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a user by the command line, while the server runs.
    pub(crate) fn add_user(&self, username: &str, password: &str, scopes: &[&str]) {
        let mut command = countersign(&self.data);
        command.args(["user", "add", username, "--password-stdin"]);
        for scope in scopes {
            command.args(["--scope", scope]);
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        writeln!(process.stdin.take().unwrap(), "{password}").unwrap();
        assert!(process.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn countersign(data: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.env("COUNTERSIGN_DATA", data.path().join("data"));
    command
}

/// `127.0.0.1:12345` of a line with `http://127.0.0.1:12345/docs`.
fn address_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("http://")?;
    let (address, _) = rest.split_once("/docs")?;
    Some(address.to_owned())
}
