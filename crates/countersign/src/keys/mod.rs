//! The life of the signing keys: made and sealed in the store, published before they sign, kept until their last token has expired.

mod keeper;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use countersign_token::{Algorithm, Issuer, KeyError, KeySet, SigningKey, Verifier};

pub use crate::keys::keeper::{KeyKeeper, KeyLives};

use crate::sealing::{SealingError, SealingKey};
use crate::store::{KeyState, SigningKeyRecord, StoreError};

/// The keys as they are used at this moment.
pub struct Keys {
    /// Signs new tokens with the active key.
    pub issuer: Issuer,
    /// Takes tokens of every published key.
    pub verifier: Verifier,
    /// The public keys, the next one and the retiring ones among them.
    pub published: KeySet,
    /// What they were read from.
    read_from: Vec<(String, KeyState)>,
}

/// The keys of a running server. Clones share them, and see them change.
#[derive(Clone)]
pub struct Keyring(Arc<RwLock<Arc<Keys>>>);

/// Whose tokens the keys sign.
#[derive(Clone, Debug)]
pub struct TokenProfile {
    /// The issuer's URL.
    pub issuer: String,
    /// The audience of the tokens.
    pub audience: String,
    /// How long a token lives at most, in seconds.
    pub lifetime_s: i64,
}

/// Why the signing keys could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeysError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be sealed or opened.
    #[error("signing key {kid}: {source}")]
    Sealing {
        /// Which key.
        kid: String,
        /// What went wrong.
        source: SealingError,
    },
    /// A key is no good.
    #[error("signing key {kid}: {source}")]
    Key {
        /// Which key.
        kid: String,
        /// What is wrong with it.
        source: KeyError,
    },
    /// No key could be made.
    #[error("no signing key could be made: {0}")]
    NotMade(KeyError),
    /// The algorithm's public keys cannot be published, so no other program could check a token.
    #[error("{0} signs with a shared secret, which cannot be published: choose ES256, EdDSA, RS256 or PS256")]
    Symmetric(&'static str),
    /// The store holds a key for an algorithm that this program does not know.
    #[error(
        "signing key {kid} is for the algorithm {algorithm}, which this version does not know: start a newer version"
    )]
    UnknownAlgorithm {
        /// Which key.
        kid: String,
        /// Its algorithm.
        algorithm: String,
    },
    /// No key is active although one was just made.
    #[error("the store holds no active signing key")]
    NoneActive,
}

impl Keyring {
    fn new(keys: Keys) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keys))))
    }

    /// The keys at this moment.
    pub fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, keys: Keys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

impl Keys {
    /// Opens the keys of these records.
    fn open(
        records: &[SigningKeyRecord],
        sealing: &SealingKey,
        profile: &TokenProfile,
    ) -> Result<Self, SigningKeysError> {
        let mut active = None;
        let mut published = Vec::with_capacity(records.len());
        for record in records {
            let key = open(record, sealing)?;
            published.push(key.verification_key());
            if record.state == KeyState::Active {
                active = Some(key);
            }
        }
        let published = KeySet::new(published).map_err(SigningKeysError::NotMade)?;
        let verifier =
            Verifier::new(&profile.issuer, &profile.audience, published.clone()).longest_lifetime_s(profile.lifetime_s);
        let issuer = Issuer::new(&profile.issuer, active.ok_or(SigningKeysError::NoneActive)?);
        Ok(Self { issuer, verifier, published, read_from: states(records) })
    }
}

fn states(records: &[SigningKeyRecord]) -> Vec<(String, KeyState)> {
    records.iter().map(|record| (record.kid.clone(), record.state)).collect()
}

/// A new key, sealed, to be offered to the store.
pub fn generate(
    sealing: &SealingKey,
    algorithm: Algorithm,
    state: KeyState,
    now: i64,
) -> Result<SigningKeyRecord, SigningKeysError> {
    if algorithm.is_symmetric() {
        return Err(SigningKeysError::Symmetric(algorithm.name()));
    }
    let key = SigningKey::generate(algorithm).map_err(SigningKeysError::NotMade)?;
    let kid = key.kid().to_owned();
    let sealed = sealing
        .seal(&key.to_private_bytes(), &kid)
        .map_err(|source| SigningKeysError::Sealing { kid: kid.clone(), source })?;
    let algorithm = algorithm.name().to_owned();
    Ok(SigningKeyRecord { kid, algorithm, state, sealed, created_at: now, since: now })
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring").field(&self.current().read_from).finish()
    }
}

fn open(record: &SigningKeyRecord, sealing: &SealingKey) -> Result<SigningKey, SigningKeysError> {
    let kid = || record.kid.clone();
    let algorithm = Algorithm::from_name(&record.algorithm)
        .ok_or_else(|| SigningKeysError::UnknownAlgorithm { kid: kid(), algorithm: record.algorithm.clone() })?;
    // A row that was tampered with must not turn a private key into a secret.
    if algorithm.is_symmetric() {
        return Err(SigningKeysError::Symmetric(algorithm.name()));
    }
    let private =
        sealing.open(&record.sealed, &record.kid).map_err(|source| SigningKeysError::Sealing { kid: kid(), source })?;
    SigningKey::from_private_bytes(algorithm, &private).map_err(|source| SigningKeysError::Key { kid: kid(), source })
}
