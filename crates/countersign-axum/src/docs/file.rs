//! How a file leaves: compressed where that is taken, with entity tags, and with the headers that bind the page.

use std::io::{Read as _, Write as _};
use std::sync::OnceLock;

use axum::body::{Body, Bytes};
use axum::response::Response;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::docs::asset::Asset;
use crate::docs::page::Page;

/// Named by its content: it never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// May be kept, and is asked for again each time.
const ASK_AGAIN: &str = "no-cache";

/// A file as it is served.
pub(crate) struct File {
    content_type: &'static str,
    cache_control: &'static str,
    policy: Option<HeaderValue>,
    hash: String,
    gzip: Bytes,
    /// The content as it was before it was compressed, once somebody asked for it.
    plain: OnceLock<Bytes>,
}

impl File {
    /// A script or a style sheet.
    pub(crate) fn asset(asset: Asset) -> Self {
        Self {
            content_type: asset.content_type,
            cache_control: FOR_EVER,
            policy: None,
            hash: asset.hash.to_owned(),
            gzip: Bytes::from_static(asset.gzip),
            plain: OnceLock::new(),
        }
    }

    /// A page with its policy.
    pub(crate) fn page(page: &Page<'_>) -> Self {
        let policy = HeaderValue::from_str(&page.policy).ok();
        Self { policy, ..Self::fresh("text/html; charset=utf-8", page.html()) }
    }

    /// The OpenAPI document.
    pub(crate) fn document(document: &Value) -> Self {
        Self::fresh("application/json", document.to_string())
    }

    fn fresh(content_type: &'static str, content: String) -> Self {
        let hash = Sha256::digest(&content).as_slice().first_chunk().copied().map(u128::from_be_bytes);
        let hash = format!("{:032x}", hash.unwrap_or_default());
        let plain = Bytes::from(content);
        Self {
            content_type,
            cache_control: ASK_AGAIN,
            policy: None,
            hash,
            gzip: compress(&plain),
            plain: OnceLock::from(plain),
        }
    }

    /// The answer to a request with these headers.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let compressed = takes_gzip(request);
        let tag = self.tag(compressed);
        let known = [self.tag(true), self.tag(false)];
        let fresh = request.get_all(IF_NONE_MATCH).iter().any(|value| matches(value, &known));
        let mut response = Response::new(if fresh { Body::empty() } else { Body::from(self.content(compressed)) });
        if fresh {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (ETAG, tag)));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.extend(self.policy.clone().map(|policy| (CONTENT_SECURITY_POLICY, policy)));
        if !fresh {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
            if compressed {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        response
    }

    /// A strong tag stands for bytes, so the compressed content has its own (RFC 9110 section 8.8.3.3).
    fn tag(&self, compressed: bool) -> String {
        format!("\"{}{}\"", self.hash, if compressed { "-gzip" } else { "" })
    }

    fn content(&self, compressed: bool) -> Bytes {
        if compressed { self.gzip.clone() } else { self.plain.get_or_init(|| decompress(&self.gzip)).clone() }
    }
}

/// Whether one of the tags is in an `If-None-Match`, compared weakly (RFC 9110 section 13.1.2).
fn matches(if_none_match: &HeaderValue, tags: &[String]) -> bool {
    let asked = if_none_match.to_str().unwrap_or_default().split(',').map(str::trim);
    let mut asked = asked.map(|tag| tag.strip_prefix("W/").unwrap_or(tag));
    asked.any(|tag| tag == "*" || tags.iter().any(|known| known == tag))
}

/// Whether `Accept-Encoding` names gzip, or everything, with a weight above zero (RFC 9110 section 12.5.3).
fn takes_gzip(request: &HeaderMap) -> bool {
    let weight_of = |coding: &str| {
        let values = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).find_map(|choice| {
            let (name, weight) = choice.split_once(';').unwrap_or((choice, ""));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            name.trim().eq_ignore_ascii_case(coding).then(|| weight.parse::<f32>().unwrap_or(0.0))
        })
    };
    weight_of("gzip").or_else(|| weight_of("*")).is_some_and(|weight| weight > 0.0)
}

/// Writing to memory and reading what was so written cannot fail; an empty file would be the sign of it.
fn compress(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}

fn decompress(gzip: &[u8]) -> Bytes {
    let mut plain = Vec::new();
    let read = GzDecoder::new(gzip).read_to_end(&mut plain);
    read.map(|_| plain).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_to_who_takes_it() {
        for (accepted, taken) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("gzip; q=0.000", false),
            ("br, deflate", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(takes_gzip(&headers), taken, "{accepted:?}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
