//! Things at work: who owns them says so here, and their owners make tokens that speak for them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_axum::Clock;
use countersign_token::{Claims, IssueError, NewToken, ScopeSet, Subject};

use crate::client::FIRST_PARTY;
use crate::entity::{Entity, EntityFault, EntityToken, MOST_TOKENS, NewEntityToken};
use crate::keys::Keyring;
use crate::session::SessionId;
use crate::settings::Settings;
use crate::status::StatusPlace;
use crate::statuses::Statuses;
use crate::store::{Declared, EntityStore, StoreError};
use crate::throttles::{ThrottleError, Throttled, Throttles};
use crate::user::UserId;

/// Expired tokens that are deleted in one step: others who write wait for it.
const PURGED_AT_ONCE: usize = 500;
/// From the moment at which a token takes its place in a list on to the one at which it is signed, at the most, in seconds.
const ON_THE_WAY_S: i64 = 60;

/// Things, and what their tokens are made with. Clones share it.
#[derive(Clone)]
pub struct Entities {
    store: Arc<dyn EntityStore>,
    statuses: Statuses,
    keyring: Keyring,
    settings: Arc<Settings>,
    clock: Clock,
    counts: Arc<Counts>,
    /// Nothing is counted without them.
    throttles: Option<Throttles>,
}

/// A token that an owner asks for.
#[derive(Debug)]
pub struct Order<'o> {
    /// For which thing.
    pub entity: &'o Subject,
    /// Who asks.
    pub owner: UserId,
    /// Of which login.
    pub session: SessionId,
    /// What the owner calls it.
    pub name: String,
    /// What its bearer may do.
    pub permissions: ScopeSet,
    /// For how many seconds.
    pub lifetime_s: i64,
}

/// A token that was made; it is shown this once, and `Debug` does not show it.
pub struct Minted {
    /// The access token.
    pub access_token: String,
    /// What is kept of it.
    pub kept: EntityToken,
}

/// Why a thing is not declared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeclareError {
    /// Its kind, its id or its permissions are not what they should be.
    #[error(transparent)]
    Fault(#[from] EntityFault),
    /// There is no such user.
    #[error("there is no such user: name the id of the owner")]
    NoOwner,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why no token is made for a thing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// There is no such thing, or it is somebody else's: the caller cannot tell which.
    #[error("There is no such thing of yours")]
    NotThere,
    /// It would allow nothing.
    #[error("Name at least one permission: a token without one is good for nothing")]
    NoPermission,
    /// More is asked for than the owner has (R-015: nothing is cut off in silence).
    #[error("A token can carry no more than your own permissions over the thing: {0}")]
    TooWide(ScopeSet),
    /// A life that is no life, or too long.
    #[error("A token for a thing lives for at least 1 and at most {0} seconds")]
    Lifetime(i64),
    /// There are as many as there can be.
    #[error("There are {MOST_TOKENS} tokens for this thing already: revoke one that nobody needs")]
    TooMany,
    /// The thing, or the login, has changed since it was looked at.
    #[error("Something has changed at the same moment: try again")]
    Changed,
    /// The owner has made too many.
    #[error(transparent)]
    Throttled(Throttled),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The token could not be signed.
    #[error(transparent)]
    Signing(#[from] IssueError),
}

/// How often what has happened since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntityStats {
    /// Tokens that were made.
    pub minted: u64,
    /// Tokens that were refused to who asked for them.
    pub refused: u64,
    /// Tokens that were revoked, one by one or together with what they rest on; not those of users who were disabled or deleted.
    pub revoked: u64,
}

#[derive(Default)]
struct Counts {
    minted: AtomicU64,
    refused: AtomicU64,
    revoked: AtomicU64,
}

impl Entities {
    /// Things in this store, whose tokens are signed by these keys.
    pub fn new(
        store: Arc<dyn EntityStore>,
        statuses: Statuses,
        keyring: Keyring,
        settings: Arc<Settings>,
        clock: Clock,
    ) -> Self {
        Self { store, statuses, keyring, settings, clock, counts: Arc::default(), throttles: None }
    }

    /// The same things, whose owners make so many tokens in a day and no more.
    #[must_use]
    pub fn throttled(self, throttles: Throttles) -> Self {
        Self { throttles: Some(throttles), ..self }
    }

    /// Declares a thing, or changes whose it is and what may be done with it: all that its kind allows, unless less is named. Tokens
    /// that are void then have ended.
    pub async fn declare(
        &self,
        subject: &Subject,
        owner: UserId,
        permissions: Option<ScopeSet>,
    ) -> Result<Declared, DeclareError> {
        let permissions = self.settings.entities.check(subject, permissions)?;
        let entity = Entity { subject: subject.clone(), owner, permissions, created_at: self.clock.now() };
        let declared = self.store.declare_entity(&entity).await?.ok_or(DeclareError::NoOwner)?;
        self.count_revoked(declared.ended);
        Ok(declared)
    }

    /// The thing with this subject.
    pub async fn find(&self, subject: &Subject) -> Result<Option<Entity>, StoreError> {
        self.store.find_entity(subject).await
    }

    /// Things of a user after this one, at most `limit`.
    pub async fn list(&self, owner: UserId, after: Option<&Subject>, limit: usize) -> Result<Vec<Entity>, StoreError> {
        self.store.list_entities(Some(owner), after, limit).await
    }

    /// Removes a thing and its tokens; `false` if there is none.
    pub async fn delete(&self, subject: &Subject) -> Result<bool, StoreError> {
        self.store.delete_entity(subject).await
    }

