//! The server and the libraries with which programs in JavaScript log in and check tokens. Each program is run against a certified
//! server first (`control.mjs`), so that a failure is known to be ours.
//!
//! Needs the packages that `script/test` installs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod node;
#[path = "../support/mod.rs"]
mod support;

use crate::node::Programs;
use crate::support::{PASSWORD, Place};

/// Runs a check against the control, then against a server with the same user and clients.
#[track_caller]
fn check(program: &str) {
    let place = Place::new();
    place.add_user(&["ada", "--scope", "items:read"]).good();
    let add = |client: &[&str]| place.run(&[&["client", "add"], client, &["--scope", "items:read"]].concat()).good();
    let secret = |said: String| said.lines().find_map(|line| line.strip_prefix("client_secret: ")).unwrap().to_owned();
    add(&["app", "--public", "--grant", "password", "refresh_token"]);
    let web = secret(add(&["web", "--grant", "password", "refresh_token"]));
    let worker = secret(add(&["worker", "--grant", "client_credentials"]));
    let programs = Programs::new(&[("PASSWORD", PASSWORD), ("WEB_SECRET", &web), ("WORKER_SECRET", &worker)]);

    let control = programs.serve("control.mjs");
    let right = programs.run(program, &control.url, true);
    assert_eq!(right, Ok(()), "{program} fails against oidc-provider as well: the check is wrong, or the library");

    let server = place.serve(&[]);
    if let Err(said) = programs.run(program, &format!("http://{}", server.address), false) {
        panic!("{program} fails, and not against oidc-provider:\n{said}");
    }
}

//
#[test]
fn oauth4webapi_finds_the_server_gets_refreshes_asks_about_gives_back_and_validates_tokens() {
    check("check_oauth4webapi.mjs");
}

#[test]
fn openid_client_gets_refreshes_asks_about_and_gives_back_tokens() {
    check("check_openid_client.mjs");
}

#[test]
fn jose_verifies_tokens_by_the_published_keys() {
    check("check_jose.mjs");
}

#[test]
fn jsonwebtoken_verifies_tokens_with_a_published_key() {
    check("check_jsonwebtoken.mjs");
}
