//! Users as the API shows them: without the password hash, times as RFC 3339 text.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::user::{Change, User};

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    /// Never changes and is never given again (UUID version 7).
    #[schema(format = "uuid")]
    id: String,
    /// Unique, in its canonical form.
    username: String,
    /// Unique among all who have one.
    email: Option<String>,
    /// The name to show.
    full_name: Option<String>,
    /// A disabled user cannot log in.
    disabled: bool,
    /// The most that a token of this user may carry.
    scopes: Vec<String>,
    /// When the user registered.
    #[schema(format = DateTime)]
    created_at: String,
    /// When anything of the user last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            email: user.email.map(|email| email.to_string()),
            full_name: user.full_name.map(|name| name.to_string()),
            disabled: user.disabled,
            scopes: user.scopes.iter().map(str::to_owned).collect(),
            created_at: rfc3339(user.created_at),
            updated_at: rfc3339(user.updated_at),
        }
    }
}

pub(crate) fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// Reads a member that may be absent (keep), `null` (clear) or a value (set), as RFC 7396 has it.
pub(crate) fn change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map_or(Change::Clear, Change::Set))
}

/// Checks the value of a change.
pub(crate) fn parse_change<T, E>(change: Change<String>, parse: impl Fn(&str) -> Result<T, E>) -> Result<Change<T>, E> {
    Ok(match change {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(text) => Change::Set(parse(&text)?),
    })
}
