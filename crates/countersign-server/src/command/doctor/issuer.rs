//! Whether the issuer's URL leads to a server of this installation, as whoever checks its tokens would find it.

use std::time::Duration;

use axum::http::Uri;
use countersign::store::{KeyState, SigningKeyRecord};
use serde_json::Value;

use crate::command::doctor::finding::Findings;
use crate::outbound::Outbound;
use crate::settings::Settings;

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 256 << 10;
const WHAT: &str = "issuer";
/// How rustls begins what it says of a certificate that it refuses.
const BAD_CERTIFICATE: &str = "invalid peer certificate";
const TRUSTED_CERTIFICATE: &str = "whoever checks tokens refuses that certificate as well: show one that is good now, for the host of the issuer, \
     from an authority that this machine trusts (SSL_CERT_FILE names another), and not that of an authority itself";

pub(super) async fn check(settings: &Settings, keys: &[SigningKeyRecord], findings: &mut Findings) {
    let issuer = settings.issuer_at(settings.listen);
    if settings.is_plain_and_remote(settings.listen) {
        let found = format!("{issuer} is not https: passwords and tokens travel unencrypted");
        findings.warn(
            WHAT,
            found,
            "give --tls-certificate and --tls-key, or put a TLS proxy in front and give --issuer its https URL",
        );
    }
    match ask(&issuer, keys).await {
        Ok(found) => findings.good(WHAT, found),
        Err((found, remedy)) => findings.wrong(WHAT, found, remedy),
    }
}

type Wrong = (String, &'static str);

async fn ask(issuer: &str, keys: &[SigningKeyRecord]) -> Result<String, Wrong> {
    let client = Outbound::new().map_err(|error| (error, "install the certificates of the usual authorities"))?;
    let url = metadata_of(issuer)
        .ok_or_else(|| (format!("{issuer} is no URL"), "give --issuer the URL by which callers reach the server"))?;
    let metadata = get(&client, &url).await?;
    let text = |name: &str| metadata.get(name).and_then(Value::as_str);
    if text("issuer") != Some(issuer) {
        let found = format!("{url} tells of the issuer {:?}, and not of {issuer}", text("issuer").unwrap_or_default());
        return Err((found, "give --issuer the URL by which callers reach the server, the same on every node"));
    }
    let jwks = text("jwks_uri").unwrap_or_default();
    let published = get(&client, jwks).await?;
    let published = published.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
    let has = |kid: &str| published.iter().any(|key| key.get("kid").and_then(Value::as_str) == Some(kid));
    let active = keys.iter().find(|key| key.state == KeyState::Active);
    match active {
        Some(key) if !has(&key.kid) => Err((
            format!("{jwks} does not publish {}, which signs here", key.kid),
            "another server answers there, or a cache on the way keeps the keys for too long",
        )),
        _ => Ok(format!("{issuer} answers, and publishes the keys of this database")),
    }
}

/// The URL of the metadata (RFC 8414 section 3.1): the path of the issuer comes behind.
fn metadata_of(issuer: &str) -> Option<String> {
    let uri: Uri = issuer.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let path = uri.path().trim_end_matches('/');
    Some(format!("{scheme}://{authority}/.well-known/oauth-authorization-server{path}"))
}

async fn get(client: &Outbound, url: &str) -> Result<Value, Wrong> {
    let answer = tokio::time::timeout(DEADLINE, client.get(url, &[], MOST_BYTES)).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("there is no answer within {} s", DEADLINE.as_secs())));
    let remedy =
        "start the server, and see that the proxy in front of it passes this path on; before the start, say --offline";
    let text = answer.map_err(|error| {
        let remedy = if error.contains(BAD_CERTIFICATE) { TRUSTED_CERTIFICATE } else { remedy };
        (format!("{url}: {error}"), remedy)
    })?;
    serde_json::from_str(&text).map_err(|_| (format!("{url}: the answer is not JSON"), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_issuer_comes_behind_the_well_known_one() {
        for (issuer, url) in [
            ("https://a.example", "https://a.example/.well-known/oauth-authorization-server"),
            ("https://a.example/", "https://a.example/.well-known/oauth-authorization-server"),
            ("http://[::1]:8000/auth", "http://[::1]:8000/.well-known/oauth-authorization-server/auth"),
        ] {
            assert_eq!(metadata_of(issuer).as_deref(), Some(url));
        }
        assert_eq!(metadata_of("nonsense"), None);
    }
}
