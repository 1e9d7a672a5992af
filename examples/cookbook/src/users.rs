//! The table of users, in SQLite; any other database would do.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_axum::fastapi::EmailStr;
use countersign_axum::login::{Found, UserTable};
use countersign_axum::{Claims, LoadUser, Unavailable};
use countersign_password::PasswordHash;
use rusqlite::{Connection, OptionalExtension, Result as SqlResult};

use crate::App;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY,
    username TEXT NOT NULL UNIQUE, email TEXT UNIQUE, hashed_password TEXT)";
const INSERT: &str = "INSERT INTO users (username, email, hashed_password) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const FIND_BY_USERNAME: &str = "SELECT username, hashed_password FROM users WHERE username = $1";
const FIND_BY_EMAIL: &str = "SELECT username, hashed_password FROM users WHERE email = $1";
const REPLACE_HASH: &str = "UPDATE users SET hashed_password = $3 WHERE username = $1 AND hashed_password = $2";

/// User name, e-mail address, hash of the password.
pub(crate) type Row = (String, Option<String>, Option<String>);

#[derive(Clone)]
pub(crate) struct Users(Arc<Mutex<Connection>>);

#[derive(Clone)]
pub(crate) struct User {
    pub(crate) username: String,
}

impl Users {
    pub(crate) fn open(path: Option<&Path>) -> SqlResult<Self> {
        let database = path.map_or_else(Connection::open_in_memory, Connection::open)?;
        database.execute_batch(CREATE)?;
        Ok(Self(Arc::new(Mutex::new(database))))
    }

    /// Adds a user; `false` if the name or the address is taken.
    pub(crate) async fn insert(&self, row: Row) -> Result<bool, Unavailable> {
        self.ask(move |database| Ok(database.execute(INSERT, row)? == 1)).await
    }

    async fn find(&self, sql: &'static str, key: String) -> Result<Found<User>, Unavailable> {
        let found = self.ask(move |database| database.query_row(sql, [key], |row| row.try_into()).optional()).await?;
        let Some((username, hash)): Option<(String, Option<String>)> = found else { return Ok(None) };
        let hash = hash.as_deref().map(PasswordHash::parse).transpose().map_err(Unavailable::because)?;
        Ok(Some((User { username }, hash)))
    }

    /// SQLite answers at once or waits for a disk: on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let Self(database) = self.clone();
        let answer = move || question(&database.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(answer).await.map_err(Unavailable::because)?.map_err(Unavailable::because)
    }
}

/// What looks like an e-mail address is one: no user name has an @.
impl UserTable for Users {
    type User = User;

    async fn find_by_login(&self, login: &str) -> Result<Found<User>, Unavailable> {
        match EmailStr::parse(login) {
            Ok(email) => self.find(FIND_BY_EMAIL, email.to_string()).await,
            Err(_) => self.find(FIND_BY_USERNAME, login.to_owned()).await,
        }
    }

    async fn replace_password_hash(
        &self,
        user: &User,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Unavailable> {
        let values = [&user.username, expected.as_str(), new.as_str()].map(str::to_owned);
        self.ask(move |database| Ok(database.execute(REPLACE_HASH, values)? == 1)).await
    }
}

/// The subject of a token is the user name, however its user logged in.
impl LoadUser<App> for User {
    async fn load_user(claims: &Claims, app: &App) -> Result<Option<Self>, Unavailable> {
        let found = app.users.find(FIND_BY_USERNAME, claims.subject().to_owned()).await?;
        Ok(found.map(|(user, _)| user))
    }
}
