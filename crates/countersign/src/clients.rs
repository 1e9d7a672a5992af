//! Clients at work: who asks, and whether it is who it says.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use countersign_token::{ClientAssertion, VerifyError};
use zeroize::Zeroizing;

use crate::client::{Client, ClientChange, ClientId, ClientKeys, ClientSecret, FIRST_PARTY, Grant};
use crate::store::{ClientStore, StoreError};
use crate::throttles::{Attempted, Guess, ThrottleError, Throttled, Throttles, Whence, Whose};

/// The registered clients, and the one that nobody registers.
#[derive(Clone)]
pub struct Clients {
    store: Arc<dyn ClientStore>,
    /// Nothing is counted without them.
    throttles: Option<Throttles>,
}

/// What a request shows of a client.
#[derive(Clone, Copy)]
pub struct Shown<'r> {
    /// Who it says it is.
    pub id: &'r str,
    /// What it shows for that.
    pub proof: Proof<'r>,
    /// Where the request comes from.
    pub whence: &'r Whence,
}

/// How a client proves who it is.
#[derive(Clone, Copy)]
pub enum Proof<'r> {
    /// Not at all: it is public.
    None,
    /// By a secret.
    Secret(&'r str),
    /// By a signature (RFC 7523): a [`ClientAssertion`].
    Assertion(&'r str),
}

/// Expired assertions that are forgotten in one step: others who write wait for it.
const PURGED_AT_ONCE: usize = 500;
/// More of an id that nobody has tells nobody anything.
const LONGEST_CLAIMED: usize = 64;

/// Why a client is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// There is no such client, it is disabled, or what it shows is not what it should show: the caller cannot tell which.
    #[error("Client authentication failed")]
    Refused,
    /// There were too many wrong secrets.
    #[error(transparent)]
    Throttled(Throttled),
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
    /// It can keep no secret.
    #[error("a public client has neither secrets nor keys")]
    Public,
    /// It cannot prove that it is the client that asks for itself (RFC 6749 section 4.4).
    #[error(
        "a public client gets no tokens of its own: leave out the grant client_credentials, or register one that is not public"
    )]
    PublicGrant,
    /// It has as many secrets as it can have.
    #[error("the client has two secrets already: remove one first")]
    TwoSecrets,
    /// It would be left without anything to prove itself by.
    #[error("it is the last secret of the client, which has no key: add another first")]
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
        Self { store, throttles: None }
    }

    /// The same clients, whose wrong secrets are counted.
    #[must_use]
    pub fn throttled(self, throttles: Throttles) -> Self {
        Self { throttles: Some(throttles), ..self }
    }

    /// The client that shows this; whoever shows nothing is the operator's own front end.
    ///
    /// A confidential client shows a secret that is one of its own, or an assertion for this issuer that one of its keys has signed and
    /// that was not used before `now`; a public one shows neither (RFC 6749 section 2.3, RFC 7523 section 3, R-018, R-093).
    pub async fn authenticate(&self, shown: Option<Shown<'_>>, issuer: &str, now: i64) -> Result<Client, ClientError> {
        let shown = match shown {
            None | Some(Shown { id: FIRST_PARTY, proof: Proof::None, .. }) => return Ok(first_party()),
            Some(shown) => shown,
        };
        let refuse = |cause: &'static str| refuse(shown.id, &cause);
        let found = match ClientId::new(shown.id) {
            Ok(id) => self.store.find_client(&id).await?,
            Err(_) => None,
        };
        if let Proof::Secret(secret) = shown.proof {
            self.check_secret(found.as_ref(), secret, shown).await?;
        }
        let client = found.ok_or_else(|| refuse("no such client"))?;
        let assertion = match shown.proof {
            Proof::None if client.is_public => None,
            Proof::None => return Err(refuse("it shows nothing")),
            Proof::Secret(_) => None,
            Proof::Assertion(text) => Some(verify(&client, text, issuer, now)?),
        };
        if client.disabled {
            return Err(refuse("disabled"));
        }
        if let Some(assertion) = assertion {
            let hash = digest(&SHA256, assertion.id().as_bytes()).as_ref().try_into().unwrap_or_default();
            if !self.store.use_assertion(&client.id, &hash, assertion.expires_at(), now).await? {
                return Err(refuse("the assertion was used before"));
            }
        }
        Ok(client)
    }

    /// Wrong secrets are counted, also those of clients that there are not. Right ones are not: a client may prove itself for each
    /// of its requests.
    async fn check_secret(&self, client: Option<&Client>, secret: &str, shown: Shown<'_>) -> Result<(), ClientError> {
        let whose = client.map_or(Whose::NoClient(shown.id), |client| Whose::Client(client.id.as_str()));
        let guess = Guess { attempted: Attempted::Client, whose, whence: shown.whence };
        let look = match &self.throttles {
            Some(throttles) => Some(throttles.look(guess).await?),
            None => None,
        };
        // All are compared, so that the time does not tell which it was.
        let secrets = client.map_or(&[][..], |client| &client.secrets);
        let is_right = secrets.iter().fold(false, |found, kept| found | kept.is(secret));
        match look {
            Some(look) if is_right => look.right().await,
            Some(look) => look.wrong().await?,
            None => {}
        }
        let cause = if client.is_some() { "wrong secret" } else { "no such client" };
        if is_right { Ok(()) } else { Err(refuse(shown.id, &cause)) }
    }

    /// Forgets the assertions that have expired, in steps.
    pub async fn purge(&self, now: i64) -> Result<(), StoreError> {
        while self.store.purge_assertions(now, PURGED_AT_ONCE).await? == PURGED_AT_ONCE {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Registers a client. A confidential one without keys gets its first secret, which is returned and shown once.
    pub async fn register(
        &self,
        client: &mut Client,
        now: i64,
    ) -> Result<Option<Zeroizing<String>>, ClientChangeError> {
        check_keys(client, &client.keys)?;
        check_grants(client, &client.grants)?;
        let is_in_need = !client.is_public && client.keys.is_empty();
        let secret = if is_in_need { Some(generate(now)?) } else { None };
        client.secrets = secret.iter().map(|(_, kept)| kept.clone()).collect();
        if !self.store.insert_client(client).await? {
            return Err(ClientChangeError::IdTaken);
        }
        Ok(secret.map(|(text, _)| text))
    }

    /// Changes a client and returns the new state; `None` if it is gone.
    pub async fn change(&self, client: &Client, change: &ClientChange) -> Result<Option<Client>, ClientChangeError> {
        if let Some(keys) = &change.keys {
            check_keys(client, keys)?;
        }
        if let Some(grants) = &change.grants {
            check_grants(client, grants)?;
        }
        Ok(self.store.update_client(&client.id, change).await?)
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

/// A public client is one that nobody need prove to be.
fn check_keys(client: &Client, keys: &ClientKeys) -> Result<(), ClientChangeError> {
    if client.is_public && !keys.is_empty() { Err(ClientChangeError::Public) } else { Ok(()) }
}

/// What a public client asks for itself anybody could ask for.
fn check_grants(client: &Client, grants: &BTreeSet<Grant>) -> Result<(), ClientChangeError> {
    let is_for_itself = grants.contains(&Grant::ClientCredentials);
    if client.is_public && is_for_itself { Err(ClientChangeError::PublicGrant) } else { Ok(()) }
}

fn verify(client: &Client, assertion: &str, issuer: &str, now: i64) -> Result<ClientAssertion, ClientError> {
    let keys = client.keys.set().ok_or(VerifyError::UnknownKey);
    let verified = keys.and_then(|keys| ClientAssertion::verify(assertion, (client.id.as_str(), issuer), keys, now));
    verified.map_err(|error| refuse(client.id.as_str(), &error))
}

/// Callers learn one text for all causes; the log has the cause, and who they said they were.
pub(crate) fn refuse(claimed: &str, cause: &dyn fmt::Display) -> ClientError {
    let claimed: String = claimed.chars().take(LONGEST_CLAIMED).collect();
    tracing::info!(event = "client", outcome = "refused", %cause, ?claimed);
    ClientError::Refused
}

impl From<ThrottleError> for ClientError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::Throttled(throttled) => Self::Throttled(throttled),
            ThrottleError::Store(error) => Self::Store(error),
        }
    }
}
