//! A GET that trusts little: limits on size, no redirects, no proxy.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, ETAG, IF_NONE_MATCH, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::remote::error::{FetchError, RemoteError};

const AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

pub(super) struct Client(legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

/// The body of an answer with status 200, and how long it may be kept.
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// `max-age` of `Cache-Control`, in seconds.
    pub(super) max_age_s: Option<u64>,
    pub(super) etag: Option<HeaderValue>,
}

/// What is asked for, and what is there of it already.
pub(super) struct Ask<'a> {
    pub(super) accept: &'static str,
    /// The entity tag of what is there.
    pub(super) unless: Option<&'a HeaderValue>,
    /// The most bytes of the body.
    pub(super) limit: usize,
}

impl Client {
    /// A client that trusts the certificates of the machine; one that is for plain HTTP needs none. It keeps so many connections for
    /// the next time.
    pub(super) fn new(is_https: bool, kept: usize) -> Result<Self, RemoteError> {
        let roots = if is_https { trusted()? } else { RootCertStore::empty() };
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| RemoteError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
        let connector = if is_https { connector.https_only() } else { connector.https_or_http() };
        let connector = connector.enable_http1().build();
        Ok(Self(legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(kept).build(connector)))
    }

    /// Fetches JSON of at most `limit` bytes. The time is limited by the caller.
    pub(super) async fn get(&self, url: Uri, limit: usize) -> Result<Answer, FetchError> {
        let ask = Ask { accept: "application/json", unless: None, limit };
        self.get_if_changed(url, ask).await?.ok_or(FetchError::Status(StatusCode::NOT_MODIFIED))
    }

    /// Fetches what has changed; `None` when it has not. The time is limited by the caller.
    pub(super) async fn get_if_changed(&self, url: Uri, ask: Ask<'_>) -> Result<Option<Answer>, FetchError> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = url;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(ask.accept));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        // A cache on the way may not answer by itself.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(etag) = ask.unless {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        let (mut head, body) = self.0.request(request).await.map_err(FetchError::Connection)?.into_parts();
        match head.status {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if ask.unless.is_some() => return Ok(None),
            status => return Err(FetchError::Status(status)),
        }
        let body = Limited::new(body, ask.limit).collect().await.map_err(|_| FetchError::Body(ask.limit))?;
        let (max_age_s, etag) = (max_age_s(&head.headers), head.headers.remove(ETAG));
        Ok(Some(Answer { body: body.to_bytes(), max_age_s, etag }))
    }
}

fn trusted() -> Result<RootCertStore, RemoteError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(RemoteError::NoCertificates) } else { Ok(roots) }
}

/// The directive `max-age` (RFC 9111 section 5.2.2.1); the first one, where it stands twice.
fn max_age_s(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let is_max_age = name.trim().eq_ignore_ascii_case("max-age");
        is_max_age.then(|| value.trim().trim_matches('"').parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_max_age_is_found_among_other_directives() {
        for (line, found) in [
            ("max-age=300", Some(300)),
            ("public, Max-Age=60", Some(60)),
            ("public, max-age=\"7\" , immutable", Some(7)),
            ("s-maxage=5", None),
            ("max-age", None),
            ("max-age=-1", None),
            ("max-age=soon", None),
            ("no-store", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, line.parse().unwrap())]);
            assert_eq!(max_age_s(&headers), found, "{line}");
        }
        assert_eq!(max_age_s(&HeaderMap::new()), None);
    }
}
