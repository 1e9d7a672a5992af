//! Disks of our own: a file system in a file, whose power can be cut, and one in memory, which can be filled. Both are gone with their
//! values.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// ext4 in a file, mounted from a loop device.
pub(crate) struct LoopDisk {
    pub(crate) mount: PathBuf,
    image: PathBuf,
    is_mounted: bool,
}

/// A file system in memory, of a size.
pub(crate) struct MemoryDisk {
    pub(crate) mount: PathBuf,
}

/// Stops the file system at once: nothing that is not on the disk yet will be, not even what the journal holds in memory. It is in the
/// kernel for tests (`EXT4_IOC_SHUTDOWN`, `EXT4_GOING_FLAGS_NOLOGFLUSH`).
const SHUTDOWN: &str = "
import fcntl, os, struct, sys
folder = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
print('ready', flush=True)
sys.stdin.readline()
fcntl.ioctl(folder, 0x8004587d, struct.pack('I', 2))
";

impl LoopDisk {
    pub(crate) fn make(folder: &Path, mib: u64) -> Result<Self> {
        let (image, mount) = (folder.join("disk.img"), folder.join("disk"));
        fs::create_dir_all(&mount)?;
        File::create(&image)?.set_len(mib << 20)?;
        run("mkfs.ext4", &["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"], &[&image])?;
        let mut disk = Self { mount, image, is_mounted: false };
        disk.mount()?;
        Ok(disk)
    }

    pub(crate) fn mount(&mut self) -> Result<()> {
        run("mount", &["-t", "ext4", "-o", "loop"], &[&self.image, &self.mount])?;
        self.is_mounted = true;
        Ok(())
    }

    /// As if the plug had been pulled, in the moment after `now` was called. Whoever has files open on it has to be ended before the next
    /// `mount_again`.
    pub(crate) fn cut_power(&self, now: impl FnOnce()) -> Result<()> {
        let mut command = Command::new("python3");
        let command = command.args(["-c", SHUTDOWN]).arg(&self.mount);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        now();
        child.stdin.take().context("no input")?.write_all(b"\n")?;
        ensure!(child.wait()?.success() && line == "ready\n", "the power cannot be cut: is it ext4?");
        Ok(())
    }

    /// As the machine does when it starts again: the journal is replayed.
    pub(crate) fn mount_again(&mut self) -> Result<()> {
        run("umount", &[], &[&self.mount])?;
        self.is_mounted = false;
        self.mount()
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        if self.is_mounted {
            drop(run("umount", &["--lazy"], &[&self.mount]));
        }
        drop(fs::remove_file(&self.image));
    }
}

impl MemoryDisk {
    pub(crate) fn make(folder: &Path, mib: u64) -> Result<Self> {
        let mount = folder.join("memory");
        fs::create_dir_all(&mount)?;
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"], &[&mount])?;
        Ok(Self { mount })
    }

    /// Fills it but for so many bytes.
    pub(crate) fn fill(&self, leave: usize) -> Result<()> {
        let mut ballast = File::create(self.ballast())?;
        let block = [0; 4096];
        while ballast.write(&block).is_ok_and(|count| count == block.len()) {}
        let length = ballast.metadata()?.len();
        ballast.set_len(length.saturating_sub(leave as u64))?;
        Ok(())
    }

    /// Makes room again.
    pub(crate) fn free(&self) -> Result<()> {
        fs::remove_file(self.ballast()).context("the disk was not filled")
    }

    fn ballast(&self) -> PathBuf {
        self.mount.join("ballast")
    }
}

impl Drop for MemoryDisk {
    fn drop(&mut self) {
        drop(run("umount", &["--lazy"], &[&self.mount]));
    }
}

fn run(program: &str, arguments: &[&str], paths: &[&Path]) -> Result<()> {
    let done = Command::new(program).args(arguments).args(paths).output();
    let done = done.with_context(|| format!("there is no {program}"))?;
    ensure!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
