//! A database on a server: how it is named, and how it is opened. Without the feature `postgres` there is none.

#[cfg(feature = "postgres")]
mod postgres {
    use std::sync::Arc;

    use countersign::store::postgres::{self, PostgresPort, PostgresStore};
    use countersign::store::sqlite::Rehearsal;
    use countersign::store::transfer::Port;
    use countersign::store::{Examination, Store};

    pub use countersign::store::postgres::Address;

    /// Opens the database at this address, and brings its schema up to date.
    pub async fn open(address: &Address) -> anyhow::Result<Arc<dyn Store>> {
        Ok(Arc::new(PostgresStore::open(address).await?))
    }

    /// A rehearsal of an import into it.
    pub async fn rehearsal(address: &Address) -> anyhow::Result<Rehearsal> {
        Ok(PostgresStore::rehearsal(address).await?)
    }

    /// To be read as a whole.
    pub async fn source(address: &Address) -> anyhow::Result<Box<dyn Port>> {
        Ok(Box::new(PostgresPort::source(address).await?))
    }

    /// To be filled as a whole.
    pub async fn target(address: &Address, schema: Option<i64>) -> anyhow::Result<Box<dyn Port>> {
        Ok(Box::new(PostgresPort::target(address, schema).await?))
    }

    /// What it says of itself.
    pub async fn examine(address: &Address) -> anyhow::Result<Examination> {
        Ok(postgres::examine(address).await?)
    }
}

#[cfg(not(feature = "postgres"))]
mod postgres {
    use std::convert::Infallible;
    use std::fmt;
    use std::str::FromStr;
    use std::sync::Arc;

    use countersign::store::sqlite::Rehearsal;
    use countersign::store::transfer::Port;
    use countersign::store::{Examination, Store};

    /// No address is one.
    #[derive(Clone, Debug)]
    pub struct Address(Infallible);

    impl Address {
        /// Cannot be called.
        #[must_use]
        pub fn password(self, _: &str) -> Self {
            self
        }

        /// Cannot be called.
        pub fn can_be_listened_to(&self) -> bool {
            match self.0 {}
        }

        /// Cannot be called.
        pub fn has_password(&self) -> bool {
            match self.0 {}
        }

        /// Cannot be called.
        #[must_use]
        pub fn connections(self, _: usize) -> Self {
            self
        }
    }

    impl FromStr for Address {
        type Err = &'static str;

        fn from_str(_: &str) -> Result<Self, &'static str> {
            Err("this program was built without PostgreSQL: build it with the feature `postgres`")
        }
    }

    impl fmt::Display for Address {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {}
        }
    }

    /// Cannot be called.
    pub async fn examine(address: &Address) -> anyhow::Result<Examination> {
        match address.0 {}
    }

    /// Cannot be called.
    pub async fn open(address: &Address) -> anyhow::Result<Arc<dyn Store>> {
        match address.0 {}
    }

    /// Cannot be called.
    pub async fn rehearsal(address: &Address) -> anyhow::Result<Rehearsal> {
        match address.0 {}
    }

    /// Cannot be called.
    pub async fn source(address: &Address) -> anyhow::Result<Box<dyn Port>> {
        match address.0 {}
    }

    /// Cannot be called.
    pub async fn target(address: &Address, _: Option<i64>) -> anyhow::Result<Box<dyn Port>> {
        match address.0 {}
    }
}

use std::fmt;
use std::fs;
use std::path::Path;

use countersign::store::sqlite::check_file;
use zeroize::Zeroizing;

pub use postgres::{Address, examine, open, rehearsal, source, target};

/// The password of a database. Nothing prints it.
#[derive(Clone)]
pub struct DatabasePassword(Zeroizing<String>);

impl DatabasePassword {
    /// The one line of a file that others must not be able to read.
    pub fn read(path: &Path) -> Result<Self, String> {
        check_file(path).map_err(|error| error.to_string())?;
        let text = fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| format!("the file cannot be read: {error}"))?;
        let line = text.trim_end_matches(['\r', '\n']);
        if line.is_empty() || line.contains('\n') {
            return Err("write the password on one line, and nothing else".to_owned());
        }
        Ok(Self(Zeroizing::new(line.to_owned())))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabasePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabasePassword(…)")
    }
}
