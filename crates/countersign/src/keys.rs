//! The signing keys' life: made at the first start, sealed in the store, opened when the server runs.

use countersign_token::{Algorithm, KeyError, KeySet, SigningKey};

use crate::sealing::{SealingError, SealingKey};
use crate::store::{KeyState, KeyStore, SigningKeyRecord, StoreError};

/// The keys of a running server: the one that signs, and all whose tokens are still good.
pub struct SigningKeys {
    active: SigningKey,
    published: KeySet,
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

impl SigningKeys {
    /// Opens the keys of this store, and makes the first one if there is none. Of several processes that do so at once, one
    /// makes the key and all use it (F-12).
    pub async fn open(
        store: &dyn KeyStore,
        sealing: &SealingKey,
        algorithm: Algorithm,
        now: i64,
    ) -> Result<Self, SigningKeysError> {
        if algorithm.is_symmetric() {
            return Err(SigningKeysError::Symmetric(algorithm.name()));
        }
        let mut records = store.list_keys().await?;
        if !records.iter().any(|record| record.state == KeyState::Active) {
            make(store, sealing, algorithm, now).await?;
            records = store.list_keys().await?;
        }
        let mut active = None;
        let mut published = Vec::with_capacity(records.len());
        for record in &records {
            let key = open(record, sealing)?;
            published.push(key.verification_key());
            if record.state == KeyState::Active {
                if key.algorithm() != algorithm {
                    tracing::warn!(
                        active = key.algorithm().name(),
                        asked = algorithm.name(),
                        "the active signing key keeps its algorithm; the setting is for keys that are made anew"
                    );
                }
                active = Some(key);
            }
        }
        let published = KeySet::new(published).map_err(SigningKeysError::NotMade)?;
        Ok(Self { active: active.ok_or(SigningKeysError::NoneActive)?, published })
    }

    /// The key that signs, and all keys whose tokens are still good.
    pub fn into_parts(self) -> (SigningKey, KeySet) {
        (self.active, self.published)
    }
}

/// Makes a key and offers it to the store, which takes it unless another process was first.
async fn make(
    store: &dyn KeyStore,
    sealing: &SealingKey,
    algorithm: Algorithm,
    now: i64,
) -> Result<(), SigningKeysError> {
    let key = SigningKey::generate(algorithm).map_err(SigningKeysError::NotMade)?;
    let kid = key.kid().to_owned();
    let sealed = sealing
        .seal(&key.to_private_bytes(), &kid)
        .map_err(|source| SigningKeysError::Sealing { kid: kid.clone(), source })?;
    let record = SigningKeyRecord {
        kid,
        algorithm: algorithm.name().to_owned(),
        state: KeyState::Active,
        sealed,
        created_at: now,
    };
    if store.insert_if_none_active(&record).await? {
        tracing::info!(event = "signing key made", kid = record.kid, algorithm = record.algorithm);
    }
    Ok(())
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
