//! The server and programs in Python, with the packages that their authors use: an API that checks our tokens, and a front
//! end that was written against FastAPI's own login.
//!
//! Needs the Python environment that `script/test` makes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod python;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use countersign_password::{Argon2Params, Hasher, Password, Policy};
use countersign_token::{Algorithm, ClientAssertion};

use crate::python::Uvicorn;
use crate::support::{PASSWORD, Place, Server};

const AUDIENCE: &str = "https://api.example.com";

/// `PyJWT` knows Ed25519 as `EdDSA` (RFC 8037) only, and not yet by the name of RFC 9864.
const UNKNOWN_TO_PYJWT: Algorithm = Algorithm::Ed25519;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("python")
}

fn url(server: &Server) -> String {
    format!("http://{}", server.address)
}

/// Runs a check of this folder, which knows the password.
fn check(program: &str, arguments: &[String]) {
    python::run(&folder().join(program), arguments, &[("PASSWORD", PASSWORD)]);
}

/// A server for the API, with the user that the check wants.
fn login_server(place: &Place, arguments: &[&str]) -> Server {
    place.add_user(&["ada", "--scope", "items:read", "me"]).good();
    place.serve(&[&["--audience", AUDIENCE], arguments].concat())
}

#[test]
fn an_api_in_fastapi_takes_our_tokens_by_the_published_keys_and_no_others() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let server = login_server(&place, &[]);
    let login = url(&server);
    let api = Uvicorn::serve(&folder(), "resource_server", &[("ISSUER", &login), ("AUDIENCE", AUDIENCE)]);
    // All but the last share users and keys.
    let as_issuer = ["--issuer", &login, "--audience"];
    let other_audience = place.serve(&[&as_issuer[..], &["https://other.example.com"]].concat());
    let other_issuer = place.serve(&["--audience", AUDIENCE]);
    let short_lived = place.serve(&[&as_issuer[..], &[AUDIENCE, "--access-token-lifetime", "1s"]].concat());
    let other_keys = login_server(&elsewhere, &["--issuer", &login]);

    let mut arguments = vec![api.url.clone(), login];
    for (kind, server) in [
        ("--other-audience", &other_audience),
        ("--other-issuer", &other_issuer),
        ("--other-keys", &other_keys),
        ("--short-lived", &short_lived),
    ] {
        arguments.extend([kind.to_owned(), url(server)]);
    }
    check("check_resource_server.py", &arguments);
}

#[test]
fn pyjwt_verifies_tokens_of_every_algorithm_by_the_published_keys() {
    let published = Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric());
    let known = published.filter(|algorithm| *algorithm != UNKNOWN_TO_PYJWT);
    let servers: Vec<_> = known
        .map(|algorithm| {
            let place = Place::new();
            place.add_user(&["ada"]).good();
            let server = place.serve(&["--algorithm", algorithm.name()]);
            (algorithm, server, place)
        })
        .collect();
    assert_eq!(servers.len(), 10);
    let arguments: Vec<_> =
        servers.iter().map(|(algorithm, server, _)| format!("{}={}", algorithm.name(), url(server))).collect();
    check("check_algorithms.py", &arguments);
}

#[test]
fn the_front_end_of_a_tutorial_logs_in() {
    let place = Place::new();
    place.add_user(&["ada", "--email", "ada@example.com", "--full-name", "Ada Lovelace"]).good();
    let server = place.serve(&["--error-style", "fastapi"]);
    let front_end = Uvicorn::serve(&folder(), "front_end", &[("API", &url(&server))]);

    check("check_front_end.py", &[front_end.url.clone(), url(&server)]);
}

#[test]
fn django_and_pwdlib_verify_the_hashes_that_are_made_here() {
    let passwords = ["secret", " leading and trailing ", "пароль", "pässwörd", "日本語のパスワード", "🔑🐎🔋"];
    let costs = [Argon2Params::OWASP, Argon2Params::HIGH];
    let pairs = costs.iter().flat_map(|cost| {
        let hasher = Hasher::new(Policy::new(*cost));
        passwords.map(|text| {
            let hash = hasher.hash(&Password::new(text.to_owned()).unwrap()).unwrap();
            format!("{text}={}", hash.as_str())
        })
    });
    check("check_hashes.py", &pairs.collect::<Vec<_>>());
}

//
#[test]
fn authlib_requests_oauthlib_and_httpx_oauth_get_refresh_ask_about_and_give_back_tokens() {
    let place = Place::new();
    place.add_user(&["ada", "--scope", "items:read"]).good();
    let grants = ["--grant", "password", "refresh_token"];
    place.run(&[&["client", "add", "app", "--public", "--scope", "items:read"], &grants[..]].concat()).good();
    let program = folder().join("check_clients.py");
    let keys = place.path().to_str().unwrap().to_owned();
    python::run(&program, &["--make-keys".to_owned(), keys.clone()], &[]);
    for algorithm in ClientAssertion::ALGORITHMS {
        let (signer, jwks) = (format!("signer-{algorithm}"), format!("{algorithm}.jwks"));
        place.run(&["client", "add", &signer, "--grant", "client_credentials", "--jwks", &jwks]).good();
    }
    let secret = add_web(&place);
    let server = place.serve(&[]);
    let variables = [("PASSWORD", PASSWORD), ("CLIENT_SECRET", &secret)];
    python::run(&program, &[keys, url(&server)], &variables);
}

/// Registers the confidential client `web`; its secret.
fn add_web(place: &Place) -> String {
    let add =
        ["client", "add", "web", "--scope", "items:read", "--grant", "password", "refresh_token", "client_credentials"];
    let said = place.run(&add).good();
    said.lines().find_map(|line| line.strip_prefix("client_secret: ")).unwrap().to_owned()
}

#[test]
fn schemathesis_finds_nothing_where_the_server_and_its_document_differ() {
    let place = Place::new();
    let document = place.run(&["openapi"]).json();
    let scopes = &document["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"]["password"]["scopes"];
    let scopes: Vec<_> = scopes.as_object().unwrap().keys().map(String::as_str).collect();
    place.add_user(&[&["root", "--scope"], &scopes[..]].concat()).good();
    let secret = add_web(&place);
    let server = place.serve(&["--entities", "car: drive unlock"]);
    let variables = [("PASSWORD", PASSWORD), ("CLIENT_SECRET", &secret)];
    python::run(&folder().join("check_document.py"), &[url(&server)], &variables);
}
