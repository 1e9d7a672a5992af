//! The pages in a real browser: somebody logs in on `/docs`, runs a guarded route, and nothing leaves the house.
//!
//! Needs `chromium` and `chromedriver` (Debian's packages of these names); `script/test` installs them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod browser;
mod recorder;
#[path = "../support/mod.rs"]
mod support;

use serde_json::Value;

use crate::browser::Browser;
use crate::recorder::{FRONT_END, Recorder};
use crate::support::{PASSWORD, Place};

const USERNAME: &str = "johndoe";

#[tokio::test]
async fn one_logs_in_on_the_docs_page_and_then_only_the_token_travels() {
    let place = Place::new();
    place.add_user(&[USERNAME, "--scope", "users:read"]).good();
    let server = place.serve(&[]);
    let address = server.address.to_string();
    let recorder = Recorder::start(&address).await;
    let browser = Browser::start(&recorder).await;

    browser.open(&format!("http://{address}/docs")).await;
    browser.screenshot("docs").await;
    log_in(&browser).await;
    let login = recorder.seen();
    let me = run(&browser, "/users/me").await;
    browser.screenshot("docs-answered").await;

    assert_eq!(me["username"], USERNAME);
    let token_requests: Vec<_> = login.iter().filter(|seen| seen.path == "/token").collect();
    assert_eq!(token_requests.len(), 1, "{login:#?}");
    assert!(token_requests[0].body.contains(PASSWORD));
    assert!(token_requests[0].body.contains("scope=users%3Aread"), "{}", token_requests[0].body);
    // After Authorize only the token travels.
    let afterwards = &recorder.seen()[login.len()..];
    let guarded: Vec<_> = afterwards.iter().filter(|seen| seen.path == "/users/me").collect();
    assert_eq!(guarded.len(), 1, "{afterwards:#?}");
    assert!(guarded[0].authorization.starts_with("Bearer ey"), "{:?}", guarded[0]);
    assert!(!afterwards.iter().any(|seen| seen.mentions(PASSWORD)), "{afterwards:#?}");
    let listed = run(&browser, "/users").await;
    assert_eq!(listed["users"][0]["username"], USERNAME);
    nothing_left_the_house(&browser, &address).await;
    browser.close().await;
}

#[tokio::test]
async fn the_check_boxes_are_the_scopes_that_the_routes_declare() {
    let place = Place::new();
    let server = place.serve(&[]);
    let address = server.address.to_string();
    let recorder = Recorder::start(&address).await;
    let browser = Browser::start(&recorder).await;

    browser.open(&format!("http://{address}/docs")).await;
    browser.click(".btn.authorize").await;
    browser.wait_for(".scopes .checkbox").await;
    let mut names = browser.texts(".scopes .checkbox .name").await;
    names.sort();
    browser.screenshot("docs-authorize").await;

    assert_eq!(names, ["audit:read", "clients:read", "clients:write", "entities:write", "users:read", "users:write"]);
    nothing_left_the_house(&browser, &address).await;
    browser.close().await;
}

#[tokio::test]
async fn the_pages_work_behind_a_path_prefix() {
    let place = Place::new();
    place.add_user(&[USERNAME, "--scope", "users:read"]).good();
    let server = place.serve(&[]);
    let address = server.address.to_string();
    let recorder = Recorder::start(&address).await;
    let browser = Browser::start(&recorder).await;
    // The recorder answers for this host as a reverse proxy would: it strips the prefix and hands on.
    let site = format!("http://{}", recorder::PREFIXED_HOST);

    browser.open(&format!("{site}{}/docs", recorder::PREFIX)).await;
    log_in(&browser).await;
    assert_eq!(run(&browser, "/users/me").await["username"], USERNAME);
    browser.open(&format!("{site}{}/redoc", recorder::PREFIX)).await;
    browser.wait_for("#operation\\/read_own, [id*='read_own']").await;

    nothing_left_the_house(&browser, recorder::PREFIXED_HOST).await;
    browser.close().await;
}

#[tokio::test]
async fn redoc_shows_the_document() {
    let place = Place::new();
    let server = place.serve(&[]);
    let address = server.address.to_string();
    let recorder = Recorder::start(&address).await;
    let browser = Browser::start(&recorder).await;

    browser.open(&format!("http://{address}/redoc")).await;
    browser.wait_for("[id*='read_own']").await;
    browser.screenshot("redoc").await;

    nothing_left_the_house(&browser, &address).await;
    browser.close().await;
}

