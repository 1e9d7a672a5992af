//! The same tokens in another library's eyes: what we issue it takes, what it issues we take, and we take nothing
//! that it refuses.

#![allow(clippy::unwrap_used, reason = "a test may")]

use countersign_token::{Algorithm, Claims, Issuer, KeySet, NewToken, SigningKey, Verifier, VerifyError};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, TokenData, Validation, decode, encode, get_current_timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

const ISSUER: &str = "https://as.test";
const AUDIENCE: &str = "https://api.test";
const SECRET: [u8; 64] = [7; 64];

/// The other library reads the clock itself.
fn now() -> i64 {
    i64::try_from(get_current_timestamp()).unwrap()
}

/// One key as both sides have it, and the other library's name of the algorithm.
struct Pair {
    ours: SigningKey,
    theirs: EncodingKey,
    algorithm: jsonwebtoken::Algorithm,
}

fn pairs() -> Vec<Pair> {
    let rsa = include_str!("data/keys/rsa.pem");
    let (p256, p384) = (include_str!("data/keys/p256.pem"), include_str!("data/keys/p384.pem"));
    let ed25519 = include_str!("data/keys/ed25519.pem");
    // ES512 and the name Ed25519 it does not know.
    let both =
        [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512]
            .into_iter()
            .chain([
                Algorithm::Ps256,
                Algorithm::Ps384,
                Algorithm::Ps512,
                Algorithm::Hs256,
                Algorithm::Hs384,
                Algorithm::Hs512,
            ]);
    both.map(|algorithm| {
        let (ours, theirs) = match algorithm {
            Algorithm::Es256 => (SigningKey::from_pem(algorithm, p256), EncodingKey::from_ec_pem(p256.as_bytes())),
            Algorithm::Es384 => (SigningKey::from_pem(algorithm, p384), EncodingKey::from_ec_pem(p384.as_bytes())),
            Algorithm::EdDsa => {
                (SigningKey::from_pem(algorithm, ed25519), EncodingKey::from_ed_pem(ed25519.as_bytes()))
            }
            secret if secret.is_symmetric() => {
                (SigningKey::from_secret(algorithm, &SECRET), Ok(EncodingKey::from_secret(&SECRET)))
            }
            _ => (SigningKey::from_pem(algorithm, rsa), EncodingKey::from_rsa_pem(rsa.as_bytes())),
        };
        Pair { ours: ours.unwrap(), theirs: theirs.unwrap(), algorithm: algorithm.name().parse().unwrap() }
    })
    .collect()
}

fn verifier(key: &SigningKey) -> Verifier {
    Verifier::new(ISSUER, AUDIENCE, KeySet::new(vec![key.verification_key()]).unwrap())
}

/// The other library, as strict as it can be set.
fn their_answer(
    token: &str,
    key: &SigningKey,
    algorithm: jsonwebtoken::Algorithm,
) -> jsonwebtoken::errors::Result<TokenData<Value>> {
    let decoding = match key.verification_key().to_jwk() {
        Some(jwk) => DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(jwk).unwrap()).unwrap(),
        None => DecodingKey::from_secret(&key.to_private_bytes()),
    };
    let mut validation = Validation::new(algorithm);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    decode(token, &decoding, &validation)
}

#[test]
fn the_other_library_takes_what_we_issue() {
    for Pair { ours, algorithm, .. } in pairs() {
        let issuer = Issuer::new(ISSUER, ours);
        let request = NewToken::for_subject("user:ada").client_id("web").audience(AUDIENCE);
        let token = issuer.issue(&request, now()).unwrap().token;
        let seen = their_answer(&token, issuer.key(), algorithm).unwrap();
        assert_eq!(seen.claims["sub"], "user:ada");
        assert_eq!(seen.header.kid.as_deref(), Some(issuer.key().kid()));
    }
}

fn access_token_header(pair: &Pair) -> Header {
    let mut header = Header::new(pair.algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(pair.ours.kid().to_owned());
    header
}

fn good_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "user:ada", "aud": AUDIENCE, "exp": now() + 600, "iat": now() - 10, "jti": "1", "client_id": "web"
    })
}

#[test]
fn we_take_what_the_other_library_issues() {
    for pair in pairs() {
        let token = encode(&access_token_header(&pair), &good_claims(), &pair.theirs).unwrap();
        assert_eq!(verifier(&pair.ours).verify(&token, now()).unwrap().subject(), "user:ada");

        let plain =
            encode(&Header::new(pair.algorithm), &json!({ "sub": "ada", "exp": now() + 600 }), &pair.theirs).unwrap();
        assert_eq!(Verifier::plain(pair.ours.verification_key()).verify(&plain, now()).unwrap().subject(), "ada");
        let refusal = verifier(&pair.ours).verify(&plain, now()).unwrap_err();
        assert!(matches!(refusal, VerifyError::WrongType), "a plain token is no access token");
    }
}

fn any_claim() -> impl Strategy<Value = Value> {
    let now = now();
    let texts = [ISSUER, AUDIENCE, "user:ada", "", "x", "me admin", "1800000600"].map(Value::from).to_vec();
    prop_oneof![
        prop::sample::select(texts),
        prop::sample::select(vec![now - 1, now + 60, now + 600, now + 6_000_000, -1, 0]).prop_map(Value::from),
        prop::sample::select(vec![1e308, -0.5, 0.5]).prop_map(Value::from),
        Just(Value::Null),
        Just(json!([AUDIENCE, "x"])),
        Just(json!([AUDIENCE, 1])),
        Just(json!([])),
        Just(json!({})),
        any::<bool>().prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn we_take_nothing_that_the_other_library_refuses(
        changes in prop::collection::btree_map(
            prop::sample::select(vec!["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "x"]),
            prop::option::of(any_claim()),
            0..4,
        )
    ) {
        let pair = pairs().pop().unwrap();
        let mut claims = good_claims();
        for (name, value) in changes {
            match value {
                Some(value) => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
                None => claims.as_object_mut().unwrap().remove(name),
            };
        }
        let token = encode(&access_token_header(&pair), &claims, &pair.theirs).unwrap();
        let ours: Option<Claims> = verifier(&pair.ours).verify(&token, now()).ok();
        if let Some(ours) = ours {
            match their_answer(&token, &pair.ours, pair.algorithm) {
                Ok(theirs) => prop_assert_eq!(ours.get("sub"), theirs.claims.get("sub")),
                Err(refusal) => prop_assert!(false, "{claims}: {refusal}"),
            }
        }
    }
}
