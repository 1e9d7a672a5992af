//! Sessions at work: a login begins one, a refresh token carries it on, and whoever uses one twice ends it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_axum::Clock;
use countersign_token::ScopeSet;

use crate::client::ClientId;
use crate::session::refresh_token::{Presented, RefreshKey};
use crate::session::{NewSession, Origin, Refresh, RefreshToken, Session, SessionId};
use crate::statuses::Statuses;
use crate::store::{Retry, Rotation, SessionStore, StoreError};
use crate::user::{User, UserId};

/// How often a chain of refresh tokens may be used: looking at a token costs work that goes with it.
const MOST_USES: u32 = 1 << 16;
/// Expired sessions that are deleted in one step: others who write wait for it.
const PURGED_AT_ONCE: usize = 500;
/// Sessions that a user has at one time; with one more, the one that was used least recently ends, one without a refresh token
/// first. So many are listed, and none is
/// left out.
pub const MOST_SESSIONS: usize = 1000;
/// From the moment at which an access token is counted on to the one at which it is signed, at the most, in seconds.
const ON_THE_WAY_S: i64 = 60;

/// How long sessions live, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLives {
    /// An access token, and a session that cannot be refreshed.
    pub access_token_s: i64,
    /// A refresh token that nobody uses.
    pub refresh_idle_s: i64,
    /// A session, however often it is refreshed.
    pub refresh_s: i64,
}

/// Sessions, and what they are begun and refreshed with. Clones share it.
#[derive(Clone)]
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    statuses: Statuses,
    key: RefreshKey,
    lives: SessionLives,
    clock: Clock,
    counts: Arc<Counts>,
}

/// What is asked for at a login.
#[derive(Debug)]
pub struct Login<'l> {
    /// Who logged in, as they were when the password was checked.
    pub user: &'l User,
    /// By which client.
    pub client: &'l str,
    /// What was granted.
    pub scope: &'l ScopeSet,
    /// Whether the session shall outlive its access token.
    pub with_refresh: bool,
    /// From where.
    pub origin: Origin,
}

/// A session that goes on.
#[derive(Debug)]
pub struct Refreshed {
    /// As it was before.
    pub session: Session,
    /// Whose it is.
    pub user: User,
    /// What is granted now.
    pub scope: ScopeSet,
    /// The next refresh token.
    pub next: RefreshToken,
}

/// Why a refresh token is not good. Callers learn one text for all; the cause is in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// It is not good, for whatever reason.
    #[error("The refresh token is not valid")]
    NotValid,
    /// More is asked for than was granted at the login.
    #[error("More scopes are asked for than were granted")]
    Widened,
    /// Nothing is left of what was granted at the login.
    #[error("None of the scopes that were granted is left")]
    Powerless,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How often what has happened since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Logins.
    pub begun: u64,
    /// Refresh tokens that gave way to the next one.
    pub rotated: u64,
    /// Refresh tokens that were used once more while the next one was unused.
    pub retried: u64,
    /// Sessions that were ended because a used refresh token came back.
    pub reused: u64,
    /// Refresh tokens that were refused for another reason.
    pub refused: u64,
}

#[derive(Default)]
struct Counts {
    begun: AtomicU64,
    rotated: AtomicU64,
    retried: AtomicU64,
    reused: AtomicU64,
    refused: AtomicU64,
}

impl Sessions {
    /// Sessions in this store, whose refresh tokens are made with this key.
    pub fn new(
        store: Arc<dyn SessionStore>,
        statuses: Statuses,
        key: RefreshKey,
        lives: SessionLives,
        clock: Clock,
    ) -> Self {
        Self { store, statuses, key, lives, clock, counts: Arc::default() }
    }

