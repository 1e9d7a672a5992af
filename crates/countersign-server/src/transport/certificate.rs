//! The certificate of the server and its key, read from two files, and read anew when they change: connections that are there stay.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error as TlsError, ServerConfig};

/// What is spoken inside, the best first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What is wrong with the files; one line that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {reason}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no certificate.
    #[error("there is no certificate in {path}: write the chain as PEM, the server's own certificate first", path = path.display())]
    NoCertificate {
        /// Which file.
        path: PathBuf,
    },
    /// There is no key.
    #[error("there is no private key in {path}: write it as PEM, without a passphrase", path = path.display())]
    NoKey {
        /// Which file.
        path: PathBuf,
    },
    /// They do not belong together, or are of a kind that is not spoken.
    #[error("{certificate} and {key} cannot be used together: {reason}", certificate = certificate.display(), key = key.display())]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A certificate in use. Clones share it, and see it change.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
    /// How the files were when they were read last.
    stamps: Mutex<[Stamp; 2]>,
}

/// By what a change of a file is seen; `None` for one that is not there.
type Stamp = Option<(u64, u64, u64, SystemTime)>;

impl Certificate {
    /// Reads both files.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        // Before they are read: a change in between is seen then.
        let stamps = [stamp(certificate), stamp(key)];
        let current = RwLock::new(Arc::new(read(certificate, key)?));
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self(Arc::new(Inner { certificate, key, current, stamps: Mutex::new(stamps) })))
    }

    /// Reads the files anew. If they are no good, what was in use stays so.
    pub fn reload(&self) -> Result<(), CertificateError> {
        let inner = &*self.0;
        let stamps = [stamp(&inner.certificate), stamp(&inner.key)];
        *inner.stamps.lock().unwrap_or_else(PoisonError::into_inner) = stamps;
        let config = Arc::new(read(&inner.certificate, &inner.key)?);
        *inner.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Whether the files are others than those that were read last.
    pub fn has_changed(&self) -> bool {
        let stamps = [stamp(&self.0.certificate), stamp(&self.0.key)];
        *self.0.stamps.lock().unwrap_or_else(PoisonError::into_inner) != stamps
    }

    /// What new connections begin with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.len(), metadata.modified().ok()?))
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, CertificateError> {
    let chain = contents(certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain).collect::<Result<_, _>>().unwrap_or_default();
    if chain.is_empty() {
        return Err(CertificateError::NoCertificate { path: certificate.to_owned() });
    }
    let secret = zeroize::Zeroizing::new(contents(key)?);
    let secret = PrivateKeyDer::from_pem_slice(&secret);
    let secret = secret.map_err(|_: PemError| CertificateError::NoKey { path: key.to_owned() })?;
    let unusable = |error: TlsError| CertificateError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        reason: match error {
            TlsError::InconsistentKeys(_) => "the key is not that of the first certificate".to_owned(),
            other => other.to_string(),
        },
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(unusable)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn contents(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|error| CertificateError::Unreadable { path: path.to_owned(), reason: error.to_string() })
}
