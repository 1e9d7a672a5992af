//! Rotation: looks at the keys twice a second, and does what is due. Any number of processes may do so over one store: each step is a
//! condition in the store, which one of them wins.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use countersign_axum::{Clock, Guard};
use countersign_token::Algorithm;

use crate::keys::{Keyring, Keys, SigningKeysError, TokenProfile, generate, states};
use crate::sealing::SealingKey;
use crate::store::{KeyState, KeyStore, SigningKeyRecord};

/// Within so many seconds every process has seen what one has done.
const SEEN_BY_ALL_S: i64 = 2;
/// After so long without a look at the store the keys may be others by now.
const STALE_AFTER: Duration = Duration::from_secs(5);
/// So much longer than its last token a retiring key is kept: clocks differ.
const LEEWAY_S: i64 = 60;

/// How long keys live, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLives {
    /// How long a key signs.
    pub signing_s: i64,
    /// How long others may keep the published keys.
    pub published_max_age_s: i64,
}

impl KeyLives {
    /// How long a key is published before it signs: until nobody holds a set without it.
    fn ahead_s(self) -> i64 {
        self.published_max_age_s.saturating_add(SEEN_BY_ALL_S)
    }
}

/// Keeps the keys of a server up to date.
pub struct KeyKeeper {
    store: Arc<dyn KeyStore>,
    sealing: Arc<SealingKey>,
    algorithm: Algorithm,
    profile: TokenProfile,
    lives: KeyLives,
    clock: Clock,
    keyring: Keyring,
    looked_at: Mutex<Instant>,
}

impl KeyKeeper {
    /// Opens the keys of this store, and makes the first one if there is none. Of several processes that do so at once, one makes the
    /// key and all use it (F-12).
    pub async fn open(
        store: Arc<dyn KeyStore>,
        sealing: Arc<SealingKey>,
        (algorithm, lives): (Algorithm, KeyLives),
        profile: TokenProfile,
        clock: Clock,
    ) -> Result<Self, SigningKeysError> {
        let mut records = store.list_keys().await?;
        if find(&records, KeyState::Active).is_none() {
            let first = generate(&sealing, algorithm, KeyState::Active, clock.now())?;
            if store.insert_key(&first).await? {
                tracing::info!(event = "signing key made", kid = first.kid, algorithm = first.algorithm);
            }
            records = store.list_keys().await?;
        }
        let keyring = Keyring::new(Keys::open(&records, &sealing, &profile)?);
        let active = find(&records, KeyState::Active).map_or("", |active| &active.algorithm);
        if active != algorithm.name() {
            let asked = algorithm.name();
            tracing::warn!(
                active,
                asked,
                "the active signing key keeps its algorithm; `countersign key rotate` makes another"
            );
        }
        let looked_at = Mutex::new(Instant::now());
        Ok(Self { store, sealing, algorithm, profile, lives, clock, keyring, looked_at })
    }

    /// The keys, as they change.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Whether the keys could not be looked after for a while: one that was withdrawn elsewhere may still be in use here.
    pub fn is_stale(&self) -> bool {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > STALE_AFTER
    }

    /// Does what is due, and takes over what other processes have done; `guard` is told of it.
    pub async fn tick(&self, guard: &Guard) -> Result<(), SigningKeysError> {
        let mut records = self.store.list_keys().await?;
        if self.act(&records).await? {
            records = self.store.list_keys().await?;
        }
        if states(&records) != self.keyring.current().read_from {
            let keys = Keys::open(&records, &self.sealing, &self.profile)?;
            guard.replace_verifier(keys.verifier.clone());
            self.keyring.replace(keys);
        }
        *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Ok(())
    }

    /// Whether anything was done.
    async fn act(&self, records: &[SigningKeyRecord]) -> Result<bool, SigningKeysError> {
        let now = self.clock.now();
        let mut is_done = false;
        if let Some(active) = find(records, KeyState::Active) {
            is_done |= match find(records, KeyState::Next) {
                Some(next) if next.since.saturating_add(self.lives.ahead_s()) <= now => {
                    self.promote(next, active, now).await?
                }
                None if active.since.saturating_add(self.lives.signing_s)
                    <= now.saturating_add(self.lives.ahead_s()) =>
                {
                    self.publish_next(now).await?
                }
                _ => false,
            };
        }
        let last_token_s = self.profile.lifetime_s.saturating_add(LEEWAY_S);
        let is_over = |record: &&SigningKeyRecord| {
            record.state == KeyState::Retiring && record.since.saturating_add(last_token_s) <= now
        };
        for over in records.iter().filter(is_over) {
            is_done |= self.store.remove_key(&over.kid, None).await?;
            tracing::info!(event = "signing key gone", kid = over.kid);
        }
        Ok(is_done)
    }

    async fn promote(
        &self,
        next: &SigningKeyRecord,
        active: &SigningKeyRecord,
        now: i64,
    ) -> Result<bool, SigningKeysError> {
        let is_done = self.store.promote_key(&next.kid, &active.kid, now).await?;
        if is_done {
            tracing::info!(event = "signing key active", kid = next.kid, retiring = active.kid);
        }
        Ok(is_done)
    }

    async fn publish_next(&self, now: i64) -> Result<bool, SigningKeysError> {
        let next = generate(&self.sealing, self.algorithm, KeyState::Next, now)?;
        let is_done = self.store.insert_key(&next).await?;
        if is_done {
            tracing::info!(event = "next signing key published", kid = next.kid, algorithm = next.algorithm);
        }
        Ok(is_done)
    }
}

fn find(records: &[SigningKeyRecord], state: KeyState) -> Option<&SigningKeyRecord> {
    records.iter().find(|record| record.state == state)
}
