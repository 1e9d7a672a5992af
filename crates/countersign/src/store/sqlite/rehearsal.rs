//! An import that is tried and not done.

use std::path::Path;

use rusqlite::{Connection, Transaction};

use crate::import::Newcomer;
use crate::store::sqlite::connection::{self, Access, JobError};
use crate::store::sqlite::files::DatabaseFiles;
use crate::store::sqlite::users::{self, find_login, obstacle, read_user};
use crate::store::sqlite::{OpenError, schema};
use crate::store::taking_over::{Engine, Kept, take_over};
use crate::store::{Imported, StoreError};
use crate::user::{Login, NewUser, User, Username};

/// Says what an import would make of users, over a database that is only read: whoever writes to it meanwhile waits for
/// nothing. What the import itself would have added before stands in a database without a name, in a file that the system
/// removes at once: nothing is left of it, in whatever way the process ends, and no password hash goes into it.
///
/// It works on the thread that calls, which must be one that may wait.
pub struct Rehearsal {
    /// `None` if there is no database yet, or nothing in it.
    kept: Option<Box<dyn Kept>>,
    scratch: Connection,
}

impl Rehearsal {
    /// Over the database at this path, which need not be there.
    pub fn over(database: &Path) -> Result<Self, OpenError> {
        let kept = if database.exists() { open_kept(database)? } else { None };
        Self::over_kept(kept.map(|kept| Box::new(kept) as Box<dyn Kept>))
    }

    /// Over what another engine keeps.
    pub(in crate::store) fn over_kept(kept: Option<Box<dyn Kept>>) -> Result<Self, OpenError> {
        // SQLite's name for a file without one.
        let nameless = Path::new("");
        let mut scratch =
            connection::open(nameless, Access::Write).map_err(|error| schema::open_error(nameless, &error))?;
        schema::bring_up_to_date(&mut scratch, nameless)?;
        Ok(Self { kept, scratch })
    }

    /// As [`UserStore::import`](crate::store::UserStore::import), except that nobody is kept.
    pub fn import(&mut self, newcomers: &[Newcomer]) -> Result<Vec<Imported>, StoreError> {
        let failed = |error| JobError::from(error).0;
        let scratch = self.scratch.transaction().map_err(failed)?;
        let mut both = Both { kept: self.kept.as_deref_mut(), scratch: &scratch };
        let outcomes = newcomers.iter().map(|new| take_over(&mut both, new)).collect::<Result<_, _>>()?;
        scratch.commit().map_err(failed)?;
        Ok(outcomes)
    }
}

fn open_kept(database: &Path) -> Result<Option<Connection>, OpenError> {
    let files = DatabaseFiles::prepare(database)?;
    let kept = connection::open(database, Access::Read).map_err(|error| schema::open_error(database, &error))?;
    schema::check_usable(&kept, database)?;
    let has_users = schema::check_ours(&kept, database)? > 0;
    files.check_modes()?;
    Ok(has_users.then_some(kept))
}

impl Kept for Connection {
    fn obstacle(&mut self, user: &User) -> Result<Option<StoreError>, StoreError> {
        obstacle(self, user, true).map_err(|error| error.0)
    }

    fn find(&mut self, login: &Login) -> Result<Option<User>, StoreError> {
        find_login(self, login, read_user).map_err(|error| error.0)
    }

    fn is_free(&mut self, name: &Username) -> Result<bool, StoreError> {
        users::is_free(self, name).map_err(|error| error.0)
    }
}

/// The users that are kept, and those that an import would have added to them.
struct Both<'r> {
    kept: Option<&'r mut (dyn Kept + 'static)>,
    scratch: &'r Transaction<'r>,
}

