//! A table of users in memory, for tests and first steps, and the file that it is read from.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::{fs, io};

use axum_core::extract::FromRef;
use countersign_password::PasswordHash;
use countersign_token::{Claims, ScopeSet};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::login::authenticate::{Found, UserTable};
use crate::revocation::Unavailable;
use crate::user::LoadUser;

/// A user, as a file of users has it. It is never written anywhere: the hash stays here.
#[derive(Clone, Debug, Deserialize)]
pub struct UserRecord {
    /// The name, unique in its table and compared by case: at most 255 bytes, no control characters, no white space at
    /// either end, so that it can be the subject of a token.
    #[serde(deserialize_with = "username")]
    pub username: String,
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The name to show.
    #[serde(default)]
    pub full_name: Option<String>,
    /// Whether the user is kept out.
    #[serde(default)]
    pub disabled: bool,
    /// The most that a token of this user may carry, parted by spaces.
    #[serde(default)]
    pub scope: ScopeSet,
    /// The hash of the password, in any form that is read here; without one, the user cannot log in by password.
    #[serde(default, deserialize_with = "password_hash")]
    pub password_hash: Option<PasswordHash>,
}

/// A table of users in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryUsers(Arc<RwLock<HashMap<String, UserRecord>>>);

/// Why a file of users is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserFileError {
    /// A line is no user. Lines are counted from 1; what the line says is not repeated.
    #[error("line {line} of the users: {reason}")]
    Line {
        /// Which.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The file cannot be read.
    #[error("the file of users cannot be read: {0}")]
    File(#[from] io::Error),
}

impl UserRecord {
    /// The users in a text: objects of `username`, and where there are any `email`, `full_name`, `disabled`, `scope` and
    /// `password_hash`, one after another, as in a file of JSON Lines.
    pub fn read(text: &str) -> Result<Vec<Self>, UserFileError> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let mut records = Vec::new();
        while let Some(value) = values.next() {
            let line = |error: &serde_json::Error| match error.line() {
                0 => 1 + text.bytes().take(values.byte_offset()).filter(|byte| *byte == b'\n').count(),
                line => line,
            };
            // A derived struct would take an array as its members in order.
            let record = value.and_then(|value| match value {
                Value::Object(_) => serde_json::from_value(value),
                _ => Err(de::Error::custom("a user is an object")),
            });
            records.push(record.map_err(|error| UserFileError::Line { line: line(&error), reason: reason(&error) })?);
        }
        Ok(records)
    }

    /// The users in a file of such a text.
    pub fn read_file(path: &Path) -> Result<Vec<Self>, UserFileError> {
        Self::read(&fs::read_to_string(path)?)
    }
}

impl MemoryUsers {
    /// A table of the users in this text: see [`UserRecord::read`].
    pub fn from_json(text: &str) -> Result<Self, UserFileError> {
        Ok(Self::default().and(UserRecord::read(text)?))
    }

    /// The same, with the users of a file besides, if there is one; of two users of a name the later stays.
    pub fn and_file(self, path: Option<&Path>) -> Result<Self, UserFileError> {
        path.map_or(Ok(Vec::new()), UserRecord::read_file).map(|records| self.and(records))
    }

    fn and(self, records: Vec<UserRecord>) -> Self {
        self.write().extend(records.into_iter().map(|record| (record.username.clone(), record)));
        self
    }

    /// The user of this name.
    pub fn get(&self, username: &str) -> Option<UserRecord> {
        self.read().get(username).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, UserRecord>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, UserRecord>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the place, which counts within the line, and without what stands there: it may be a hash.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    match text.split_once(", expected ") {
        Some((_, expected)) => format!("a member is not what it should be: expected {expected}"),
        None => text.to_owned(),
    }
}

fn username<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if countersign_token::is_subject(&name) {
        return Ok(name);
    }
    Err(de::Error::custom("a user name has 1 to 255 bytes, no control characters and no white space at either end"))
}

fn password_hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PasswordHash>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    text.map(|text| PasswordHash::parse(&text).map_err(de::Error::custom)).transpose()
}

impl UserTable for MemoryUsers {
    type User = UserRecord;

    async fn find_by_login(&self, login: &str) -> Result<Found<UserRecord>, Unavailable> {
        Ok(self.get(login).map(|user| (user.clone(), user.password_hash)))
    }

    async fn replace_password_hash(
        &self,
        user: &UserRecord,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Unavailable> {
        let mut users = self.write();
        let user = users.get_mut(&user.username).filter(|user| user.password_hash.as_ref() == Some(expected));
        Ok(user.map(|user| user.password_hash = Some(new.clone())).is_some())
    }
}

#[diagnostic::do_not_recommend]
impl<S> LoadUser<S> for UserRecord
where
    S: Sync,
    MemoryUsers: FromRef<S>,
{
    /// The user whose name is the subject of the token.
    async fn load_user(claims: &Claims, state: &S) -> Result<Option<Self>, Unavailable> {
        Ok(MemoryUsers::from_ref(state).get(claims.subject()))
    }
}