    /// Makes a token for a thing of the one who asks. It carries what was asked for and no less; it is of no session that could be
    /// refreshed, so it ends with its life at the latest.
    pub async fn mint(&self, order: Order<'_>) -> Result<Minted, MintError> {
        let outcome = self.try_mint(&order).await;
        match &outcome {
            Ok(minted) => {
                self.counts.minted.fetch_add(1, Ordering::Relaxed);
                let EntityToken { id, entity, permissions, expires_at, .. } = &minted.kept;
                tracing::info!(event = "mint", outcome = "good", entity = %entity, token = %id, owner = %order.owner, %permissions, expires_at);
            }
            Err(cause) => {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                tracing::info!(event = "mint", outcome = "refused", %cause, owner = %order.owner);
            }
        }
        outcome
    }

    async fn try_mint(&self, order: &Order<'_>) -> Result<Minted, MintError> {
        let longest_s = self.settings.entity_token_lifetime_s;
        if !(1..=longest_s).contains(&order.lifetime_s) {
            return Err(MintError::Lifetime(longest_s));
        }
        let entity = self.find(order.entity).await?.filter(|entity| entity.owner == order.owner);
        let entity = entity.ok_or(MintError::NotThere)?;
        let own = self.settings.entities.limit(entity.subject.kind(), &entity.permissions);
        if !own.contains_all(&order.permissions) {
            return Err(MintError::TooWide(own));
        }
        if order.permissions.is_empty() {
            return Err(MintError::NoPermission);
        }
        if let Some(throttles) = &self.throttles {
            throttles.mint(order.owner).await?;
        }
        let until = self.clock.now().saturating_add(order.lifetime_s).saturating_add(ON_THE_WAY_S);
        let minted = self.sign(order, self.statuses.take(until).await?)?;
        let new = NewEntityToken { token: minted.kept.clone(), entity, session: order.session };
        if self.store.mint_entity_token(&new).await? {
            return Ok(minted);
        }
        let others = self.store.list_entity_tokens(order.entity, self.clock.now()).await?.len();
        Err(if others >= MOST_TOKENS { MintError::TooMany } else { MintError::Changed })
    }

    /// Before it is kept: what is kept was made, and what was not kept is shown to nobody.
    fn sign(&self, order: &Order<'_>, status: StatusPlace) -> Result<Minted, IssueError> {
        let (id, now) = (SessionId::random(), self.clock.now());
        let token = NewToken::for_subject(order.entity.as_str())
            .client_id(FIRST_PARTY)
            .audience(&self.settings.audience)
            .scope(order.permissions.clone())
            .lifetime_s(order.lifetime_s)
            .session_id(id.to_string())
            .status(self.statuses.reference(status));
        let issued = self.keyring.current().issuer.issue(&token, now)?;
        let kept = EntityToken {
            id,
            entity: order.entity.clone(),
            name: order.name.clone(),
            permissions: order.permissions.clone(),
            created_at: now,
            expires_at: issued.expires_at,
            status,
        };
        Ok(Minted { access_token: issued.token, kept })
    }

    /// The tokens for a thing, the youngest first.
    pub async fn tokens(&self, entity: &Subject) -> Result<Vec<EntityToken>, StoreError> {
        self.store.list_entity_tokens(entity, self.clock.now()).await
    }

    /// Ends a token, for this thing if one is named; `false` if there is none. `by` is for the log.
    pub async fn revoke(
        &self,
        id: SessionId,
        entity: Option<&Subject>,
        by: Option<&(dyn fmt::Display + Sync)>,
    ) -> Result<bool, StoreError> {
        let is_ended = self.store.end_entity_token(id, entity).await?;
        if is_ended {
            self.count_revoked(1);
            let (by, entity) = (by.map(tracing::field::display), entity.map(tracing::field::display));
            tracing::info!(event = "revoke", token = %id, by, entity);
        }
        Ok(is_ended)
    }

    /// Ends all tokens for a thing; how many there were. `by` is for the log.
    pub async fn revoke_all(&self, entity: &Subject, by: &(dyn fmt::Display + Sync)) -> Result<usize, StoreError> {
        let count = self.store.end_entity_tokens(entity).await?;
        self.count_revoked(count);
        tracing::info!(event = "revoke all", %entity, count, %by);
        Ok(count)
    }

    /// Whether a token with these claims still stands: it was made for this very thing with these permissions, nobody has ended it, and
    /// its kind still has them.
    pub async fn is_live(&self, claims: &Claims) -> Result<bool, StoreError> {
        let Some(id) = claims.session_id().and_then(|id| id.parse().ok()) else { return Ok(false) };
        let Some(token) = self.store.find_entity_token(id, self.clock.now()).await? else { return Ok(false) };
        let is_its = token.entity.as_str() == claims.subject() && token.permissions.contains_all(claims.scope());
        let still = self.settings.entities.limit(token.entity.kind(), &token.permissions);
        Ok(is_its && still.contains_all(claims.scope()))
    }

    /// Deletes the tokens that have expired, in steps.
    pub async fn purge(&self) -> Result<(), StoreError> {
        while self.store.purge_entity_tokens(self.clock.now(), PURGED_AT_ONCE).await? == PURGED_AT_ONCE {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// What has happened since the start.
    pub fn stats(&self) -> EntityStats {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { minted, refused, revoked } = &*self.counts;
        EntityStats { minted: of(minted), refused: of(refused), revoked: of(revoked) }
    }

    fn count_revoked(&self, count: usize) {
        self.counts.revoked.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl fmt::Debug for Entities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entities").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minted").field("kept", &self.kept).finish_non_exhaustive()
    }
}

impl From<ThrottleError> for MintError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::Throttled(throttled) => Self::Throttled(throttled),
            ThrottleError::Store(error) => Self::Store(error),
        }
    }
}
