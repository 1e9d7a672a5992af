//! What a store of things and their tokens promises.

use async_trait::async_trait;
use countersign_token::Subject;

use crate::entity::{Entity, EntityToken, NewEntityToken};
use crate::session::SessionId;
use crate::store::StoreError;
use crate::user::UserId;

/// What became of a thing that was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The thing as it is kept now; when it was declared first stays as it was.
    pub entity: Entity,
    /// Whether there was none of this name before.
    pub is_new: bool,
    /// How many tokens were void by it, and have ended.
    pub ended: usize,
}

/// Keeps things and the tokens for them, in the engine that keeps users, sessions and statuses: what ends a token before its time marks
/// the place of its status in the same step, and disabling or deleting a user ends the tokens for
/// all that is theirs in the same step, and who is deleted leaves no thing behind.
#[async_trait]
pub trait EntityStore: Send + Sync + 'static {
    /// Declares a thing, or changes whose it is and what may be done with it. In the same step end the tokens that are void then: all
    /// if it has another owner, otherwise those with a permission that it has lost. `None` if there is no such user.
    async fn declare_entity(&self, entity: &Entity) -> Result<Option<Declared>, StoreError>;

    /// The thing with this subject.
    async fn find_entity(&self, subject: &Subject) -> Result<Option<Entity>, StoreError>;

    /// At most `limit` things after this subject, of one user or of all, in the order of the bytes of their subjects.
    async fn list_entities(
        &self,
        owner: Option<UserId>,
        after: Option<&Subject>,
        limit: usize,
    ) -> Result<Vec<Entity>, StoreError>;

    /// Removes a thing for good, and its tokens with it; `false` if there is none.
    async fn delete_entity(&self, subject: &Subject) -> Result<bool, StoreError>;

    /// Keeps a token on condition that the thing is as it was checked, its owner enabled, the session that asks of this owner and not
    /// over, and that the thing has fewer than [`MOST_TOKENS`](crate::entity::MOST_TOKENS) that have not expired; `false` if not.
    async fn mint_entity_token(&self, new: &NewEntityToken) -> Result<bool, StoreError>;

    /// A token that has not expired at `now`, and whose owner is enabled.
    async fn find_entity_token(&self, id: SessionId, now: i64) -> Result<Option<EntityToken>, StoreError>;

    /// The tokens for a thing that have not expired at `now`, the youngest first.
    async fn list_entity_tokens(&self, entity: &Subject, now: i64) -> Result<Vec<EntityToken>, StoreError>;

    /// Ends a token, for this thing if one is named; `false` if there is none.
    async fn end_entity_token(&self, id: SessionId, entity: Option<&Subject>) -> Result<bool, StoreError>;

    /// Ends all tokens for a thing; how many there were.
    async fn end_entity_tokens(&self, entity: &Subject) -> Result<usize, StoreError>;

    /// Deletes at most `limit` tokens that have expired at `now`; how many there were.
    async fn purge_entity_tokens(&self, now: i64, limit: usize) -> Result<usize, StoreError>;
}
