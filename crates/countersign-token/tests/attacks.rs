//! Hostile tokens, each with the answer it must get: `../shared/attacks/tokens.jsonl` beside the project, or the file
//! that `ATTACK_TOKENS` names. Each difference prints its id. Where neither is there, the test says so on the terminal and
//! checks nothing; under CI, or where a file is named, that is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

use std::io::{self, Write};
use std::path::PathBuf;
use std::{env, fs, panic};

use countersign_token::{Claims, KeySet, VerificationKey, Verifier, VerifyError, inspect};
use serde_json::Value;

fn path() -> PathBuf {
    let beside_the_project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/attacks/tokens.jsonl");
    env::var_os("ATTACK_TOKENS").map_or(beside_the_project, PathBuf::from)
}

/// The settings in the first line of the file.
struct Settings {
    issuer: String,
    audience: String,
    now: i64,
    longest_lifetime_s: i64,
}

impl Settings {
    fn read(line: &Value) -> Self {
        Self {
            issuer: line["issuer"].as_str().unwrap().to_owned(),
            audience: line["audience"].as_str().unwrap().to_owned(),
            now: line["now"].as_i64().unwrap(),
            longest_lifetime_s: line["longest_lifetime_s"].as_i64().unwrap(),
        }
    }

    fn verifier(&self, key: VerificationKey) -> Verifier {
        Verifier::new(&self.issuer, &self.audience, KeySet::new(vec![key]).unwrap())
            .longest_lifetime_s(self.longest_lifetime_s)
    }
}

/// What a case gave.
enum Answer {
    KeyRefused,
    Refused(VerifyError),
    Accepted(Claims),
    Panicked,
    /// Two runs gave two answers.
    Unsteady,
}

/// The only key of a verifier that is configured for the case's algorithm; a key for another one is no configuration.
fn configured_key(case: &Value) -> Option<VerificationKey> {
    let mut jwk = case["jwk"].clone();
    jwk.as_object_mut()?.entry("alg").or_insert_with(|| case["alg"].clone());
    let key = VerificationKey::from_jwk(&jwk.to_string()).ok()?;
    (Some(key.algorithm().name()) == case["alg"].as_str()).then_some(key)
}

fn answer(settings: &Settings, case: &Value) -> Answer {
    let Some(key) = configured_key(case) else { return Answer::KeyRefused };
    let token = case["token"].as_str().unwrap();
    let verify = |verifier: &Verifier| verifier.verify(token, settings.now);
    let verifier = settings.verifier(key.clone());
    let first = verify(&verifier);
    let again = [verify(&verifier), verify(&settings.verifier(key.clone()))];
    let same = again.iter().all(|other| match (&first, other) {
        (Ok(a), Ok(b)) => (a.subject(), a.scope(), a.expires_at()) == (b.subject(), b.scope(), b.expires_at()),
        (Err(a), Err(b)) => a == b,
        _ => false,
    });
    // What else reads tokens must not panic on them either.
    let _ = inspect(token);
    let _ = Verifier::plain(key).verify(token, settings.now);
    match first {
        _ if !same => Answer::Unsteady,
        Ok(claims) => Answer::Accepted(claims),
        Err(refusal) => Answer::Refused(refusal),
    }
}

/// What the first valid token of the file gives: nothing else may give more.
struct Rights {
    subject: String,
    scope: countersign_token::ScopeSet,
}

impl Rights {
    fn cover(&self, claims: &Claims) -> bool {
        claims.subject() == self.subject && self.scope.contains_all(claims.scope())
    }
}

/// The difference between what a case gave and what it must give.
fn difference(case: &Value, answer: &Answer, rights: &Rights) -> Option<String> {
    let group = case["group"].as_str().unwrap();
    let want = case["want"].as_str().unwrap();
    match (want, answer) {
        (_, Answer::Panicked) => Some("panicked".to_owned()),
        (_, Answer::Unsteady) => Some("two answers in two runs".to_owned()),
        ("reject", Answer::KeyRefused) if group == "weak-key" => None,
        ("reject", _) if group == "weak-key" => Some("the weak key was loaded".to_owned()),
        (_, Answer::KeyRefused) => Some("the key was refused".to_owned()),
        ("reject" | "either", Answer::Refused(_)) => None,
        ("accept" | "either", Answer::Accepted(claims)) if rights.cover(claims) => None,
        ("accept" | "either", Answer::Accepted(_)) => Some("more rights than the exact token gives".to_owned()),
        ("accept", Answer::Refused(refusal)) => Some(format!("refused: {refusal}")),
        ("reject", Answer::Accepted(_)) => Some("accepted".to_owned()),
        (other, _) => panic!("{}: what is `{other}`?", case["id"]),
    }
}

#[test]
fn every_attack_token_gets_the_answer_it_must_get() {
    //
    let path = path();
    if !path.exists() && env::var_os("ATTACK_TOKENS").is_none() && env::var_os("CI").is_none() {
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        let notice = format!("\n*** NOT RUN: no attack tokens at {}; name them in ATTACK_TOKENS ***\n", path.display());
        io::stderr().write_all(notice.as_bytes()).unwrap();
        return;
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("no attack tokens to run at {}: {error}. Name their file in ATTACK_TOKENS.", path.display())
    });
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let settings = Settings::read(&lines.next().expect("the first line gives the settings"));
    let cases: Vec<Value> = lines.collect();
    let rights = cases
        .iter()
        .find_map(|case| match (case["want"].as_str(), answer(&settings, case)) {
            (Some("accept"), Answer::Accepted(claims)) => {
                Some(Rights { subject: claims.subject().to_owned(), scope: claims.scope().clone() })
            }
            _ => None,
        })
        .expect("a file of attacks has a valid token, or all could be refused for a wrong reason");

    let (mut differences, mut looked_up) = (Vec::new(), Vec::new());
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let answer = panic::catch_unwind(|| answer(&settings, case)).unwrap_or(Answer::Panicked);
        let unknown_user = matches!(&answer, Answer::Accepted(claims) if claims.subject() != rights.subject);
        if case["group"] == "sub" && case["want"] == "reject" && unknown_user {
            // A well-formed subject that nobody has: only who knows the users can refuse it. Here there is one user.
            looked_up.push(id);
        } else if let Some(difference) = difference(case, &answer, &rights) {
            println!("{id} ({}, {}): {difference}", case["group"], case["what"]);
            differences.push(id);
        }
    }
    println!("{} cases; refused by the look-up of the user, not by the verifier: {looked_up:?}", cases.len());
    assert!(differences.is_empty(), "{} of {} differ: {differences:?}", differences.len(), cases.len());
}
