//! Where an issuer is found: its URL, its metadata, and what else counts as its own.

use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

use crate::remote::error::RemoteError;

const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// The URL of an issuer, as it stands in `iss`.
#[derive(Clone)]
pub(super) struct Location {
    issuer: String,
    url: Uri,
}

impl Location {
    pub(super) fn new(issuer: &str) -> Result<Self, RemoteError> {
        let url = url(issuer).filter(|url| url.query().is_none()).ok_or(RemoteError::IssuerUrl)?;
        Ok(Self { issuer: issuer.to_owned(), url })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == Some(&Scheme::HTTPS)
    }

    /// Whether what goes there stays on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Where the metadata is: the well-known part comes between host and path (RFC 8414 section 3.1).
    pub(super) fn metadata(&self) -> Option<Uri> {
        let path = self.url.path().trim_end_matches('/');
        let mut parts = self.url.clone().into_parts();
        parts.path_and_query = Some(format!("{WELL_KNOWN}{path}").parse().ok()?);
        Uri::from_parts(parts).ok()
    }

    /// The URL that `text` is, if scheme, host and port are the issuer's.
    pub(super) fn own(&self, text: &str) -> Option<Uri> {
        url(text).filter(|url| origin(url) == origin(&self.url))
    }
}

/// An `http` or `https` URL without user and fragment.
fn url(text: &str) -> Option<Uri> {
    let url: Uri = text.parse().ok()?;
    let is_http = url.scheme() == Some(&Scheme::HTTPS) || url.scheme() == Some(&Scheme::HTTP);
    let has_user = url.authority().is_some_and(|authority| authority.as_str().contains('@'));
    // `Uri` leaves a fragment out without a word.
    (is_http && !has_user && !text.contains('#')).then_some(url)
}

fn origin(url: &Uri) -> (Option<&str>, Option<String>, u16) {
    let by_default = if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    (url.scheme_str(), url.host().map(str::to_ascii_lowercase), url.port_u16().unwrap_or(by_default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_a_url_without_user_query_and_fragment() {
        //
        for good in ["https://a.example", "http://127.0.0.1:8000", "https://a.example/b/", "https://[::1]:1"] {
            assert_eq!(Location::new(good).unwrap().issuer(), good);
        }
        for bad in [
            "",
            "a.example",
            "/a",
            "ftp://a.example",
            "https://",
            "https://u:p@a.example",
            "https://a?b",
            "https://a/#b",
        ] {
            assert_eq!(Location::new(bad).err(), Some(RemoteError::IssuerUrl), "{bad}");
        }
    }

    #[test]
    fn the_metadata_is_where_rfc_8414_says() {
        // RFC 8414 section 3.1
        for (issuer, metadata) in [
            ("https://a.example", "https://a.example/.well-known/oauth-authorization-server"),
            ("https://a.example/", "https://a.example/.well-known/oauth-authorization-server"),
            ("http://a.example:8000/b/c", "http://a.example:8000/.well-known/oauth-authorization-server/b/c"),
            ("https://a.example/b/", "https://a.example/.well-known/oauth-authorization-server/b"),
        ] {
            assert_eq!(Location::new(issuer).unwrap().metadata().unwrap().to_string(), metadata);
        }
    }

    #[test]
    fn only_scheme_host_and_port_of_the_issuer_are_its_own() {
        let location = Location::new("https://a.example/b").unwrap();
        for own in ["https://a.example/keys", "https://A.example:443/keys?v=1"] {
            assert!(location.own(own).is_some(), "{own}");
        }
        for foreign in [
            "http://a.example/keys",
            "https://a.example:8443/keys",
            "https://a.example.evil.test/keys",
            "https://evil.test/keys",
            "https://a.example@evil.test/keys",
            "https://evil.test#@a.example/keys",
            "//a.example/keys",
            "/keys",
            "file:///etc/passwd",
            "",
        ] {
            assert!(location.own(foreign).is_none(), "{foreign}");
        }
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_that_looks_like_it() {
        for near in ["http://127.0.0.1:1", "http://127.9.9.9", "http://localhost", "http://[::1]:1"] {
            assert!(Location::new(near).unwrap().is_loopback(), "{near}");
        }
        for far in ["http://127.0.0.1.evil.test", "http://localhost.evil.test", "http://10.0.0.1", "http://[::2]"] {
            assert!(!Location::new(far).unwrap().is_loopback(), "{far}");
        }
    }
}
