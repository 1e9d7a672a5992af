//! The files of a database: nobody else may read them, and one process at a time prepares them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::store::sqlite::OpenError;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The directory and the files of a database, locked against other processes that open it until this is dropped.
pub(super) struct DatabaseFiles {
    directory: PathBuf,
    database: PathBuf,
    _lock: File,
}

impl DatabaseFiles {
    /// Makes the directory and an empty database file if they are not there, and refuses looser modes.
    pub(super) fn prepare(database: &Path) -> Result<Self, OpenError> {
        let directory = match database.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        prepare_directory(&directory)?;
        let lock = lock_directory(&directory).map_err(|error| failed(&directory, &error))?;
        // Under the lock only: closing a file gives up the locks that SQLite holds on it in this process.
        make_file(database).map_err(|error| failed(database, &error))?;
        let files = Self { directory, database: database.to_owned(), _lock: lock };
        files.check_modes()?;
        Ok(files)
    }

    /// Refuses modes that let others in, of all files that are there.
    pub(super) fn check_modes(&self) -> Result<(), OpenError> {
        check_directory(&self.directory)?;
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.database.clone().into_os_string();
            name.push(suffix);
            check_file(Path::new(&name))?;
        }
        Ok(())
    }
}

/// Makes a directory for what others must not read, if it is not there, and refuses a looser mode than 0700.
pub fn prepare_directory(directory: &Path) -> Result<(), OpenError> {
    make_directory(directory).map_err(|error| failed(directory, &error))?;
    check_directory(directory)
}

fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.exists() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
    // The process's umask may have taken too much away.
    fs::set_permissions(directory, PermissionsExt::from_mode(DIRECTORY_MODE))
}

fn make_file(database: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(database) {
        Ok(file) => file.set_permissions(PermissionsExt::from_mode(FILE_MODE)),
        // One that may not be written is found out here: SQLite would leave files beside it that are as read-only, and in the way when
        // the mode is put right (F-06).
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).open(database).map(drop)
        }
        Err(error) => Err(error),
    }
}

fn lock_directory(directory: &Path) -> io::Result<File> {
    let lock = File::open(directory)?;
    lock.lock()?;
    Ok(lock)
}

fn check_directory(path: &Path) -> Result<(), OpenError> {
    match loose_mode(path, DIRECTORY_MODE)? {
        Some(mode) => Err(OpenError::LooseDirectory { path: path.to_owned(), mode }),
        None => Ok(()),
    }
}

/// Refuses a file that is there and has a looser mode than 0600: also one that somebody keeps beside the database
///
pub fn check_file(path: &Path) -> Result<(), OpenError> {
    match loose_mode(path, FILE_MODE)? {
        Some(mode) => Err(OpenError::LooseFile { path: path.to_owned(), mode }),
        None => Ok(()),
    }
}

/// The permission bits of a file that is there, if they are more than those wanted.
fn loose_mode(path: &Path, wanted: u32) -> Result<Option<u32>, OpenError> {
    const PERMISSIONS: u32 = 0o777;
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.permissions().mode() & PERMISSIONS).filter(|mode| mode & !wanted != 0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

fn failed(path: &Path, error: &io::Error) -> OpenError {
    OpenError::Failed { path: path.to_owned(), reason: error.to_string() }
}
