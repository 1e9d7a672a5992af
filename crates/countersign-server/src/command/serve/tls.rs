//! The certificate of a server that speaks TLS itself.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::Signal;

use crate::failure::Failure;
use crate::settings::Settings;
use crate::transport::Certificate;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// That of the settings, if there is one.
pub(super) fn certificate(settings: &Settings) -> Result<Option<Certificate>, Failure> {
    let (Some(certificate), Some(key)) = (&settings.tls_certificate, &settings.tls_key) else { return Ok(None) };
    let loaded = Certificate::load(certificate, key);
    let loaded = loaded.map_err(|error| Failure::usage(format!("tls-certificate, tls-key: {error}")))?;
    warn_of_loose_key(key);
    Ok(Some(loaded))
}

/// Other programs' keys may be for a group of them: it is for the operator to say who that is.
fn warn_of_loose_key(key: &Path) {
    let mode = fs::metadata(key).map(|metadata| metadata.mode() & 0o777).unwrap_or_default();
    if mode & 0o077 != 0 {
        tracing::warn!("the key {} has mode {mode:03o}, which lets other users in: chmod 600", key.display());
    }
}

/// Reads it anew when its files change, or when this signal says so.
pub(super) fn kept_fresh(certificate: Certificate, mut asked: Signal) -> Certificate {
    let kept = certificate.clone();
    tokio::spawn(async move {
        loop {
            let is_asked = tokio::select! {
                _ = asked.recv() => true,
                () = tokio::time::sleep(INTERVAL) => false,
            };
            if is_asked || kept.has_changed() {
                match kept.reload() {
                    Ok(()) => tracing::info!("the certificate was read anew"),
                    Err(error) => {
                        tracing::error!(%error, "the certificate was not read anew, the one before stays in use");
                    }
                }
            }
        }
    });
    certificate
}
