//! Programs in JavaScript, run beside the packages that `script/test` installs: to their end, or as a server until the test is
//! over.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// What is installed is what this says, or is to be installed anew.
const LOCK: &str = include_str!("package-lock.json");

/// Copies of the programs of this folder, from where Node finds the packages.
pub(crate) struct Programs {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Programs {
    /// Fails where `script/test` has not installed the packages.
    #[track_caller]
    pub(crate) fn new(environment: &[(&'static str, &str)]) -> Self {
        let packages = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("javascript");
        // What script/javascript lays down last.
        let installed = fs::read_to_string(packages.join("installed")).ok();
        assert!(
            installed.as_deref() == Some(LOCK),
            "{} is not there, or holds other packages: run script/test, which installs them",
            packages.display()
        );
        let folder = tempfile::tempdir_in(packages).unwrap();
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("javascript");
        for entry in fs::read_dir(programs).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "mjs") {
                fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let environment = environment.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { folder, environment }
    }

    fn node(&self, program: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(self.folder.path().join(program)).envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command.env_remove("NODE_OPTIONS").env_remove("NODE_PATH");
        // The programs talk to each other and not to a proxy of the machine.
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        command
    }

    /// Runs the program at `login` to its end; the error is what it wrote.
    pub(crate) fn run(&self, program: &str, login: &str, is_control: bool) -> Result<(), String> {
        let mut command = self.node(program);
        command.env("LOGIN", login).env("CONTROL", if is_control { "1" } else { "0" });
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said).into_owned()) }
    }

    /// Starts the program, which writes its URL on its first line.
    #[track_caller]
    pub(crate) fn serve(&self, program: &str) -> Serving {
        let mut child = self.node(program).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Shown by a test that fails, and read in any case: a full pipe would stop what writes to it.
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let read = stdout.read_line(&mut line);
        let serving = Serving { child, url: line.trim().to_owned(), _stdout: stdout };
        assert!(read.is_ok() && !serving.url.is_empty(), "{program} did not start");
        serving
    }
}

/// A server process; killed when the test is over.
pub(crate) struct Serving {
    child: Child,
    /// `http://` and the address.
    pub(crate) url: String,
    // Closed, it would stop what writes to it.
    _stdout: BufReader<ChildStdout>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
