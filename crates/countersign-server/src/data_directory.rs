//! The data directory: the database, unless that is on a server, and the key that seals the private keys in it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use countersign::sealing::SealingKey;
use countersign::store::sqlite::{self, Rehearsal};
use countersign::store::{KeyStore, Store};
use zeroize::Zeroizing;

use crate::database::{self, Address};
use crate::location::{DATABASE, Location};
use crate::settings::Settings;

const SEALING_KEY: &str = "sealing.key";

/// A data directory by its path, and where the database is if it is not in it.
#[derive(Clone, Debug)]
pub struct DataDirectory {
    path: PathBuf,
    database: Option<Address>,
}

impl DataDirectory {
    /// That of these settings, whether it is there or not.
    pub fn of(settings: &Settings) -> Self {
        Self { path: settings.data.clone(), database: settings.database_address() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is.
    pub fn location(&self) -> Location {
        match &self.database {
            Some(address) => Location::Server(Box::new(address.clone())),
            None => Location::File(self.path.join(DATABASE)),
        }
    }

    /// Opens the database. One in the directory is made, and the directory, if they are not there; looser modes than 0700 and 0600 are
    /// refused.
    pub async fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        self.location().open().await
    }

    /// Opens a database that has to be there already.
    pub async fn open_existing(&self) -> anyhow::Result<Arc<dyn Store>> {
        if self.database.is_none() && !self.path.join(DATABASE).exists() {
            return Err(anyhow!(
                "there is no database in {}: name the server's data directory by --data, or make a user first",
                self.path.display()
            ));
        }
        self.open().await
    }

    /// A rehearsal of an import into the database; one in the directory need not be there.
    pub async fn rehearsal(&self) -> anyhow::Result<Rehearsal> {
        match &self.database {
            Some(address) => database::rehearsal(address).await,
            None => Ok(Rehearsal::over(&self.path.join(DATABASE))?),
        }
    }

    /// The key that seals the private keys of `keys`. It is made when the store holds none yet; otherwise it has to be there.
    pub async fn sealing_key(&self, keys: &dyn KeyStore) -> anyhow::Result<SealingKey> {
        let file = self.path.join(SEALING_KEY);
        sqlite::prepare_directory(&self.path)?;
        // In this order: another process that starts at the same time makes the file first and the key record then (F-12).
        let is_first_start = keys.list_keys().await?.is_empty();
        if is_first_start {
            make_unless_there(&self.path, &file).with_context(|| format!("cannot make {}", file.display()))?;
        }
        self.existing_sealing_key()
    }

    /// The key that seals the private keys, which has to be there.
    pub fn existing_sealing_key(&self) -> anyhow::Result<SealingKey> {
        let file = self.path.join(SEALING_KEY);
        if !file.try_exists()? {
            let remedy = match self.database {
                Some(_) => "copy it from the data directory of another node, or restore it from a backup",
                None => "restore it from a backup",
            };
            return Err(anyhow!(
                "{} is missing, and the signing keys in the database cannot be read without it: {remedy}; if it is lost for \
                 good: `countersign restore --new-sealing-key`",
                file.display()
            ));
        }
        read_sealing_key(&file)
    }
}

/// The file of the sealing key in a data directory.
pub fn sealing_key_in(directory: &Path) -> PathBuf {
    directory.join(SEALING_KEY)
}

/// The fingerprint of the sealing key in a data directory; `None` if there is none.
pub fn fingerprint_in(directory: &Path) -> anyhow::Result<Option<String>> {
    let file = sealing_key_in(directory);
    if !file.try_exists()? {
        return Ok(None);
    }
    Ok(Some(read_sealing_key(&file)?.fingerprint()?))
}

/// Copies the sealing key from one data directory into another, which has none; that is made if it is not there.
pub fn copy_sealing_key(from: &Path, to: &Path) -> anyhow::Result<()> {
    let key = Zeroizing::new(fs::read(sealing_key_in(from))?);
    sqlite::prepare_directory(to)?;
    let file = sealing_key_in(to);
    put_unless_there(to, &file, &key).with_context(|| format!("cannot make {}", file.display()))
}

/// Of several processes that start at once one writes the key, and all use it (F-12). The file is whole as soon as it
/// has its name.
fn make_unless_there(directory: &Path, file: &Path) -> anyhow::Result<()> {
    put_unless_there(directory, file, SealingKey::generate()?.as_ref())
}

fn put_unless_there(directory: &Path, file: &Path, key: &[u8]) -> anyhow::Result<()> {
    let folder = File::open(directory)?;
    folder.lock()?;
    if file.try_exists()? {
        return Ok(());
    }
    let draft = directory.join(format!("{SEALING_KEY}.new"));
    let mut written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    written.write_all(key)?;
    written.sync_all()?;
    fs::rename(&draft, file)?;
    folder.sync_all()?;
    Ok(())
}

/// Reads a sealing key, which others must not be able to.
pub fn read_sealing_key(file: &Path) -> anyhow::Result<SealingKey> {
    sqlite::check_file(file)?;
    let about = || file.display().to_string();
    let bytes = Zeroizing::new(fs::read(file).with_context(about)?);
    SealingKey::from_bytes(&bytes).with_context(about)
}
