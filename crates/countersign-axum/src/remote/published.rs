//! What an issuer publishes about itself: the metadata (RFC 8414), and by it the keys (RFC 7517).

use std::time::Duration;

use countersign_token::{KeyError, KeySet};
use serde_json::Value;

use crate::remote::client::Client;
use crate::remote::error::FetchError;
use crate::remote::location::Location;

const METADATA_LIMIT: usize = 64 * 1024;
const JWKS_LIMIT: usize = 256 * 1024;

/// How long keys are taken for fresh when the answer does not say.
const USUAL_AGE_S: u64 = 5 * 60;
const SHORTEST_AGE_S: u64 = 10;
const LONGEST_AGE_S: u64 = 60 * 60;

/// The keys of an issuer, and when to look again.
pub(super) struct Published {
    pub(super) keys: KeySet,
    pub(super) fresh_for: Duration,
}

impl Published {
    /// Asks for the metadata each time, so that keys which have moved are found.
    pub(super) async fn fetch(client: &Client, location: &Location) -> Result<Self, FetchError> {
        let metadata = client.get(location.metadata().ok_or(FetchError::Metadata)?, METADATA_LIMIT).await?;
        let metadata: Value = serde_json::from_slice(&metadata.body).map_err(|_| FetchError::Metadata)?;
        let text = |name| metadata.get(name).and_then(Value::as_str);
        // RFC 8414 section 3.3
        if text("issuer") != Some(location.issuer()) {
            return Err(FetchError::OtherIssuer);
        }
        let jwks_uri = text("jwks_uri").and_then(|uri| location.own(uri)).ok_or(FetchError::JwksUri)?;
        let jwks = client.get(jwks_uri, JWKS_LIMIT).await?;
        let keys = KeySet::from_jwks(std::str::from_utf8(&jwks.body).map_err(|_| KeyError::JwkSet)?)?;
        if keys.keys().iter().any(|key| key.algorithm().is_symmetric()) {
            return Err(FetchError::Secret);
        }
        Ok(Self { keys, fresh_for: fresh_for(jwks.max_age_s) })
    }
}

fn fresh_for(max_age_s: Option<u64>) -> Duration {
    Duration::from_secs(max_age_s.unwrap_or(USUAL_AGE_S).clamp(SHORTEST_AGE_S, LONGEST_AGE_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fresh_as_long_as_the_answer_says_within_ten_seconds_and_an_hour() {
        for (max_age_s, seconds) in [(None, 300), (Some(0), 10), (Some(60), 60), (Some(u64::MAX), 3600)] {
            assert_eq!(fresh_for(max_age_s), Duration::from_secs(seconds));
        }
    }
}
