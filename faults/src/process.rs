//! The real program as processes over one place: a data directory, and where the database is.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::http::{Reply, Request};

/// What every server is started with: one issuer for all ports, tokens that outlive the run.
const SETTINGS: [(&str, &str); 6] = [
    ("COUNTERSIGN_ISSUER", "http://login.test"),
    ("COUNTERSIGN_ACCESS_TOKEN_LIFETIME", "12h"),
    ("COUNTERSIGN_REFRESH_TOKEN_IDLE", "2d"),
    ("COUNTERSIGN_HASH_QUEUE", "4096"),
    ("COUNTERSIGN_DEFAULT_SCOPES", "base"),
    ("COUNTERSIGN_LOG", "warn"),
];
/// Where a server counts logins and registrations, it would take the crowd for an attack.
const UNCOUNTED: (&str, &str) = ("--throttle", "COUNTERSIGN_THROTTLE");
const ADMINISTRATOR: &str = "administrator";
const PASSWORD: &str = "correct-horse-1";
const LONGEST_START: Duration = Duration::from_mins(1);

/// Where servers run, and how.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) binary: PathBuf,
    pub(crate) data: PathBuf,
    /// A URL; without it SQLite in the data directory.
    pub(crate) database: Option<String>,
    pub(crate) variables: Vec<(String, String)>,
    /// A program, with arguments, that runs the server, such as one that gives up rights.
    pub(crate) by: Vec<String>,
    /// Where standard error goes.
    pub(crate) log: PathBuf,
}

/// A server; killed when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// From its start until it was ready.
    pub(crate) ready_after: Duration,
    child: Child,
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Site {
    /// The same place with another program.
    pub(crate) fn by_program(mut self, binary: &Path) -> Result<Self> {
        let (flag, variable) = UNCOUNTED;
        binary.clone_into(&mut self.binary);
        self.variables.retain(|(name, _)| name != variable);
        if self.has_setting(flag)? {
            self.variables.push((variable.to_owned(), "off".to_owned()));
        }
        Ok(self)
    }

    /// The same place with a server that counts; `None` if it cannot.
    pub(crate) fn counting(mut self) -> Result<Option<Self>> {
        let (flag, variable) = UNCOUNTED;
        self.variables.retain(|(name, _)| name != variable);
        Ok(self.has_setting(flag)?.then_some(self))
    }

    fn has_setting(&self, flag: &str) -> Result<bool> {
        let help = Command::new(&self.binary).args(["serve", "--help"]).output()?;
        Ok(String::from_utf8_lossy(&help.stdout).contains(flag))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.by.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).env("COUNTERSIGN_DATA", &self.data).envs(SETTINGS);
        command.envs(self.database.as_ref().map(|url| ("COUNTERSIGN_DATABASE", url)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The same place with a variable more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn database_file(&self) -> PathBuf {
        self.data.join("countersign.db")
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Result<Done> {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // A command that reads nothing may have ended already.
        drop(child.stdin.take().context("no input")?.write_all(input.as_bytes()));
        let output = child.wait_with_output()?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Done { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) })
    }

    pub(crate) fn run_well(&self, arguments: &[&str], input: &str) -> Result<String> {
        let done = self.run(arguments, input)?;
        ensure!(done.status.success(), "countersign {arguments:?}: {}", done.stderr);
        Ok(done.stdout)
    }

    /// A server that should not start: whether it ends with code 1 and one line, and the line.
    pub(crate) fn refuses_to_start(&self) -> Result<(bool, String)> {
        let child = self
            .command(&["serve", "--listen", "127.0.0.1:0", "--log", "off"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let id = child.id();
        let (ended, waits) = std::sync::mpsc::channel::<()>();
        // One that starts all the same would not end by itself.
        let watch = std::thread::spawn(move || {
            if waits.recv_timeout(LONGEST_START) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                drop(signal_process(id, Signal::KILL));
            }
        });
        let output = child.wait_with_output()?;
        drop(ended);
        drop(watch.join());
        let line = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        Ok((output.status.code() == Some(1) && output.stdout.is_empty() && line.lines().count() == 1, line))
    }

    /// Starts a server without waiting for it.
    pub(crate) fn spawn(&self) -> Result<Child> {
        let log: File = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().context("cannot start the server")
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn start(&self) -> Result<Server> {
        let begun = Instant::now();
        let mut child = self.spawn()?;
        let Some(address) = read_address(&mut child)? else {
            let status = child.wait()?;
            bail!("the server did not start ({status}): {}", tail(&self.log));
        };
        let mut server = Server { address, ready_after: Duration::ZERO, child };
        server.await_ready(begun)?;
        server.ready_after = begun.elapsed();
        Ok(server)
    }

    /// Makes an administrator with the scopes for users.
    pub(crate) fn add_administrator(&self) -> Result<()> {
        let arguments = ["user", "add", ADMINISTRATOR, "--scope", "users:read", "--scope", "users:write"];
        self.run_well(&[&arguments[..], &["--password-stdin"]].concat(), &format!("{PASSWORD}\n"))?;
        Ok(())
    }
}

impl Server {
    /// Logs the administrator in.
    pub(crate) fn administrator(&self) -> Result<String> {
        let pairs = [("grant_type", "password"), ("username", ADMINISTRATOR), ("password", PASSWORD)];
        match Request::form("/token", &pairs).send(self.address) {
            Reply::Answer(answer) => {
                answer.text("access_token").with_context(|| format!("the administrator cannot log in: {}", answer.body))
            }
            other => bail!("the administrator cannot log in: {other:?}"),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn await_ready(&mut self, begun: Instant) -> Result<()> {
        while Request::get("/health/ready").send(self.address).status() != 200 {
            ensure!(begun.elapsed() < LONGEST_START, "the server is not ready within a minute");
            if let Some(status) = self.child.try_wait()? {
                bail!("the server has ended: {status}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// As if the process had been hit by lightning.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        signal_process(self.id(), signal)
    }

    /// How it ends by itself, within this time.
    pub(crate) fn wait(&mut self, longest: Duration) -> Result<Option<ExitStatus>> {
        wait(&mut self.child, longest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How a process ends by itself, within this time.
pub(crate) fn wait(child: &mut Child, longest: Duration) -> Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > longest {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn signal_process(id: u32, signal: Signal) -> Result<()> {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).context("no such process")?;
    Ok(kill_process(id, signal)?)
}

/// What stands in the banner; `None` if the server ends before. The rest of its output is read and dropped.
fn read_address(child: &mut Child) -> Result<Option<SocketAddr>> {
    let mut output = BufReader::new(child.stdout.take().context("no output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let Some(address) = line.trim_end().rsplit(' ').next().and_then(|address| address.parse().ok()) else {
        return Ok(None);
    };
    std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
    Ok(Some(address))
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
