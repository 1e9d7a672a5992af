//! PostgreSQL clusters of our own, which may be hit as one likes.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Signal, getuid};

use crate::process::{signal_process, tail, wait};

const LONGEST_START: Duration = Duration::from_mins(1);

/// Debian does not put the server's programs on the path.
const PROGRAMS: [&str; 2] = ["/usr/lib/postgresql", "/usr/pgsql"];

/// How a cluster is stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// Connections are ended, everything is written.
    Fast,
    /// As in a crash of the server, but for the operating system.
    Immediate,
    /// A crash.
    Kill,
}

/// A cluster, and its server when it runs. It is stopped when this is dropped.
pub(crate) struct Cluster {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    server: Option<Child>,
}

impl Cluster {
    /// Makes a cluster in a folder that is made, out of a template, with these lines in its configuration, and starts it.
    pub(crate) fn make(folder: &Path, template: &Path, lines: &[&str]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        own(folder)?;
        let done = Command::new("cp").arg("-a").arg(template.join("data")).arg(folder).status()?;
        ensure!(done.success(), "cannot copy the template of a cluster");
        Self::open(folder, lines)
    }

    /// One that is there already, such as a copy of another; starts it.
    pub(crate) fn open(folder: &Path, lines: &[&str]) -> Result<Self> {
        let cluster = Self { folder: folder.to_owned(), port: free_port()?, server: None };
        cluster.configure(lines)?;
        cluster.started()
    }

    /// A copy that follows the cluster that is heard at this port.
    pub(crate) fn copy_of(port: u16, folder: &Path, lines: &[&str]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        own(folder)?;
        let mut command = program("pg_basebackup", folder)?;
        command.args(["-D", "data", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", "countersign"]);
        let done = command.args(["-R", "-X", "stream", "--checkpoint=fast", "--no-sync"]).output()?;
        ensure!(done.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&done.stderr));
        Self::open(folder, lines)
    }

    /// The last of two lines about the same holds.
    pub(crate) fn configure(&self, lines: &[&str]) -> Result<()> {
        let file = self.folder.join("data/postgresql.conf");
        let mut text = fs::read_to_string(&file)?;
        text += "\nlisten_addresses = '127.0.0.1'\nmax_connections = 300\nshared_buffers = 32MB\n";
        let sockets = format!("unix_socket_directories = '{}'", self.folder.display());
        let lines = [&[sockets.as_str()], lines].concat().join("\n");
        Ok(fs::write(&file, text + &lines + "\n")?)
    }

    fn started(mut self) -> Result<Self> {
        self.start()?;
        Ok(self)
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        self.spawn()?;
        let begun = Instant::now();
        while self.query("postgres", "SELECT 1").is_err() {
            let ended = self.server.as_mut().map(Child::try_wait).transpose()?.flatten();
            ensure!(ended.is_none(), "PostgreSQL has ended: {}", tail(&self.log()));
            ensure!(begun.elapsed() < LONGEST_START, "PostgreSQL does not start: {}", tail(&self.log()));
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Without waiting until it answers.
    pub(crate) fn spawn(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = program("postgres", &self.folder)?;
        command.args(["-D", "data", "-p", &self.port.to_string()]);
        self.server = Some(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?);
        Ok(())
    }

    pub(crate) fn stop(&mut self, how: Stop) -> Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        let signal = match how {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
            Stop::Kill => Signal::KILL,
        };
        signal_process(server.id(), signal)?;
        if wait(&mut server, LONGEST_START)?.is_none() {
            server.kill()?;
            server.wait()?;
        }
        Ok(())
    }

    /// The URL of a database by a role that owns it; makes it.
    pub(crate) fn make_database(&self, name: &str) -> Result<String> {
        self.query("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(name))
    }

    pub(crate) fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// What a statement gives, columns separated by `|`.
    pub(crate) fn query(&self, database: &str, statement: &str) -> Result<String> {
        query(&self.url(database), statement)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.stop(Stop::Immediate));
    }
}

/// Makes an empty cluster in this folder.
pub(crate) fn make_template(folder: &Path) -> Result<()> {
    own(folder)?;
    let arguments = ["--username=countersign", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
    let done = program("initdb", folder)?.arg("--pgdata=data").args(arguments).output()?;
    ensure!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// Where a database is when something listens there.
pub(crate) fn url(port: u16, database: &str) -> String {
    format!("postgres://countersign@127.0.0.1:{port}/{database}")
}

pub(crate) fn query(url: &str, statement: &str) -> Result<String> {
    let done = psql(url).args(["-c", statement]).output()?;
    ensure!(done.status.success(), "psql: {}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

pub(crate) fn psql(url: &str) -> Command {
    let mut command = Command::new("psql");
    command.args([url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]).env("PGCONNECT_TIMEOUT", "5");
    command
}

/// A program of the server's in this folder, as a user that it accepts.
pub(crate) fn program(name: &str, folder: &Path) -> Result<Command> {
    let path = find(name).with_context(|| format!("there is no {name}: install PostgreSQL"))?;
    let mut command = if getuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir(folder).env("HOME", folder);
    Ok(command)
}

/// Whether there is a PostgreSQL on this machine.
pub(crate) fn is_here() -> bool {
    find("initdb").is_some()
}

fn find(name: &str) -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH")?;
    let mut folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    for parent in PROGRAMS {
        folders.extend(fs::read_dir(parent).into_iter().flatten().flatten().map(|version| version.path().join("bin")));
    }
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists())
}

/// Gives a folder to the user of the server.
pub(crate) fn own(folder: &Path) -> Result<()> {
    if getuid().is_root() {
        let done = Command::new("chown").args(["postgres:postgres"]).arg(folder).status()?;
        ensure!(done.success(), "cannot give {} to the user of PostgreSQL", folder.display());
    }
    Ok(())
}

pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
