//! The documentation pages: what is served, under which headers, and that nothing of it is elsewhere.
#![cfg(feature = "docs")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

mod common;

use std::io::Read as _;

use axum::Router;
use axum::body::Body;
use common::{Answer, send};
use countersign_axum::docs;
use flate2::read::GzDecoder;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

fn document() -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": "Items & <more>", "version": "1" }, "paths": {} })
}

async fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let router: Router = docs::router(&document()).expect("a document");
    send(router, request.body(Body::empty()).expect("a request")).await
}

async fn see(path: &str) -> Answer {
    let answer = ask(Method::GET, path, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer
}

/// The values of an attribute in a page.
fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let open = format!("{name}=\"");
    page.match_indices(&open).map(|(at, _)| page[at + open.len()..].split('"').next().expect("closed")).collect()
}

/// The assets of a page, as they are seen from `/`.
async fn assets(path: &str, base: &str) -> Vec<String> {
    let page = see(path).await;
    let addresses = [attributes(page.text(), "src"), attributes(page.text(), "href")].concat();
    addresses.into_iter().filter(|address| *address != "data:,").map(|address| format!("{base}{address}")).collect()
}

#[tokio::test]
async fn the_pages_bind_themselves() {
    //
    for (path, title) in [
        ("/docs", "Items &amp; &lt;more&gt; - Swagger UI"),
        ("/redoc", "Items &amp; &lt;more&gt; - ReDoc"),
        ("/docs/oauth2-redirect", "Swagger UI: OAuth2 Redirect"),
    ] {
        let page = see(path).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-cache");
        let policy = page.header("content-security-policy");
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.split("; ").any(|it| it == directive), "{path}: {directive} is not in {policy}");
        }
        assert!(!policy.contains("unsafe-eval"), "{policy}");
        assert!(page.text().contains(&format!("<title>{title}</title>")), "{}", page.text());
        // Scripts and styles are files of their own.
        assert!(!page.text().contains("<style") && !page.text().contains("<script>"), "{}", page.text());
    }
}

#[tokio::test]
async fn all_addresses_are_relative_and_served() {
    for (path, base, count) in [("/docs", "/", 4), ("/redoc", "/", 3), ("/docs/oauth2-redirect", "/docs/", 1)] {
        let assets = assets(path, base).await;
        assert_eq!(assets.len(), count, "{assets:?}");
        for asset in assets {
            assert!(!asset.contains("://") && !asset.contains("//") && !asset.contains(".."), "{asset}");
            let answer = see(&asset).await;
            let expected = if asset.contains(".css") { "text/css" } else { "text/javascript" };
            assert_eq!(answer.header("content-type"), format!("{expected}; charset=utf-8"));
            assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(!answer.body.is_empty());
        }
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is() {
    let answer = see("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), document());
}

#[tokio::test]
async fn gzip_and_plain_are_the_same_bytes_under_two_tags() {
    for path in ["/docs", "/redoc", "/openapi.json", assets("/docs", "/").await[0].as_str()] {
        let plain = see(path).await;
        let gzip = ask(Method::GET, path, &[("accept-encoding", "br, gzip")]).await;
        assert_eq!(gzip.header("content-encoding"), "gzip");
        assert!(!plain.headers.contains_key("content-encoding"));
        assert_eq!([plain.header("vary"), gzip.header("vary")], ["accept-encoding"; 2]);
        assert_ne!(plain.header("etag"), gzip.header("etag"));
        let mut unpacked = Vec::new();
        GzDecoder::new(gzip.body.as_slice()).read_to_end(&mut unpacked).expect("gzip");
        assert!(unpacked == plain.body, "{path}");
    }
}

#[tokio::test]
async fn who_has_it_already_is_told_so() {
    for path in ["/docs", "/openapi.json", assets("/redoc", "/").await[0].as_str()] {
        let tag = see(path).await.header("etag").to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let answer = ask(Method::GET, path, &[("if-none-match", &known)]).await;
            assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(answer.header("etag"), tag);
            assert!(answer.body.is_empty());
        }
        let answer = ask(Method::GET, path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn head_is_answered_and_nothing_else() {
    for path in ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"] {
        let head = ask(Method::HEAD, path, &[]).await;
        let get = see(path).await;
        assert_eq!(head.status, StatusCode::OK);
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-length"), get.body.len().to_string());
        assert_eq!(head.header("content-type"), get.header("content-type"));
        let post = ask(Method::POST, path, &[]).await;
        assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(post.header("allow"), "GET,HEAD");
    }
}

#[tokio::test]
async fn the_query_of_a_page_changes_nothing() {
    // S-036
    let page = see("/docs?url=https://evil.example/openapi.json&configUrl=https://evil.example/c.json").await;
    assert_eq!(page.text(), see("/docs").await.text());
    for asset in assets("/docs", "/").await {
        let script = see(&asset).await;
        if asset.contains("swagger-init") {
            assert!(script.text().contains("queryConfigEnabled: false"));
            assert!(script.text().contains("persistAuthorization: false"));
            assert!(script.text().contains("validatorUrl: null"));
            assert!(script.text().contains("layout: \"BaseLayout\""));
        }
    }
}

#[tokio::test]
async fn redoc_asks_no_other_host_for_its_logo() {
    for asset in assets("/redoc", "/").await {
        assert!(!see(&asset).await.text().contains("cdn.redoc.ly"), "{asset}");
    }
}

#[tokio::test]
async fn the_pages_work_below_a_prefix() {
    let router: Router = Router::new().nest("/api/v1", docs::router(&document()).expect("a document"));
    for path in ["/api/v1/docs", "/api/v1/redoc", "/api/v1/openapi.json"] {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        assert_eq!(send(router.clone(), request).await.status, StatusCode::OK, "{path}");
    }
}