    /// Begins a session; `None` if the user is not any more as the password was checked. The refresh token is there if it was asked
    /// for.
    pub async fn begin(&self, login: Login<'_>) -> Result<Option<(Session, Option<RefreshToken>)>, StoreError> {
        let (id, now) = (SessionId::random(), self.clock.now());
        let token = if login.with_refresh { Some(self.key.first(id).ok_or_else(no_randomness)?) } else { None };
        let ends_at = now.saturating_add(self.lives.refresh_s);
        let refresh = token.as_ref().map(|token| self.refresh_with(token, ends_at, now));
        // No access token of the session is about after this, refreshed to the last moment.
        let is_over_at = if refresh.is_some() { self.access_until(ends_at) } else { self.access_until(now) };
        let session = Session {
            id,
            user: login.user.id,
            client: login.client.to_owned(),
            scope: login.scope.clone(),
            origin: login.origin,
            created_at: now,
            last_used_at: now,
            expires_at: self.expiry(refresh.as_ref(), now),
            access_until: self.access_until(now),
            status: Some(self.statuses.take(is_over_at).await?),
            refresh,
        };
        let new = NewSession { session, generation: login.user.generation, most: MOST_SESSIONS };
        let Some(ended) = self.store.begin_session(&new).await? else { return Ok(None) };
        count(&self.counts.begun);
        if ended > 0 {
            tracing::info!(event = "end session", cause = "too many", user = %login.user.id, ended);
        }
        Ok(Some((new.session, token)))
    }

