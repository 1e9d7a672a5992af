//! What is preloaded into a server, since the server itself has no setting that makes it careless: a disk that lies or fails, a clock
//! that jumps. The C compiler that the server was built with makes it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::Site;

const SOURCE: &str = include_str!("shim.c");

/// A library that was made for this run.
#[derive(Clone, Debug)]
pub(crate) struct Shim {
    library: PathBuf,
}

impl Shim {
    pub(crate) fn make(folder: &Path) -> Result<Self> {
        let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
        std::fs::write(&source, SOURCE)?;
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let mut command = Command::new(&compiler);
        command.args(["-O2", "-shared", "-fPIC", "-Wall", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let done = command.output().with_context(|| format!("there is no {compiler}"))?;
        ensure!(done.status.success(), "{compiler}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(Self { library })
    }

    /// The place with a server that is fooled by these variables.
    pub(crate) fn fool(&self, site: Site, variables: &[(&str, &str)]) -> Site {
        let site = site.with("LD_PRELOAD", &self.library.to_string_lossy());
        variables.iter().fold(site, |site, (name, value)| site.with(name, value))
    }
}
