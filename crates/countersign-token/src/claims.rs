//! Claims (under construction).

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::scope::ScopeSet;

/// What a verified token says. Only a verifier makes them.
#[derive(Clone, Debug)]
pub struct Claims {
    scope: ScopeSet,
}

/// The claims do not have the form that the caller's type asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claims do not fit the type they are read into: {0}")]
pub struct ClaimsError(String);

#[allow(missing_docs, unused_variables)]
impl Claims {
    pub fn subject(&self) -> &str {
        ""
    }
    pub fn scope(&self) -> &ScopeSet {
        &self.scope
    }
    pub fn issuer(&self) -> Option<&str> {
        None
    }
    pub fn client_id(&self) -> Option<&str> {
        None
    }
    pub fn token_id(&self) -> Option<&str> {
        None
    }
    pub fn session_id(&self) -> Option<&str> {
        None
    }
    pub fn issued_at(&self) -> Option<i64> {
        None
    }
    pub fn expires_at(&self) -> i64 {
        0
    }
    pub fn get(&self, name: &str) -> Option<&Value> {
        None
    }
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ClaimsError> {
        Err(ClaimsError("not yet".to_owned()))
    }
}