#[tokio::test]
async fn parameters_of_the_page_load_no_foreign_document() {
    // S-036
    let place = Place::new();
    let server = place.serve(&[]);
    let address = server.address.to_string();
    let recorder = Recorder::start(&address).await;
    let browser = Browser::start(&recorder).await;

    let query = "?url=http://evil.test/openapi.json&configUrl=http://evil.test/config.json";
    browser.open(&format!("http://{address}/docs{query}")).await;
    browser.wait_for(".opblock").await;

    nothing_left_the_house(&browser, &address).await;
    browser.close().await;
}

/// Logs in, asks for the account, and fails to find one, from a page; what it could read. The first argument is the server.
const FRONT_END_SCRIPT: &str = "
    const [server, done] = arguments;
    const form = new URLSearchParams({ grant_type: 'password', username: 'johndoe', password: 'correct-horse-1' });
    (async () => {
        const login = await fetch(`http://${server}/token`, { method: 'POST', body: form });
        const { access_token } = await login.json();
        const headers = { Authorization: `Bearer ${access_token}`, 'Content-Type': 'application/json' };
        const body = JSON.stringify({ full_name: 'John' });
        const changed = await fetch(`http://${server}/users/me`, { method: 'PATCH', headers, body });
        const refused = await fetch(`http://${server}/users/me`, { headers: { Authorization: 'Bearer x' } });
        return [(await changed.json()).full_name, refused.status, refused.headers.get('www-authenticate')];
    })().then(done, (error) => done(String(error)));";

#[tokio::test]
async fn a_front_end_elsewhere_asks_the_server_if_its_origin_is_named() {
    let place = Place::new();
    place.add_user(&[USERNAME]).good();
    let origin = format!("http://{FRONT_END}");
    for (named, may) in [(origin.as_str(), true), ("http://else.localhost", false)] {
        let server = place.serve(&["--allowed-origins", named]);
        let address = server.address.to_string();
        let recorder = Recorder::start(&address).await;
        let browser = Browser::start(&recorder).await;
        browser.open(&format!("{origin}/")).await;
        let read = browser.ask(FRONT_END_SCRIPT, &address).await;
        if may {
            assert_eq!((&read[0], &read[1]), (&Value::from("John"), &Value::from(401)), "{read}");
            assert!(read[2].as_str().is_some_and(|challenge| challenge.contains("invalid_token")), "{read}");
        } else {
            assert!(read.as_str().is_some_and(|error| error.contains("Failed to fetch")), "{read}");
        }
        browser.close().await;
    }
}

/// Presses Authorize, fills the form in, ticks the scope `users:read`, and closes the dialog.
async fn log_in(browser: &Browser) {
    browser.click(".btn.authorize").await;
    browser.wait_for("#oauth_username, input[name=username]").await;
    browser.fill("#oauth_username, input[name=username]", USERNAME).await;
    browser.fill("#oauth_password, input[name=password]", PASSWORD).await;
    browser.click(".scopes label[for^='users:read']").await;
    browser.click(".auth-btn-wrapper .btn.authorize").await;
    browser.wait_for_text(".auth-btn-wrapper .btn", "Logout").await;
    browser.screenshot("docs-authorized").await;
    browser.click(".btn-done").await;
}

/// Opens the `GET` operation of this path, tries it out, and gives back the answer's body.
async fn run(browser: &Browser, path: &str) -> Value {
    let operation = format!("//div[contains(@class,'opblock-get')][.//span[@data-path='{path}']]");
    let at = |inner: &str| format!("{operation}{inner}");
    browser.click_xpath(&at("//button[contains(@class,'opblock-summary-control')]")).await;
    browser.click_xpath(&at("//button[contains(@class,'try-out__btn')]")).await;
    browser.click_xpath(&at("//button[contains(@class,'execute')]")).await;
    let body = at("//*[contains(@class,'live-responses-table')]//*[contains(@class,'microlight')]");
    let text = browser.text_xpath(&body).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// No request of the page to another host, no complaint of the content security policy, no error in the console.
async fn nothing_left_the_house(browser: &Browser, host: &str) {
    let requests = browser.requested().await;
    assert!(!requests.is_empty());
    // The browser's own pages, and what a page carries within itself, are no requests to anybody.
    for url in requests.iter().filter(|url| !["chrome:", "data:", "blob:"].iter().any(|own| url.starts_with(own))) {
        assert!(url.starts_with(&format!("http://{host}/")), "a request to another host: {url}");
    }
    let complaints = browser.console_errors().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
}
