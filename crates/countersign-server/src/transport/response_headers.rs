//! The headers that every answer carries unless it brings its own.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, Entry, PRAGMA, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A year; subdomains are not ours to speak for.
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NOTHING_LOADS: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

const MOST_ADDED: usize = 8;

/// Adds what is missing. `is_https`: callers reach this server over TLS only.
pub(crate) fn complete(headers: &mut HeaderMap, is_https: bool) {
    // Once for all, and for the two that the site adds.
    headers.reserve(MOST_ADDED);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    // Most answers are about somebody (ASVS 14.3.2); what may be kept says so itself.
    default(headers, CACHE_CONTROL, NO_STORE);
    if headers.get(CACHE_CONTROL) == Some(&NO_STORE) {
        // For caches that know no better (RFC 6749 section 5.1).
        headers.insert(PRAGMA, NO_CACHE);
    }
    default(headers, REFERRER_POLICY, NO_REFERRER);
    default(headers, CONTENT_SECURITY_POLICY, NOTHING_LOADS);
    default(headers, CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
    if is_page(headers) {
        default(headers, CROSS_ORIGIN_OPENER_POLICY, SAME_ORIGIN);
    }
    if is_https {
        default(headers, STRICT_TRANSPORT_SECURITY, A_YEAR);
    }
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if let Entry::Vacant(vacant) = headers.entry(name) {
        vacant.insert(value);
    }
}

/// An opener matters to documents alone.
fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(own: &[(HeaderName, &'static str)], is_https: bool) -> HeaderMap {
        let mut headers: HeaderMap =
            own.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        complete(&mut headers, is_https);
        headers
    }

    //
    #[test]
    fn an_answer_of_the_api_loads_nothing_and_is_framed_nowhere() {
        let headers = completed(&[(CONTENT_TYPE, "application/json")], false);
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[PRAGMA], "no-cache");
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(headers[CROSS_ORIGIN_RESOURCE_POLICY], "same-origin");
        assert!(!headers.contains_key(CROSS_ORIGIN_OPENER_POLICY));
    }

    #[test]
    fn a_page_keeps_the_policy_that_it_brings() {
        let own = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, "default-src 'self'")];
        let headers = completed(&own, false);
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "default-src 'self'");
        assert_eq!(headers[CROSS_ORIGIN_OPENER_POLICY], "same-origin");
    }

    #[test]
    fn only_an_https_issuer_promises_https() {
        assert!(!completed(&[], false).contains_key(STRICT_TRANSPORT_SECURITY));
        assert_eq!(completed(&[], true)[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    }
}
