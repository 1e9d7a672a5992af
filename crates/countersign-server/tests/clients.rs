//! `countersign client`, and what its clients then do at a running server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use countersign_token::{Algorithm, SigningKey, jws};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Place, Server};

fn token(server: &Server, form: &str) -> (u16, Value) {
    let (status, body) = server.ask("POST", "/token", &[("Content-Type", "application/x-www-form-urlencoded")], form);
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn clients_are_registered_changed_and_given_new_secrets_while_the_server_runs() {
    let place = Place::new();
    let server = place.serve(&[]);
    let secret = |said: String| said.lines().find_map(|line| line.strip_prefix("client_secret: ")).unwrap().to_owned();
    let add =
        ["client", "add", "worker", "--name", "The worker", "--grant", "client_credentials", "--scope", "a:read", "b"];
    let first = secret(place.run(&add).good());
    assert!(place.run(&add).bad(1).contains("taken"));
    place.run(&["client", "add", "app", "--public", "--grant", "password", "refresh_token"]).good();
    let own = |secret: &str| {
        token(&server, &format!("grant_type=client_credentials&client_id=worker&client_secret={secret}"))
    };
    let (status, answer) = own(&first);
    assert_eq!((status, &answer["scope"]), (200, &"a:read b".into()), "{answer}");

    let shown = place.run(&["client", "show", "worker", "--json"]).json();
    assert_eq!((&shown["name"], &shown["is_public"]), (&"The worker".into(), &false.into()));
    let id = shown["secrets"][0]["id"].as_str().unwrap();
    let second = secret(place.run(&["client", "add-secret", "worker"]).good());
    place.run(&["client", "add-secret", "worker"]).bad(1);
    place.run(&["client", "remove-secret", "worker", id]).good();
    assert_eq!((own(&first).0, own(&second).0), (400, 200));
    assert!(place.run(&["client", "add-secret", "app"]).bad(1).contains("public"));
    let own_grant = ["--grant", "password", "client_credentials"];
    assert!(
        place.run(&[&["client", "set", "app"], &own_grant[..]].concat()).bad(1).contains("a public client gets no")
    );
    assert!(
        place
            .run(&[&["client", "add", "y", "--public"], &own_grant[..]].concat())
            .bad(1)
            .contains("client_credentials")
    );

    place.run(&["client", "set", "worker", "--scope", "a:read", "--access-token-seconds", "60"]).good();
    let (_, answer) = own(&second);
    assert_eq!((&answer["scope"], &answer["expires_in"]), (&"a:read".into(), &60.into()));
    place.run(&["client", "disable", "worker"]).good();
    assert_eq!(own(&second).0, 400);
    place.run(&["client", "enable", "worker"]).good();
    assert_eq!(own(&second).0, 200);
    let table = place.run(&["client", "list"]).good();
    assert!(
        table.contains("confidential") && table.contains("public") && table.contains("password refresh_token"),
        "{table}"
    );
    assert!(!table.contains(&second) && !place.run(&["client", "show", "worker"]).good().contains(&second));
    place.run(&["client", "delete", "worker"]).good();
    place.run(&["client", "show", "worker"]).bad(1);
    assert_eq!(own(&second).0, 400);
    for wrong in [
        &["client", "add", "a b"][..],
        &["client", "add", "x", "--grant", "magic"],
        &["client", "add", "x", "--audience", "\u{e9}"],
    ] {
        place.run(wrong).bad(2);
    }
    let log = server.stop().stderr;
    assert!(!log.contains(&first) && !log.contains(&second), "{log}");
}

/// A form by which a client with this key asks for a token of its own.
fn assertion(issuer: &str, key: &SigningKey) -> String {
    let exp = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + 60;
    let claims = json!({ "iss": "worker", "sub": "worker", "aud": issuer, "exp": exp, "jti": "once" });
    let assertion = jws::sign(claims.to_string().as_bytes(), key).unwrap();
    let form = "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion";
    format!("{form}={assertion}")
}

// R-093
#[test]
fn a_client_with_a_key_has_no_secret_and_what_it_signed_is_used_once_also_after_a_crash() {
    let place = Place::new();
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let jwks = json!({ "keys": [key.verification_key().to_jwk()] }).to_string();
    place.write("worker.jwks", &jwks);
    let issuer = ["--issuer", "https://login.example.com"];
    let server = place.serve(&issuer);
    let add = ["client", "add", "worker", "--grant", "client_credentials", "--jwks", "worker.jwks"];
    let said = place.run(&add).good();
    assert!(!said.contains("client_secret"), "{said}");
    let shown = place.run(&["client", "show", "worker"]).good();
    assert!(shown.contains(&format!("key            {} (EdDSA)", key.kid())), "{shown}");
    assert_eq!(place.run(&["client", "show", "worker", "--json"]).json()["jwks"].to_string(), jwks);

    let once = assertion(issuer[1], &key);
    let own = |server: &Server| token(server, &format!("grant_type=client_credentials&{once}")).0;
    assert_eq!((own(&server), own(&server)), (200, 400));
    server.signal(Signal::KILL);
    drop(server);
    let server = place.serve(&issuer);
    assert_eq!(own(&server), 400);
    let log = server.stop().stderr;
    assert!(log.contains("the assertion was used before") && log.contains("worker"), "{log}");
    assert!(!log.contains(once.rsplit_once('=').unwrap().1), "{log}");

    place.write("none.jwks", r#"{"keys":[]}"#);
    place.run(&["client", "set", "worker", "--jwks", "none.jwks"]).good();
    assert!(!place.run(&["client", "show", "worker"]).good().contains("EdDSA"));
    place.run(&["client", "add", "app", "--public"]).good();
    assert!(place.run(&["client", "set", "app", "--jwks", "worker.jwks"]).bad(1).contains("public"));
    for (text, hint) in [("", "JWK set"), (&jwks.replace("EdDSA", "ES256"), "worker.jwks"), ("x", "JWK set")] {
        place.write("worker.jwks", text);
        assert!(place.run(&["client", "set", "worker", "--jwks", "worker.jwks"]).bad(2).contains(hint), "{text}");
    }
    assert!(place.run(&["client", "set", "worker", "--jwks", "nowhere"]).bad(2).contains("nowhere"));
}

// R-176 to R-178
#[test]
fn who_asks_about_a_token_and_who_is_refused_is_in_the_log_and_no_token_is() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let said = place.run(&["client", "add", "api"]).good();
    let secret = said.lines().find_map(|line| line.strip_prefix("client_secret: ")).unwrap();
    let server = place.serve(&[]);
    let audience = format!("http://{}", server.address);
    place.run(&["client", "set", "api", "--audience", &audience]).good();
    let (_, access) = server.log_in("ada");
    let ask = |form: &str| {
        server.ask("POST", "/introspect", &[("Content-Type", "application/x-www-form-urlencoded")], form).1
    };
    let shown = format!("client_id=api&client_secret={secret}");
    assert!(ask(&format!("{shown}&token={access}")).contains("\"active\":true"));
    assert!(ask(&format!("{shown}&token=garbage-that-is-no-token")).contains("\"active\":false"));
    let claimed = format!("evil%0A%1B%5B31m{}", "x".repeat(1000));
    ask(&format!("client_id={claimed}&client_secret=canary-secret&token={access}"));
    ask(&format!("client_assertion_type=saml&client_assertion=canary-assertion&client_id=typed&token={access}"));
    let log = server.stop().stderr;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let asked: Vec<&Value> = lines.iter().filter(|line| line["message"] == "introspect").collect();
    assert_eq!(asked.len(), 2, "{log}");
    assert_eq!((&asked[0]["client"], &asked[0]["outcome"]), (&"api".into(), &"active".into()), "{log}");
    assert_eq!(asked[0]["token_client"], "first-party");
    assert_eq!((&asked[1]["client"], &asked[1]["outcome"]), (&"api".into(), &"inactive".into()), "{log}");
    let refused: Vec<&str> =
        lines.iter().filter(|line| line["event"] == "client").map(|line| line["claimed"].as_str().unwrap()).collect();
    assert_eq!(refused.len(), 2, "{log}");
    assert!(refused[0].contains("evil") && refused[0].len() < 100 && !refused[0].contains('\n'), "{log}");
    assert!(refused[1].contains("typed"), "{log}");
    for canary in [access.as_str(), secret, "garbage-that", "canary", "\u{1b}"] {
        assert!(!log.contains(canary), "{canary}: {log}");
    }
}