impl Engine for Both<'_> {
    fn insert(&mut self, new: &NewUser) -> Result<(), StoreError> {
        let user = new.to_user();
        if let Some(kept) = &mut self.kept
            && let Some(in_the_way) = kept.obstacle(&user)?
        {
            return Err(in_the_way);
        }
        users::insert(self.scratch, &user, None).map_err(|error| error.0)
    }

    fn find(&mut self, login: Login) -> Result<Option<User>, StoreError> {
        if let Some(kept) = &mut self.kept
            && let Some(user) = kept.find(&login)?
        {
            return Ok(Some(user));
        }
        find_login(self.scratch, &login, read_user).map_err(|error| error.0)
    }

    fn is_free(&mut self, name: &Username) -> Result<bool, StoreError> {
        if let Some(kept) = &mut self.kept
            && !kept.is_free(name)?
        {
            return Ok(false);
        }
        users::is_free(self.scratch, name).map_err(|error| error.0)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::import::Record;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{UserQuery, UserStore};

    fn directory() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir().unwrap()
    }

    fn newcomers(of: &[(&str, &str)]) -> Vec<Newcomer> {
        let record = |(name, address): &(&str, &str)| Record {
            username: Some((*name).to_owned()),
            email: Some((*address).to_owned()),
            ..Record::default()
        };
        of.iter().map(|user| record(user).to_newcomer(7).unwrap()).collect()
    }

    const KEPT: [(&str, &str); 3] = [("ada", "ada@a.example"), ("bob", ""), ("eve", "eve@a.example")];
    const BROUGHT: [(&str, &str); 12] = [
        ("ada", "ada@a.example"),
        ("ada", "other@a.example"),
        ("b0b", ""),
        ("zoe", "EVE@a.example"),
        ("", "ada@b.example"),
        ("", "ada@c.example"),
        ("", "eve@a.example"),
        ("new", "new@a.example"),
        ("new", "new@a.example"),
        ("new", "else@a.example"),
        ("older", "new@a.example"),
        ("", "new@b.example"),
    ];

    #[tokio::test]
    async fn a_rehearsal_says_what_the_import_then_does_and_keeps_nobody() {
        let directory = directory();
        let database = directory.path().join("countersign.db");
        let store = SqliteStore::open(&database).unwrap();
        store.import(&newcomers(&KEPT)).await.unwrap();
        let mut rehearsal = Rehearsal::over(&database).unwrap();
        let (first, rest) = BROUGHT.split_at(5);
        let mut said = rehearsal.import(&newcomers(first)).unwrap();
        said.extend(rehearsal.import(&newcomers(rest)).unwrap());
        assert_eq!(store.list(&UserQuery::default()).await.unwrap().users.len(), KEPT.len());
        assert_eq!(said, store.import(&newcomers(&BROUGHT)).await.unwrap());
        assert_eq!(said.iter().filter(|outcome| matches!(outcome, Imported::AddedAs(_))).count(), 3, "{said:?}");
    }

    #[tokio::test]
    async fn nobody_who_writes_waits_for_a_rehearsal_nor_it_for_them() {
        let directory = directory();
        let database = directory.path().join("countersign.db");
        let store = SqliteStore::open(&database).unwrap();
        let mut rehearsal = Rehearsal::over(&database).unwrap();
        rehearsal.import(&newcomers(&KEPT)).unwrap();
        let other = Connection::open(&database).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(rehearsal.import(&newcomers(&[("zoe", "")])).unwrap(), [Imported::Added]);
        other.execute_batch("ROLLBACK").unwrap();
        store.import(&newcomers(&KEPT)).await.unwrap();
    }

    #[test]
    fn without_a_database_none_is_made_and_an_older_one_stays_as_it_is() {
        let directory = directory();
        let data = directory.path().join("data");
        let mut rehearsal = Rehearsal::over(&data.join("countersign.db")).unwrap();
        assert_eq!(rehearsal.import(&newcomers(&[("zoe", "")])).unwrap(), [Imported::Added]);
        assert!(!data.exists());

        let database = directory.path().join("countersign.db");
        drop(SqliteStore::open(&database).unwrap());
        let connection = Connection::open(&database).unwrap();
        connection.execute_batch("ALTER TABLE users DROP COLUMN upgraded_from; PRAGMA user_version = 1").unwrap();
        drop(connection);
        let before = std::fs::read(&database).unwrap();
        let mut rehearsal = Rehearsal::over(&database).unwrap();
        assert_eq!(rehearsal.import(&newcomers(&[("zoe", "")])).unwrap(), [Imported::Added]);
        drop(rehearsal);
        assert_eq!(std::fs::read(&database).unwrap(), before);
        let files: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["countersign.db"]);
    }
}
