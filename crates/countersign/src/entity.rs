//! Things as the stores keep them, whose they are, and the tokens that were made for them. Times are Unix seconds.
//!
//! A thing is a car, a blog post, a printer: what an API has, and what this server knows by its kind and its id alone. Its owner makes
//! tokens that speak for it, for a person or a bot without an account.

pub mod kinds;

use countersign_token::{ScopeSet, Subject, SubjectSyntaxError};

pub use crate::entity::kinds::{EntityKinds, EntityKindsError};

use crate::session::SessionId;
use crate::status::StatusPlace;
use crate::user::visible::is_invisible;
use crate::user::{FullName, UserId};

/// The most tokens of one thing that are good at one time.
pub const MOST_TOKENS: usize = 100;

/// A thing that tokens can be made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Its kind and its id, as in `car:foo`: the subject of its tokens.
    pub subject: Subject,
    /// Whose it is.
    pub owner: UserId,
    /// What the owner may do with it, and let others do.
    pub permissions: ScopeSet,
    /// When it was declared first.
    pub created_at: i64,
}

/// A token for a thing, as it is kept: without the token. It ends when it is revoked, when the owner is disabled or deleted, when the
/// thing goes, gets another owner or loses a permission that the token carries, and when its time is over; then it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityToken {
    /// Never given again; the claim `sid` of the token, as for a login.
    pub id: SessionId,
    /// For what.
    pub entity: Subject,
    /// The name by which its owner knows it.
    pub name: String,
    /// What its bearer may do.
    pub permissions: ScopeSet,
    /// When it was made.
    pub created_at: i64,
    /// When its time is over.
    pub expires_at: i64,
    /// Where its status stands.
    pub status: StatusPlace,
}

/// A token to be kept, for a thing as it was when the permissions were checked, by an owner who is logged in.
#[derive(Clone, Debug)]
pub struct NewEntityToken {
    /// The token.
    pub token: EntityToken,
    /// The thing as it was: if its owner or its permissions have changed since, the token is void.
    pub entity: Entity,
    /// The session of the owner that asks: if it has ended since, so that a thief is out, the token is void.
    pub session: SessionId,
}

/// Why something of a thing is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntityFault {
    /// No such kind is declared.
    #[error("there is no such kind of thing: the setting `entities` says which there are")]
    Kind,
    /// The text names no thing.
    #[error(transparent)]
    Syntax(#[from] SubjectSyntaxError),
    /// The id holds what nobody sees.
    #[error("the id holds a character that nobody sees: leave it out")]
    Invisible,
    /// A permission that things of this kind do not have.
    #[error("things of this kind have no such permission: the setting `entities` says which they have")]
    Permission,
    /// A name of a token that nobody could read.
    #[error("the name of a token has 1 to 128 characters, all of them visible")]
    Name,
}

/// The id of a thing that is declared: nobody shall take one for another because of what cannot be seen.
pub fn check_id(subject: &Subject) -> Result<(), EntityFault> {
    if subject.id().chars().any(is_invisible) { Err(EntityFault::Invisible) } else { Ok(()) }
}

/// The name of a token, without white space at its ends.
pub fn check_token_name(text: &str) -> Result<String, EntityFault> {
    FullName::new(text).map(|name| name.as_str().to_owned()).map_err(|_| EntityFault::Name)
}