    /// What a refresh token is answered with, if `granted` says which scopes.
    ///
    /// Using a token once more, while the next one is unused, gives the same next one. Once that was used, the first one's
    /// return means that somebody has a copy: the session ends.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        client: &str,
        granted: impl Fn(&Session, &User) -> Result<ScopeSet, RefreshError> + Send,
    ) -> Result<Refreshed, RefreshError> {
        // When another request is faster, the second look finds the token to be the parent of what is good now.
        for _ in 0..2 {
            let now = self.clock.now();
            let Some((session, user)) = self.store.find_session(token.session(), now).await? else {
                return Err(self.refuse(token, "no such session"));
            };
            let Some(refresh) = session.refresh.clone().filter(|refresh| refresh.until > now) else {
                return Err(self.refuse(token, "expired"));
            };
            if session.client != client {
                return Err(self.refuse(token, "of another client"));
            }
            let next = match self.key.judge(token, &refresh.link) {
                Presented::Unknown => return Err(self.refuse(token, "not of this session")),
                Presented::Reused => return Err(self.end_for_reuse(&session).await),
                Presented::Parent(child) => Some(child),
                Presented::Current if token.link().number >= MOST_USES => return Err(self.refuse(token, "used up")),
                Presented::Current => None,
            };
            // Before the token is used: who is refused keeps it.
            let scope = granted(&session, &user)?;
            if let Some(next) = next {
                let access_until = self.access_until(now);
                let expires_at = now.saturating_add(self.lives.access_token_s);
                let retry = Retry { session: session.id, current: refresh.link, expires_at, access_until };
                if self.store.note_retry(&retry).await? {
                    count(&self.counts.retried);
                    return Ok(Refreshed { session, user, scope, next });
                }
                continue;
            }
            if let Some(next) = self.rotate(&session, &refresh, token).await? {
                count(&self.counts.rotated);
                return Ok(Refreshed { session, user, scope, next });
            }
        }
        Err(self.refuse(token, "used by others at the same moment"))
    }

    /// Puts the next token in the place of this one; `None` if it is the good one no more.
    async fn rotate(
        &self,
        session: &Session,
        refresh: &Refresh,
        token: &RefreshToken,
    ) -> Result<Option<RefreshToken>, StoreError> {
        let (child, now) = (self.key.child(token), self.clock.now());
        let next = self.refresh_with(&child, refresh.ends_at, now);
        let expires_at = self.expiry(Some(&next), now);
        let access_until = self.access_until(now);
        let rotation =
            Rotation { session: session.id, used: refresh.link.clone(), next, expires_at, access_until, now };
        Ok(self.store.rotate(&rotation).await?.then_some(child))
    }

    fn refresh_with(&self, token: &RefreshToken, ends_at: i64, now: i64) -> Refresh {
        Refresh { link: token.link(), until: ends_at.min(now.saturating_add(self.lives.refresh_idle_s)), ends_at }
    }

    /// Until when an access token is good that is on its way now.
    fn access_until(&self, now: i64) -> i64 {
        now.saturating_add(self.lives.access_token_s).saturating_add(ON_THE_WAY_S)
    }

    /// The last access token may outlive the refresh token.
    fn expiry(&self, refresh: Option<&Refresh>, now: i64) -> i64 {
        let access = now.saturating_add(self.lives.access_token_s);
        refresh.map_or(access, |refresh| refresh.until.max(access))
    }

    fn refuse(&self, token: &RefreshToken, cause: &'static str) -> RefreshError {
        count(&self.counts.refused);
        tracing::info!(event = "refresh", outcome = "refused", cause, session = %token.session());
        RefreshError::NotValid
    }

    async fn end_for_reuse(&self, session: &Session) -> RefreshError {
        if let Err(error) = self.store.end_session(session.id, None).await {
            return error.into();
        }
        count(&self.counts.reused);
        tracing::warn!(
            event = "refresh",
            outcome = "refused",
            cause = "used before",
            session = %session.id,
            user = %session.user,
            "a refresh token came back that was used before: somebody has a copy, and the session is ended"
        );
        RefreshError::NotValid
    }

    /// Ends the session of a refresh token, used or not, that this client was given (RFC 7009 section 2.1); any other text ends nothing.
    pub async fn revoke(&self, token: &RefreshToken, client: &str) -> Result<(), StoreError> {
        if let Some((session, user, _)) = self.look_at(token, client).await? {
            self.end(session.id, Some(user.id)).await?;
        }
        Ok(())
    }

    /// The session that a refresh token of this client refreshes, and its user, if using it would not be theft.
    pub async fn of_refresh_token(
        &self,
        token: &RefreshToken,
        client: &str,
    ) -> Result<Option<(Session, User)>, StoreError> {
        let (found, now) = (self.look_at(token, client).await?, self.clock.now());
        Ok(found.and_then(|(session, user, presented)| {
            let is_in_time = session.refresh.as_ref().is_some_and(|refresh| refresh.until > now);
            (is_in_time && presented != Presented::Reused).then_some((session, user))
        }))
    }

    /// The session of a token that was handed out to this client, its user, and what the token is to it.
    async fn look_at(
        &self,
        token: &RefreshToken,
        client: &str,
    ) -> Result<Option<(Session, User, Presented)>, StoreError> {
        let found = self.find(token.session()).await?.filter(|(session, _)| session.client == client);
        Ok(found.and_then(|(session, user)| {
            let presented = self.key.judge(token, &session.refresh.as_ref()?.link);
            (presented != Presented::Unknown).then_some((session, user, presented))
        }))
    }

    /// Where the statuses of their tokens stand.
    pub fn statuses(&self) -> &Statuses {
        &self.statuses
    }

    /// The session of an access token and its user, while both stand.
    pub async fn find(&self, id: SessionId) -> Result<Option<(Session, User)>, StoreError> {
        self.store.find_session(id, self.clock.now()).await
    }

    /// The user of an access token's session, while both stand.
    pub async fn find_user(&self, id: SessionId) -> Result<Option<User>, StoreError> {
        self.store.find_user_of(id, self.clock.now()).await
    }

    /// The same for a session that a registered client has begun, with the scopes that the client may have at present.
    pub async fn find_user_by(&self, id: SessionId, client: &str) -> Result<Option<(User, ScopeSet)>, StoreError> {
        let Ok(client) = ClientId::new(client) else { return Ok(None) };
        self.store.find_user_by(id, &client, self.clock.now()).await
    }

    /// All sessions of a user, the youngest first.
    pub async fn list(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        self.store.list_sessions(Some(user), self.clock.now(), MOST_SESSIONS).await
    }

    /// Ends a session, of this user if one is named; `false` if there is none.
    pub async fn end(&self, id: SessionId, user: Option<UserId>) -> Result<bool, StoreError> {
        let is_ended = self.store.end_session(id, user).await?;
        if is_ended {
            let user = user.map(tracing::field::display);
            tracing::info!(event = "end session", session = %id, user);
        }
        Ok(is_ended)
    }

    /// Ends all sessions of a user; how many there were.
    pub async fn end_all(&self, user: UserId) -> Result<usize, StoreError> {
        let count = self.store.end_sessions(user).await?;
        tracing::info!(event = "end all sessions", %user, count);
        Ok(count)
    }

    /// Deletes the sessions that have expired, in steps.
    pub async fn purge(&self) -> Result<(), StoreError> {
        while self.store.purge_sessions(self.clock.now(), PURGED_AT_ONCE).await? == PURGED_AT_ONCE {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// What has happened since the start.
    pub fn stats(&self) -> SessionStats {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { begun, rotated, retried, reused, refused } = &*self.counts;
        SessionStats {
            begun: of(begun),
            rotated: of(rotated),
            retried: of(retried),
            reused: of(reused),
            refused: of(refused),
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("lives", &self.lives).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn no_randomness() -> StoreError {
    StoreError::Unavailable("the system gives no random bytes for a refresh token".to_owned())
}
