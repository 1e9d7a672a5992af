//! What a client's assertion has to be, claim by claim and header by header.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_token::{
    Algorithm, ClientAssertion, Issuer, KeySet, NewToken, SigningKey, VerificationKey, VerifyError, jws,
};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://as.test";
const CLIENT: &str = "web";

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn registered(keys: &[&SigningKey]) -> KeySet {
    KeySet::new(keys.iter().map(|key| key.verification_key()).collect()).unwrap()
}

/// A key that signs under any header.
struct FreeKey(EcdsaKeyPair);

impl FreeKey {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn public(&self) -> VerificationKey {
        let point = self.0.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|number| URL_SAFE_NO_PAD.encode(number));
        VerificationKey::from_jwk(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }).to_string()).unwrap()
    }

    fn sign(&self, header: &Value) -> String {
        let input = input(header);
        let signature = self.0.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What a signature covers: this header and good claims.
fn input(header: &Value) -> String {
    [header.to_string(), claims(&json!({}))].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

/// Good claims with some changed, or removed by `null`.
fn claims(changes: &Value) -> String {
    let mut claims = json!({ "iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "1" });
    let all = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => all.remove(name),
            value => all.insert(name.clone(), value.clone()),
        };
    }
    claims.to_string()
}

fn verify(assertion: &str, keys: &KeySet) -> Result<ClientAssertion, VerifyError> {
    ClientAssertion::verify(assertion, (CLIENT, ISSUER), keys, NOW)
}

fn outcome(changes: &Value) -> Result<String, VerifyError> {
    let key = key();
    let assertion = jws::sign(claims(changes).as_bytes(), &key).unwrap();
    verify(&assertion, &registered(&[&key])).map(|proven| proven.id().to_owned())
}

/// An assertion with this header, signed by an HMAC with these bytes.
fn by_secret(header: &Value, secret: &[u8]) -> String {
    let input = input(header);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[test]
fn keys_of_four_algorithms_sign_assertions_and_of_no_other() {
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()) {
        let key = SigningKey::generate(algorithm).unwrap();
        let assertion = jws::sign(claims(&json!({})).as_bytes(), &key).unwrap();
        let proven = verify(&assertion, &registered(&[&key]));
        if ClientAssertion::ALGORITHMS.contains(&algorithm) {
            assert_eq!(proven.map(|proven| proven.expires_at()).unwrap(), NOW + 60, "{algorithm}");
        } else {
            assert_eq!(proven.unwrap_err(), VerifyError::WrongAlgorithm, "{algorithm}");
        }
    }
}

//
#[test]
fn each_claim_is_what_it_must_be() {
    use VerifyError::{
        BadClaim, Expired, IssuedInFuture, LifetimeTooLong, MissingClaim, NotYetValid, WrongAudience, WrongIssuer,
    };
    assert_eq!(outcome(&json!({})), Ok("1".to_owned()));
    assert_eq!(outcome(&json!({ "iat": null })), Ok("1".to_owned()), "the expiry alone bounds its life");
    assert_eq!(outcome(&json!({ "iat": NOW + 30, "nbf": NOW + 30, "exp": NOW + 300 })), Ok("1".to_owned()));
    assert_eq!(outcome(&json!({ "exp": NOW + 1 })), Ok("1".to_owned()));
    for (changes, refusal) in [
        (json!({ "iss": null }), MissingClaim("iss")),
        (json!({ "iss": "other" }), WrongIssuer),
        (json!({ "iss": ISSUER }), WrongIssuer),
        (json!({ "sub": null }), MissingClaim("sub")),
        (json!({ "sub": "other" }), BadClaim("sub")),
        (json!({ "sub": ["web"] }), BadClaim("sub")),
        (json!({ "aud": null }), MissingClaim("aud")),
        (json!({ "aud": "https://as.test/token" }), WrongAudience),
        (json!({ "aud": "https://as.test/" }), WrongAudience),
        (json!({ "aud": "HTTPS://as.test" }), WrongAudience),
        (json!({ "aud": [ISSUER] }), WrongAudience),
        (json!({ "aud": [ISSUER, "https://other.test"] }), WrongAudience),
        (json!({ "aud": { "0": ISSUER } }), WrongAudience),
        (json!({ "exp": null }), MissingClaim("exp")),
        (json!({ "exp": NOW }), Expired),
        (json!({ "exp": NOW - 1 }), Expired),
        (json!({ "exp": NOW + 301 }), LifetimeTooLong),
        (json!({ "exp": (NOW + 60).to_string() }), BadClaim("exp")),
        (json!({ "exp": 1e300 }), BadClaim("exp")),
        (json!({ "jti": null }), MissingClaim("jti")),
        (json!({ "jti": "" }), BadClaim("jti")),
        (json!({ "jti": 1 }), BadClaim("jti")),
        (json!({ "nbf": NOW + 31 }), NotYetValid),
        (json!({ "iat": NOW + 31 }), IssuedInFuture),
    ] {
        assert_eq!(outcome(&changes), Err(refusal), "{changes}");
    }
}

//
#[test]
fn no_header_makes_another_key_or_another_kind_of_token_good() {
    let (own, foreign) = (key(), key());
    let keys = registered(&[&own]);
    let public = keys.keys()[0].to_jwk().unwrap();
    let payload = claims(&json!({}));
    let typed = |typ: &str, key: &SigningKey| jws::sign_typed(payload.as_bytes(), typ, key).unwrap();
    for good in ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"] {
        assert!(verify(&typed(good, &own), &keys).is_ok(), "{good}");
    }
    for other in ["at+jwt", "token-introspection+jwt", "dpop+jwt", ""] {
        assert_eq!(verify(&typed(other, &own), &keys).unwrap_err(), VerifyError::WrongType, "{other}");
    }
    assert_eq!(verify(&jws::sign(payload.as_bytes(), &foreign).unwrap(), &keys).unwrap_err(), VerifyError::UnknownKey);
    let free = FreeKey::new();
    let header = json!({ "alg": "ES256", "jwk": free.public().to_jwk(), "jku": "http://127.0.0.1:9/" });
    assert_eq!(verify(&free.sign(&header), &keys).unwrap_err(), VerifyError::BadSignature);
    let critical = json!({ "alg": "ES256", "crit": ["exp"] });
    assert_eq!(verify(&free.sign(&critical), &keys).unwrap_err(), VerifyError::UnsupportedHeader);
    let none = by_secret(&json!({ "alg": "none" }), b"x");
    assert_eq!(verify(&none, &keys).unwrap_err(), VerifyError::WrongAlgorithm);
    assert_eq!(verify(none.rsplit_once('.').unwrap().0, &keys).unwrap_err(), VerifyError::Malformed);
    // The public key as the secret of an HMAC.
    for secret in [public.to_string(), public["x"].as_str().unwrap().to_owned()] {
        let confused = by_secret(&json!({ "alg": "HS256", "kid": own.kid() }), secret.as_bytes());
        assert_eq!(verify(&confused, &keys).unwrap_err(), VerifyError::WrongAlgorithm);
    }
    // An access token that the client was given, as if it were its own word.
    let access = Issuer::new(CLIENT, own);
    let access = access.issue(&NewToken::for_subject(CLIENT).client_id(CLIENT).audience(ISSUER).lifetime_s(60), NOW);
    assert_eq!(verify(&access.unwrap().token, &keys).unwrap_err(), VerifyError::WrongType);
}

//
#[test]
fn with_several_keys_the_header_has_to_name_one() {
    let (first, second) = (key(), key());
    let both = registered(&[&first, &second]);
    let payload = claims(&json!({}));
    assert!(verify(&jws::sign(payload.as_bytes(), &second).unwrap(), &both).is_ok());
    let free = FreeKey::new();
    let nameless = free.sign(&json!({ "alg": "ES256" }));
    let among_others = KeySet::new(vec![first.verification_key(), free.public()]).unwrap();
    assert_eq!(verify(&nameless, &among_others).unwrap_err(), VerifyError::UnknownKey);
    assert!(verify(&nameless, &KeySet::new(vec![free.public()]).unwrap()).is_ok());
}

#[test]
fn the_client_is_named_by_the_subject_and_by_nothing_that_is_malformed() {
    let assertion = jws::sign(claims(&json!({ "sub": "app" })).as_bytes(), &key()).unwrap();
    assert_eq!(ClientAssertion::client_named_by(&assertion).as_deref(), Some("app"));
    for other in ["", "x", "a.b.c"] {
        assert_eq!(ClientAssertion::client_named_by(other), None);
    }
    let secret = VerificationKey::from_secret(Algorithm::Hs256, &[7; 32]).unwrap();
    let by_shared = by_secret(&json!({ "alg": "HS256", "kid": secret.kid() }), &[7; 32]);
    let shared = KeySet::new(vec![secret]).unwrap();
    assert_eq!(verify(&by_shared, &shared).unwrap_err(), VerifyError::WrongAlgorithm, "a key that we could sign with");
}
