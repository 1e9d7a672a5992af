//! Who acts: a user, or a program for itself.

use std::fmt;

use axum::extract::FromRef;
use countersign_axum::{LoadUser, Unavailable};
use countersign_token::{Claims, Subject};

use crate::app::Countersign;
use crate::introspection::is_clients;
use crate::trail;
use crate::user::{User, UserId};

/// The user of a session, or a registered client with a token of its own; no thing, whatever its token says.
pub(crate) enum Actor {
    /// A user who is logged in.
    User(UserId),
    /// A client, by its subject.
    Client(Subject),
}

impl Actor {
    /// Whether it is this user.
    pub(crate) fn is(&self, user: UserId) -> bool {
        matches!(self, Self::User(id) if *id == user)
    }
}

/// For the log.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Client(subject) => subject.fmt(f),
        }
    }
}

impl<S> LoadUser<S> for Actor
where
    S: Sync,
    Countersign: FromRef<S>,
{
    const SEES_REVOCATIONS: bool = true;

    /// A client is looked up for every request as a user is: one that is disabled, deleted or has lost a scope is out at once.
    async fn load_user(claims: &Claims, state: &S) -> Result<Option<Self>, Unavailable> {
        let Ok(subject) = claims.subject().parse::<Subject>() else { return Ok(None) };
        match subject.kind() {
            Subject::USER => Ok(User::load_user(claims, state).await?.map(|user| Self::User(user.id))),
            Subject::CLIENT if claims.client_id() == Some(subject.id()) => {
                let app = Countersign::from_ref(state);
                trail::via_client(subject.id());
                let is_good = is_clients(&app, claims).await.map_err(Unavailable::because)?;
                Ok(is_good.then_some(Self::Client(subject)))
            }
            _ => Ok(None),
        }
    }
}
