//! The issuer (under construction).

use serde_json::{Map, Value};

use crate::key::SigningKey;
use crate::scope::ScopeSet;

/// Makes tokens; holds one signing key.
#[derive(Debug)]
pub struct Issuer {
    key: SigningKey,
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// Under construction.
    #[error("not yet")]
    Unfinished,
}

/// What a new token shall say.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NewToken {
    pub subject: String,
    pub client_id: String,
    pub audience: Vec<String>,
    pub scope: ScopeSet,
    pub lifetime_s: i64,
    pub session_id: Option<String>,
    pub extra: Map<String, Value>,
}

#[allow(missing_docs)]
impl NewToken {
    pub fn for_subject(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            client_id: String::new(),
            audience: Vec::new(),
            scope: ScopeSet::default(),
            lifetime_s: 1800,
            session_id: None,
            extra: Map::new(),
        }
    }
    #[must_use]
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = client_id.into();
        self
    }
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience.push(audience.into());
        self
    }
    #[must_use]
    pub fn scope(mut self, scope: ScopeSet) -> Self {
        self.scope = scope;
        self
    }
    #[must_use]
    pub fn lifetime_s(mut self, lifetime_s: i64) -> Self {
        self.lifetime_s = lifetime_s;
        self
    }
    #[must_use]
    pub fn session_id(mut self, session_id: impl Into<String>) -> Self {
        self.session_id = Some(session_id.into());
        self
    }
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

/// A token and what its maker wants to remember of it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct IssuedToken {
    pub token: String,
    pub id: String,
    pub expires_at: i64,
}

#[allow(missing_docs, unused_variables)]
impl Issuer {
    pub fn new(issuer: &str, key: SigningKey) -> Self {
        Self { key }
    }
    pub fn plain(key: SigningKey) -> Self {
        Self { key }
    }
    pub fn key(&self) -> &SigningKey {
        &self.key
    }
    pub fn issue(&self, token: &NewToken, now: i64) -> Result<IssuedToken, IssueError> {
        Err(IssueError::Unfinished)
    }
}
