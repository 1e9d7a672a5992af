//! A token is its exact text: nothing that differs from it in one character is taken, and no text makes anything panic.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::LazyLock;

use countersign_token::{Algorithm, Issuer, KeySet, NewToken, SigningKey, Verifier, VerifyError, inspect};
use proptest::prelude::*;

const NOW: i64 = 1_800_000_000;

/// For each kind of signature a verifier, and a token that it takes.
static GOOD: LazyLock<Vec<(Verifier, String)>> = LazyLock::new(|| {
    let algorithms =
        [Algorithm::Hs256, Algorithm::Es256, Algorithm::Es512, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256];
    let made = algorithms.map(|algorithm| {
        let key = SigningKey::generate(algorithm).unwrap();
        let keys = KeySet::new(vec![key.verification_key()]).unwrap();
        let request = NewToken::for_subject("user:ada").client_id("web").audience("https://api.test");
        let token = Issuer::new("https://as.test", key).issue(&request, NOW).unwrap().token;
        (Verifier::new("https://as.test", "https://api.test", keys), token)
    });
    made.into()
});

/// A change of a text at one place.
#[derive(Clone, Debug)]
enum Change {
    Replace(char),
    Insert(char),
    Delete,
    Truncate,
    FlipCase,
}

fn any_change() -> impl Strategy<Value = Change> {
    let character = prop_oneof![
        prop::sample::select(('!'..='~').collect::<Vec<_>>()),
        any::<char>(),
        prop::sample::select(vec!['.', '=', '-', '_', '\n', ' ', '\0'])
    ];
    prop_oneof![
        character.clone().prop_map(Change::Replace),
        character.prop_map(Change::Insert),
        Just(Change::Delete),
        Just(Change::Truncate),
        Just(Change::FlipCase),
    ]
}

fn changed(token: &str, at: usize, change: &Change) -> String {
    let (before, after) = token.split_at(at);
    let (here, rest) = after.split_at(1);
    match change {
        Change::Replace(character) => format!("{before}{character}{rest}"),
        Change::Insert(character) => format!("{before}{character}{after}"),
        Change::Delete => format!("{before}{rest}"),
        Change::Truncate => before.to_owned(),
        Change::FlipCase if here.chars().all(char::is_lowercase) => format!("{before}{}{rest}", here.to_uppercase()),
        Change::FlipCase => format!("{before}{}{rest}", here.to_lowercase()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_token_is_taken_that_differs_in_one_place(which: prop::sample::Index, at: prop::sample::Index, change in any_change()) {
        // R-061, R-076
        let (verifier, token) = which.get(&GOOD);
        let other = changed(token, at.index(token.len()), &change);
        prop_assert_eq!(verifier.verify(&other, NOW).is_ok(), other == *token, "{}", other);
    }

    #[test]
    fn no_text_is_taken_or_makes_anything_panic(text: String, dotted in r"[A-Za-z0-9_=.-]{0,80}", cut: prop::sample::Index) {
        for (verifier, token) in GOOD.iter() {
            let spliced = format!("{}{dotted}", token.get(..cut.index(token.len())).unwrap());
            for text in [&text, &dotted, &spliced] {
                prop_assert!(verifier.verify(text, NOW).is_err());
                let _ = inspect(text);
            }
        }
    }

    #[test]
    fn no_time_makes_anything_panic(now: i64, leeway: i64, longest: i64) {
        for (verifier, token) in GOOD.iter() {
            let _ = verifier.clone().leeway_s(leeway).longest_lifetime_s(longest).verify(token, now);
        }
    }
}

#[test]
fn every_single_bit_of_a_token_counts() {
    // R-061: all single-bit changes that are still text
    for (verifier, token) in GOOD.iter() {
        assert!(verifier.verify(token, NOW).is_ok());
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.clone().into_bytes();
                *bytes.get_mut(at).unwrap() ^= 1 << bit;
                let other = String::from_utf8(bytes).unwrap();
                assert!(verifier.verify(&other, NOW).is_err(), "bit {bit} of character {at}: {other}");
            }
        }
    }
}

#[test]
fn a_signature_of_another_length_is_refused() {
    // R-076
    for (verifier, token) in GOOD.iter() {
        for more in ["A", "AA", "AAA", "AAAA", "AAAAAAAAAAAAAAAA"] {
            assert!(verifier.verify(&format!("{token}{more}"), NOW).is_err());
            assert!(verifier.verify(token.get(..token.len() - more.len()).unwrap(), NOW).is_err());
        }
        let (input, signature) = token.rsplit_once('.').unwrap();
        let refusal = verifier.verify(&format!("{input}.AAAA{signature}"), NOW).unwrap_err();
        assert_eq!(refusal, VerifyError::BadSignature);
    }
}
