//! Clients at work: who asks, and whether it is who it says.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::client::{Client, ClientId, ClientSecret, FIRST_PARTY, Grant};
use crate::store::{ClientStore, StoreError};

/// The registered clients, and the one that nobody registers.
#[derive(Clone)]
pub struct Clients {
    store: Arc<dyn ClientStore>,
}

/// Why a client is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// There is no such client, it is disabled, or what it shows is not what it should show: the caller cannot tell which.
    #[error("Client authentication failed")]
    Refused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a client is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientChangeError {
    /// Another client has the id.
    #[error("the client id is taken: choose another")]
    IdTaken,
    /// It has no secrets.
    #[error("a public client has no secrets")]
    Public,
    /// It has as many secrets as it can have.
    #[error("the client has two secrets already: remove one first")]
    TwoSecrets,
    /// It would be left without one.
    #[error("it is the last secret of the client: add another first")]
    LastSecret,
    /// None has this id.
    #[error("the client has no such secret")]
    NoSuchSecret,
    /// The store failed, or there was no randomness.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Clients {
    /// Those of this store.
    pub fn new(store: Arc<dyn ClientStore>) -> Self {
        Self { store }
    }

    /// The client that shows this id and secret; whoever shows nothing is the operator's own front end.
    ///
    /// A confidential client shows a secret that is one of its own, a public one shows none (RFC 6749 section 2.3, R-018).
    pub async fn authenticate(&self, shown: Option<(&str, Option<&str>)>) -> Result<Client, ClientError> {
        let (id, secret) = match shown {
            None | Some((FIRST_PARTY, None)) => return Ok(first_party()),
            Some(shown) => shown,
        };
        let id = ClientId::new(id).map_err(|_| refuse("no such client"))?;
        let client = self.store.find_client(&id).await?.ok_or_else(|| refuse("no such client"))?;
        let is_proven = match secret {
            None => client.is_public,
            // All are compared, so that the time does not tell which it was.
            Some(secret) => client.secrets.iter().fold(false, |found, kept| found | kept.is(secret)),
        };
        match (is_proven, client.disabled) {
            (false, _) => Err(refuse("wrong secret, or none")),
            (true, true) => Err(refuse("disabled")),
            (true, false) => Ok(client),
        }
    }

    /// Registers a client; a confidential one gets its first secret, which is returned and shown once.
    pub async fn register(
        &self,
        client: &mut Client,
        now: i64,
    ) -> Result<Option<Zeroizing<String>>, ClientChangeError> {
        let secret = if client.is_public { None } else { Some(generate(now)?) };
        client.secrets = secret.iter().map(|(_, kept)| kept.clone()).collect();
        if !self.store.insert_client(client).await? {
            return Err(ClientChangeError::IdTaken);
        }
        Ok(secret.map(|(text, _)| text))
    }

    /// Gives a client another secret, which is shown once.
    pub async fn add_secret(
        &self,
        client: &Client,
        now: i64,
    ) -> Result<(Zeroizing<String>, ClientSecret), ClientChangeError> {
        if client.is_public {
            return Err(ClientChangeError::Public);
        }
        let (text, secret) = generate(now)?;
        if !self.store.add_secret(&client.id, &secret).await? {
            return Err(ClientChangeError::TwoSecrets);
        }
        Ok((text, secret))
    }

    /// Removes the secret of this id.
    pub async fn remove_secret(&self, client: &Client, id: &str) -> Result<(), ClientChangeError> {
        let secret = client.secrets.iter().find(|secret| secret.id() == id).ok_or(ClientChangeError::NoSuchSecret)?;
        if !self.store.remove_secret(&client.id, &secret.hash).await? {
            return Err(ClientChangeError::LastSecret);
        }
        Ok(())
    }

    /// The store, to administer them.
    pub fn store(&self) -> &dyn ClientStore {
        self.store.as_ref()
    }
}

/// The operator's own front end: it logs users in and refreshes their sessions, within what each user may do.
pub fn first_party() -> Client {
    let grants = [Grant::Password, Grant::RefreshToken].into();
    Client { grants, ..Client::new(ClientId::first_party(), true, 0) }
}

fn generate(now: i64) -> Result<(Zeroizing<String>, ClientSecret), StoreError> {
    let none = || StoreError::Unavailable("the system gives no random bytes for a secret".to_owned());
    ClientSecret::generate(now).ok_or_else(none)
}

fn refuse(cause: &'static str) -> ClientError {
    tracing::info!(event = "client", outcome = "refused", cause);
    ClientError::Refused
}
