//! The JOSE vectors of the Wycheproof project: `../shared/wycheproof` beside the project, or the folder that
//! `WYCHEPROOF` names. Where neither is there, the tests say so on the terminal and check nothing; a folder that is
//! named and not there fails them, as does none at all under CI.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

use std::io::{self, Write};
use std::path::PathBuf;
use std::{env, fs};

use countersign_token::{KeySet, SigningKey, VerificationKey, VerifyError, jws};
use serde_json::Value;

/// The groups of cases in a file; `None` when there are no vectors on this machine.
fn vectors(file: &str) -> Option<Vec<Value>> {
    let named = env::var_os("WYCHEPROOF").map(PathBuf::from);
    let beside_the_project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/wycheproof");
    if named.is_none() && !beside_the_project.exists() && env::var_os("CI").is_none() {
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        let notice =
            format!("\n*** NOT RUN: {file}: no Wycheproof vectors here; name their folder in WYCHEPROOF ***\n");
        io::stderr().write_all(notice.as_bytes()).unwrap();
        return None;
    }
    let path = named.unwrap_or(beside_the_project).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("no Wycheproof vectors to run at {}: {error}. Name their folder in WYCHEPROOF.", path.display())
    });
    let file: Value = serde_json::from_str(&text).unwrap();
    Some(file["testGroups"].as_array().unwrap().clone())
}

/// The key or keys that a group's tokens are checked by: the public ones, or the shared secret.
fn keys(group: &Value) -> Option<KeySet> {
    let jwk = group.get("public").unwrap_or(&group["private"]);
    if jwk.get("keys").is_some() {
        KeySet::from_jwks(&jwk.to_string()).ok()
    } else {
        let key = VerificationKey::from_jwk(&jwk.to_string()).ok()?;
        KeySet::new(vec![key]).ok()
    }
}

fn cases(group: &Value) -> impl Iterator<Item = (u64, &Value)> {
    group["tests"].as_array().unwrap().iter().map(|case| (case["tcId"].as_u64().unwrap(), case))
}

fn is_valid(case: &Value) -> bool {
    match case["result"].as_str() {
        Some("valid") => true,
        Some("invalid") => false,
        other => panic!("{}: what is {other:?}?", case["tcId"]),
    }
}

/// The token of a case; some are in the JSON serialization, whose text no compact reader may take.
fn token(case: &Value) -> String {
    let token = case.get("jws").or(case.get("jwe")).unwrap();
    token.as_str().map_or_else(|| token.to_string(), str::to_owned)
}

#[test]
fn every_signature_case_is_answered_as_the_vectors_say() {
    let Some(groups) = vectors("json_web_signature_test.json") else { return };
    // Wrong in the file itself: 346 and 350 (a PS384 token for a PS256 key), 347 and 351
    // (`alg` ES521 does not exist), 367 and 370 (the same token as the valid 357), 372 and 373 (valid with a `?`).
    let mut deviations = Vec::new();
    let mut count = 0;
    for group in groups {
        let keys = keys(&group);
        for (id, case) in cases(&group) {
            count += 1;
            let accepted = keys.as_ref().is_some_and(|keys| jws::verify(&token(case), keys).is_ok());
            if accepted != is_valid(case) {
                println!("{id} ({}, {}): accepted: {accepted}", group["comment"], case["comment"]);
                deviations.push(id);
            }
        }
    }
    assert_eq!(deviations, [346, 347, 350, 351, 367, 370, 372, 373]);
    assert_eq!(count, 401);
}

#[test]
fn every_key_set_is_taken_or_refused_as_the_vectors_say() {
    let Some(groups) = vectors("json_web_key_test.json") else { return };
    //
    let (mut refused_at_load, mut count) = (0, 0);
    for group in groups {
        let keys = keys(&group);
        for (id, case) in cases(&group) {
            count += 1;
            refused_at_load += u32::from(keys.is_none());
            let accepted = keys.as_ref().is_some_and(|keys| jws::verify(&token(case), keys).is_ok());
            assert_eq!(accepted, is_valid(case), "{id} ({})", group["comment"]);
        }
    }
    // 21 are refused; in one of them (3) the keys are good and the signature is not.
    assert_eq!((refused_at_load, count), (20, 26));
}

#[test]
fn what_is_refused_for_verifying_is_refused_for_signing_too() {
    let Some(groups) = vectors("json_web_key_test.json") else { return };
    // But for 1, 3 and 4, which are about sets and signatures: their keys are good.
    for group in groups {
        for jwk in group["private"]["keys"].as_array().unwrap() {
            let loaded = SigningKey::from_jwk(&jwk.to_string()).is_ok();
            for (id, case) in cases(&group).filter(|(id, _)| ![1, 3, 4].contains(id)) {
                assert_eq!(loaded, is_valid(case), "{id} ({})", group["comment"]);
            }
        }
    }
}

#[test]
fn every_crypto_case_is_answered_as_the_vectors_say_and_encryption_is_refused() {
    let Some(groups) = vectors("json_web_crypto_test.json") else { return };
    let mut count = 0;
    for group in groups {
        let keys = keys(&group);
        for (id, case) in cases(&group) {
            count += 1;
            let accepted = keys.as_ref().is_some_and(|keys| jws::verify(&token(case), keys).is_ok());
            let wanted = is_valid(case) && case.get("jwe").is_none();
            assert_eq!(accepted, wanted, "{id} ({})", group["comment"]);
        }
    }
    assert_eq!(count, 83);
}

#[test]
fn an_encrypted_token_is_never_taken_nor_a_key_for_encryption() {
    let Some(groups) = vectors("json_web_encryption_test.json") else { return };
    //
    let good = VerificationKey::from_secret(countersign_token::Algorithm::Hs256, &[7; 32]).unwrap();
    let good = KeySet::new(vec![good]).unwrap();
    let mut count = 0;
    for group in groups {
        assert!(keys(&group).is_none(), "{}", group["comment"]);
        for (id, case) in cases(&group) {
            count += 1;
            let refusal = jws::verify(&token(case), &good).unwrap_err();
            assert!(matches!(refusal, VerifyError::Malformed | VerifyError::TooLong), "{id}: {refusal}");
        }
    }
    assert_eq!(count, 139);
}
