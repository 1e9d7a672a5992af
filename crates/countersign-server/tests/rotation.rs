//! Signing keys that rotate under load, in three processes over one data directory, with a verifier that keeps the published keys as
//! long as it may.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use countersign_token::{KeySet, Verifier, inspect};
use serde_json::Value;

use crate::support::{Place, Server, soon};

const ISSUER: &str = "http://login.test";
const MAX_AGE: Duration = Duration::from_secs(1);
/// Keys that must have signed before the test is over.
const KEYS: usize = 4;

/// Keeps the keys that a server publishes for as long as it said.
struct Remote {
    verifier: Verifier,
    fetched_at: Instant,
}

impl Remote {
    fn fetch(server: &Server) -> Self {
        // What is fetched at an instant may be kept from before the request was sent.
        let fetched_at = Instant::now();
        let (status, jwks) = server.ask("GET", "/.well-known/jwks.json", &[], "");
        assert_eq!(status, 200);
        Self { verifier: Verifier::new(ISSUER, ISSUER, KeySet::from_jwks(&jwks).unwrap()), fetched_at }
    }

    fn take(&mut self, server: &Server, token: &str) {
        if self.fetched_at.elapsed() >= MAX_AGE {
            *self = Self::fetch(server);
        }
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().try_into().unwrap();
        let verified = self.verifier.verify(token, now);
        assert!(verified.is_ok(), "{:?} after {:?}", verified.err(), self.fetched_at.elapsed());
    }
}

// F-14, R-083
#[test]
fn no_good_token_is_refused_while_keys_rotate_in_three_processes() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let settings = ["--issuer", ISSUER, "--signing-key-lifetime", "4s", "--keys-max-age", "1s"];
    let servers = [(); 3].map(|()| place.serve(&settings));
    let mut remotes = [0, 1, 2].map(|at| Remote::fetch(&servers[at]));
    let mut kids = BTreeSet::new();
    let mut tokens: Vec<String> = Vec::new();
    let begun = Instant::now();
    for turn in 0.. {
        let at = turn % servers.len();
        let (status, token) = servers[at].log_in("ada");
        assert_eq!(status, 200);
        kids.insert(inspect(&token).unwrap().header.get("kid").and_then(Value::as_str).unwrap().to_owned());
        // Of one server's token, what the others and a remote API think at once.
        remotes[(at + 1) % servers.len()].take(&servers[(at + 1) % servers.len()], &token);
        for server in &servers {
            assert_eq!(server.whoami(&token).0, 200);
        }
        // And of an old one: its key has retired meanwhile.
        tokens.push(token);
        let old = &tokens[tokens.len() / 2];
        remotes[at].take(&servers[at], old);
        assert_eq!(servers[at].whoami(old).0, 200);
        if kids.len() == KEYS {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{} keys in two minutes", kids.len());
    }
}

#[test]
fn an_operator_rotates_and_withdraws_keys_while_the_server_runs() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let server = place.serve(&["--keys-max-age", "1s"]);
    let (_, token) = server.log_in("ada");
    let keys = || place.run(&["key", "list", "--json"]).json();
    let first = keys()[0]["kid"].as_str().unwrap().to_owned();
    let said = place.run(&["key", "rotate", "--keys-max-age", "1s", "--algorithm", "EdDSA"]).good();
    assert!(said.contains("is published"), "{said}");
    assert!(place.run(&["key", "rotate"]).bad(1).contains("published already"));
    soon("the first key retires", || keys().as_array().unwrap().iter().any(|key| key["state"] == "retiring"));
    assert_eq!(server.whoami(&token).0, 200);
    let table = place.run(&["key", "list"]).good();
    assert!(table.contains("retiring") && table.contains("EdDSA") && table.contains("ES256"), "{table}");

    place.run(&["key", "revoke", &first]).good();
    soon("its tokens are refused", || server.whoami(&token).0 == 401);
    place.run(&["key", "revoke", &first]).bad(1);
    let active = keys()[0]["kid"].as_str().unwrap().to_owned();
    assert!(place.run(&["key", "revoke", &active]).good().contains("signs now"));
    assert_eq!(keys()[0]["algorithm"], "EdDSA", "of the algorithm of the key that it stands in for");
    let jwks = |server: &Server| server.ask("GET", "/.well-known/jwks.json", &[], "").1;
    soon("the other is withdrawn", || !jwks(&server).contains(&active));
    let (status, token) = server.log_in("ada");
    assert_eq!((status, server.whoami(&token).0), (200, 200));
}
