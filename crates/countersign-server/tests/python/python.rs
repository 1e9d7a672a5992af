//! Python programs, run in the environment that `script/test` makes: to their end, or as a server until the test is over.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The environment holds these packages, or is to be made anew.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The interpreter, which writes no bytecode beside the programs. Fails where `script/test` has not made it.
#[track_caller]
pub(crate) fn python() -> Command {
    let environment = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("python");
    // What script/python lays down last.
    let made_with = std::fs::read_to_string(environment.join("requirements.txt")).ok();
    assert!(
        made_with.as_deref() == Some(REQUIREMENTS),
        "{} is not there, or holds other packages: run script/test, which makes it",
        environment.display()
    );
    let mut command = Command::new(environment.join("bin").join("python"));
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME").args(["-B", "-u"]);
    // The programs talk to each other and not to a proxy of the machine.
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command
}

/// Runs `python PROGRAM ARGUMENTS` to its end, and fails with all that it wrote unless it exits with 0.
#[track_caller]
pub(crate) fn run(program: &Path, arguments: &[String], environment: &[(&str, &str)]) {
    let mut command = python();
    command.arg(program).args(arguments).envs(environment.iter().copied());
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{} {arguments:?}: {}\n{}{}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// An ASGI program behind uvicorn, on a free port; killed when the test is over.
pub(crate) struct Uvicorn {
    child: Child,
    /// `http://` and the address.
    pub(crate) url: String,
}

impl Uvicorn {
    /// Serves `app` of the file `MODULE.py` in `folder`, and returns once it listens.
    #[track_caller]
    pub(crate) fn serve(folder: &Path, module: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = python();
        command.args(["-m", "uvicorn", "--port", "0", "--app-dir"]).arg(folder).arg(format!("{module}:app"));
        command.envs(environment.iter().copied()).stdin(Stdio::null());
        // Its log goes to standard error, that of the requests to standard output.
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut server = Self { child, url: String::new() };
        let mut log = String::new();
        while server.url.is_empty() {
            let line = lines.next().unwrap_or_else(|| panic!("{module} did not start:\n{log}"));
            log.extend([line.as_str(), "\n"]);
            if let Some((_, rest)) = line.split_once("running on ") {
                server.url.extend(rest.split_whitespace().next());
            }
        }
        // Shown by a test that fails: a traceback is here and nowhere else.
        std::thread::spawn(move || lines.for_each(|line| eprintln!("{line}")));
        server
    }
}

impl Drop for Uvicorn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
