//! Where a database is, as `migrate` is told, and the side of it that things are moved through.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use countersign::store::sqlite::{self, Look, SqlitePort, SqliteStore};
use countersign::store::transfer::Port;
use countersign::store::{Examination, Store};

use crate::database::{self, Address};

/// The name of the database in a data directory.
pub const DATABASE: &str = "countersign.db";
const SQLITE: &str = "sqlite:";

/// A file, or a database on a server.
#[derive(Clone, Debug)]
pub enum Location {
    /// An SQLite database.
    File(PathBuf),
    /// A database on a server.
    Server(Box<Address>),
}

impl Location {
    /// The folder of a file.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::File(file) => file.parent(),
            Self::Server(_) => None,
        }
    }

    /// Opens it as a server does, which makes it if it is not there.
    pub async fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        match self {
            Self::File(file) => Ok(Arc::new(SqliteStore::open(file)?)),
            Self::Server(address) => database::open(address).await,
        }
    }

    /// What the database says of itself; nothing is changed. A file is read as a whole.
    pub async fn examine(&self, look: Look) -> anyhow::Result<Examination> {
        match self {
            Self::File(file) => Ok(sqlite::examine(file, look)?),
            Self::Server(address) => database::examine(address).await,
        }
    }

    /// To read from; it has to be there, and is left as it is.
    pub async fn source(&self) -> anyhow::Result<Box<dyn Port>> {
        Ok(match self {
            Self::File(file) => Box::new(SqlitePort::source(file)?),
            Self::Server(address) => database::source(address).await?,
        })
    }

    /// To write into; its tables are made, of this version of the schema, or the newest.
    pub async fn target(&self, schema: Option<i64>) -> anyhow::Result<Box<dyn Port>> {
        Ok(match self {
            Self::File(file) => Box::new(SqlitePort::target(file, schema)?),
            Self::Server(address) => database::target(address, schema).await?,
        })
    }
}

impl FromStr for Location {
    type Err = String;

    /// Nothing of the text is repeated: a part of it may be a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix(SQLITE) else {
            let about = |error| format!("write sqlite:PATH, or a URL of PostgreSQL: {error}");
            return text.parse().map(|address| Self::Server(Box::new(address))).map_err(about);
        };
        if path.is_empty() {
            return Err("name the data directory, or the database in it: sqlite:PATH".to_owned());
        }
        let path = std::path::absolute(path).map_err(|error| format!("the path will not do: {error}"))?;
        let is_file = path.is_file() || !path.is_dir() && path.extension().is_some_and(|extension| extension == "db");
        Ok(Self::File(if is_file { path } else { path.join(DATABASE) }))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{SQLITE}{}", file.display()),
            Self::Server(address) => write!(f, "{address}"),
        }
    }
}
