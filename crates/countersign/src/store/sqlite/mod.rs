//! The embedded engine: SQLite in one file, one thread that writes, a few that read.

use std::path::{Path, PathBuf};

/// Keeps everything in an SQLite database.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
}

/// Why a database could not be opened, and what to do; one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file is somebody else's.
    #[error("{} is not a Countersign database: give the path of one, or of a file that does not exist yet", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

impl SqliteStore {
    /// Opens the database at `path`, and makes it with its directory if it is not there.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { path: path.to_owned() })
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
