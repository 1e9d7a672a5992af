//! Which keys load, from which forms, and what they show of themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_token::{Algorithm, KeyError, KeySet, SigningKey, VerificationKey, jws};
use serde_json::{Value, json};

/// A key that OpenSSL made, for tests only.
macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("data/keys/", $name, ".pem"))
    };
}

fn signed(key: &SigningKey) -> String {
    jws::sign(b"payload", key).unwrap()
}

fn set(key: VerificationKey) -> KeySet {
    KeySet::new(vec![key]).unwrap()
}

/// The JWK with one member changed, or removed by `null`.
fn with(jwk: &Value, name: &str, value: Value) -> String {
    let mut jwk = jwk.clone();
    match value {
        Value::Null => jwk.as_object_mut().unwrap().remove(name),
        value => jwk.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    jwk.to_string()
}

fn public_jwk(algorithm: Algorithm) -> Value {
    SigningKey::generate(algorithm).unwrap().verification_key().to_jwk().unwrap()
}

#[test]
fn every_algorithm_makes_keys_that_sign_and_verify_and_can_be_stored() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(key.kid().len(), 43, "an RFC 7638 thumbprint");
        let token = signed(&key);
        assert_eq!(jws::verify(&token, &set(key.verification_key())).unwrap(), b"payload");

        let again = SigningKey::from_private_bytes(algorithm, &key.to_private_bytes()).unwrap();
        assert_eq!(again.kid(), key.kid());
        assert!(jws::verify(&signed(&again), &set(key.verification_key())).is_ok());

        let other = SigningKey::generate(algorithm).unwrap();
        assert_ne!(other.kid(), key.kid());
        assert!(jws::verify(&token, &set(other.verification_key().with_kid(key.kid()))).is_err());
    }
}

#[test]
fn a_private_key_reads_alike_from_all_its_pem_forms() {
    for (algorithm, private, traditional, public) in [
        (Algorithm::Rs256, pem!("rsa"), pem!("rsa-pkcs1"), pem!("rsa-public")),
        (Algorithm::Ps512, pem!("rsa"), pem!("rsa-pkcs1"), pem!("rsa-public-pkcs1")),
        (Algorithm::Es256, pem!("p256"), pem!("p256-sec1"), pem!("p256-public")),
        (Algorithm::Es384, pem!("p384"), pem!("p384-sec1"), pem!("p384-public")),
        (Algorithm::Es512, pem!("p521"), pem!("p521-sec1"), pem!("p521-public")),
        (Algorithm::EdDsa, pem!("ed25519"), pem!("ed25519"), pem!("ed25519-public")),
        (Algorithm::Ed25519, pem!("ed25519"), pem!("ed25519"), pem!("ed25519-public")),
    ] {
        let key = SigningKey::from_pem(algorithm, private).unwrap();
        let keys = set(VerificationKey::from_pem(algorithm, public).unwrap());
        assert_eq!(keys.keys()[0].kid(), key.kid(), "{algorithm}");
        for key in [key, SigningKey::from_pem(algorithm, traditional).unwrap()] {
            assert!(jws::verify(&signed(&key), &keys).is_ok(), "{algorithm}");
        }
        let read = VerificationKey::from_jwk(&keys.keys()[0].to_jwk().unwrap().to_string()).unwrap();
        assert_eq!((read.kid(), read.algorithm()), (keys.keys()[0].kid(), algorithm));
        let crlf = public.replace('\n', "\r\n");
        assert!(VerificationKey::from_pem(algorithm, &crlf).is_ok());
    }
}

#[test]
fn a_pem_that_is_not_the_key_asked_for_is_refused_with_a_word_on_why() {
    // R-078
    let sign = |algorithm, pem: &str| SigningKey::from_pem(algorithm, pem).unwrap_err();
    let verify = |algorithm, pem: &str| VerificationKey::from_pem(algorithm, pem).unwrap_err();
    assert_eq!(sign(Algorithm::Rs256, pem!("rsa-1024")), KeyError::NotForAlgorithm(Algorithm::Rs256));
    assert_eq!(sign(Algorithm::Rs256, pem!("rsa-e3")), KeyError::RsaExponent);
    assert_eq!(sign(Algorithm::Es256, pem!("p256-encrypted")), KeyError::Encrypted);
    assert_eq!(sign(Algorithm::Es256, pem!("p256-public")), KeyError::PublicKey);
    assert_eq!(verify(Algorithm::Es256, pem!("p256")), KeyError::PrivateKey);
    assert_eq!(verify(Algorithm::Es256, pem!("p256-sec1")), KeyError::PrivateKey);
    for pem in [pem!("p384"), pem!("secp256k1"), pem!("rsa"), pem!("ed25519"), pem!("x25519"), pem!("p384-sec1")] {
        assert_eq!(sign(Algorithm::Es256, pem), KeyError::NotForAlgorithm(Algorithm::Es256));
    }
    assert_eq!(sign(Algorithm::EdDsa, pem!("x25519")), KeyError::NotForAlgorithm(Algorithm::EdDsa));
    assert_eq!(sign(Algorithm::Hs256, pem!("rsa")), KeyError::NotForAlgorithm(Algorithm::Hs256));
    assert_eq!(verify(Algorithm::Hs256, pem!("rsa-public")), KeyError::NotForAlgorithm(Algorithm::Hs256));
    assert_eq!(verify(Algorithm::Es384, pem!("p256-public")), KeyError::NotForAlgorithm(Algorithm::Es384));
    assert_eq!(verify(Algorithm::EdDsa, pem!("p256-public")), KeyError::NotForAlgorithm(Algorithm::EdDsa));
    assert_eq!(verify(Algorithm::Es256, pem!("p256-public-compressed")), KeyError::NotForAlgorithm(Algorithm::Es256));
}

#[test]
fn a_pem_file_holds_one_whole_key_and_nothing_else() {
    let good = pem!("p256-public");
    let body = good.lines().nth(1).unwrap();
    for bad in [
        String::new(),
        "key".to_owned(),
        format!("{good}{good}"),
        format!("note\n{good}"),
        format!("{good}note"),
        good.replace("END PUBLIC", "END PRIVATE"),
        good.replace("-----END PUBLIC KEY-----", ""),
        good.replace(body, &format!("{body}!")),
        good.replace("PUBLIC KEY", "CERTIFICATE"),
        good.replace(body, ""),
    ] {
        assert!(VerificationKey::from_pem(Algorithm::Es256, &bad).is_err(), "{bad}");
    }
}

#[test]
fn a_public_key_has_one_form_in_der() {
    // What is read is what would be written.
    for (algorithm, pem) in [
        (Algorithm::Es256, pem!("p256-public")),
        (Algorithm::Rs256, pem!("rsa-public")),
        (Algorithm::Rs256, pem!("rsa-public-pkcs1")),
        (Algorithm::EdDsa, pem!("ed25519-public")),
    ] {
        let (begin, rest) = pem.split_once('\n').unwrap();
        let (body, end) = rest.split_once("-----END").unwrap();
        let mut der = STANDARD.decode(body.replace('\n', "")).unwrap();
        let wrap = |der: &[u8]| format!("{begin}\n{}\n-----END{end}", STANDARD.encode(der));
        assert!(VerificationKey::from_pem(algorithm, &wrap(&der)).is_ok());
        der.push(0);
        assert!(VerificationKey::from_pem(algorithm, &wrap(&der)).is_err(), "a byte after the {algorithm} key");
        der.truncate(der.len() - 2);
        assert!(VerificationKey::from_pem(algorithm, &wrap(&der)).is_err(), "a byte less of the {algorithm} key");
    }
}

#[test]
fn secrets_have_at_least_the_length_of_the_hash_unless_asked_for_by_name() {
    // R-078
    for (algorithm, length) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        let short = vec![7; length - 1];
        let refusal = KeyError::ShortSecret { algorithm, at_least: length };
        assert_eq!(SigningKey::from_secret(algorithm, &short).unwrap_err(), refusal);
        assert_eq!(VerificationKey::from_secret(algorithm, &short).unwrap_err(), refusal);
        assert!(SigningKey::from_secret(algorithm, &vec![7; length]).is_ok());
        assert_eq!(*SigningKey::from_secret(algorithm, &[7; 200]).unwrap().to_private_bytes(), vec![7; 200]);
    }
    assert!(SigningKey::from_weak_secret(b"x").is_ok());
    assert!(SigningKey::from_weak_secret(b"").is_err());
    assert!(VerificationKey::from_weak_secret(b"").is_err());
    assert!(SigningKey::from_secret(Algorithm::Es256, &[7; 64]).is_err());
}

#[test]
fn a_jwk_says_which_algorithm_it_is_for() {
    // R-064, R-086
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()) {
        let jwk = public_jwk(algorithm);
        assert_eq!(VerificationKey::from_jwk(&jwk.to_string()).unwrap().algorithm(), algorithm);
        let unnamed = VerificationKey::from_jwk(&with(&jwk, "alg", Value::Null));
        match jwk["kty"].as_str() {
            Some("EC") => assert_eq!(unnamed.unwrap().algorithm(), algorithm),
            Some("OKP") => assert_eq!(unnamed.unwrap().algorithm(), Algorithm::EdDsa),
            _ => assert_eq!(unnamed.unwrap_err(), KeyError::UnknownAlgorithm),
        }
        for other in ["none", "", "es256", "RSA1_5", "ES256K", "ES521", "HS256"] {
            let refusal = VerificationKey::from_jwk(&with(&jwk, "alg", json!(other))).unwrap_err();
            assert!(matches!(refusal, KeyError::UnknownAlgorithm | KeyError::NotForAlgorithm(_)), "{other}: {refusal}");
        }
    }
    let secret = json!({ "kty": "oct", "k": "A".repeat(86) });
    assert_eq!(VerificationKey::from_jwk(&secret.to_string()).unwrap_err(), KeyError::UnknownAlgorithm);
    assert!(VerificationKey::from_jwk(&with(&secret, "alg", json!("ES256"))).is_err());
    assert!(VerificationKey::from_jwk(&with(&secret, "alg", json!("HS512"))).is_ok());
}

#[test]
fn a_jwk_for_another_use_is_refused() {
    // R-078
    let jwk = public_jwk(Algorithm::Es256);
    let load = |name, value| VerificationKey::from_jwk(&with(&jwk, name, value));
    assert_eq!(load("use", json!("enc")).unwrap_err(), KeyError::OtherUse);
    assert_eq!(load("use", json!(1)).unwrap_err(), KeyError::Jwk("use"));
    assert_eq!(load("key_ops", json!(["encrypt"])).unwrap_err(), KeyError::OtherUse);
    assert_eq!(load("key_ops", json!(["sign"])).unwrap_err(), KeyError::OtherUse);
    assert_eq!(load("key_ops", json!([])).unwrap_err(), KeyError::OtherUse);
    assert_eq!(load("key_ops", json!("verify")).unwrap_err(), KeyError::Jwk("key_ops"));
    assert_eq!(load("key_ops", json!(["verify", 1])).unwrap_err(), KeyError::Jwk("key_ops"));
    assert!(load("key_ops", json!(["verify"])).is_ok());
    assert!(load("use", Value::Null).is_ok());
}

#[test]
fn a_malformed_or_unsound_jwk_is_refused() {
    // R-062, R-076, R-078
    let refusal = |jwk: &Value, name, value| VerificationKey::from_jwk(&with(jwk, name, value)).unwrap_err();
    let ec = public_jwk(Algorithm::Es256);
    let x = ec["x"].as_str().unwrap();
    assert_eq!(refusal(&ec, "x", Value::Null), KeyError::Jwk("x"));
    assert_eq!(refusal(&ec, "x", json!(1)), KeyError::Jwk("x"));
    assert_eq!(refusal(&ec, "x", json!(format!("{x}="))), KeyError::Jwk("x"));
    assert_eq!(refusal(&ec, "x", json!(format!("AAAA{x}"))), KeyError::Jwk("x"));
    assert_eq!(refusal(&ec, "y", json!("A".repeat(43))), KeyError::Point);
    assert_eq!(refusal(&ec, "crv", json!("P-384")), KeyError::NotForAlgorithm(Algorithm::Es256));
    assert_eq!(refusal(&ec, "crv", json!("secp256k1")), KeyError::UnknownKind);
    assert_eq!(refusal(&ec, "kty", json!("ec")), KeyError::UnknownKind);
    assert_eq!(refusal(&ec, "kty", Value::Null), KeyError::Jwk("kty"));
    assert_eq!(refusal(&ec, "kid", json!("")), KeyError::Kid);
    assert_eq!(refusal(&ec, "kid", json!("k".repeat(129))), KeyError::Kid);
    assert_eq!(refusal(&ec, "kid", json!(1)), KeyError::Jwk("kid"));
    assert_eq!(refusal(&ec, "d", json!("A".repeat(43))), KeyError::PrivateKey);

    let rsa = public_jwk(Algorithm::Rs256);
    assert_eq!(refusal(&rsa, "e", json!("AQ")), KeyError::RsaExponent);
    assert_eq!(refusal(&rsa, "e", json!("Aw")), KeyError::RsaExponent);
    assert_eq!(refusal(&rsa, "e", json!("AAEAAQ")), KeyError::RsaExponent);
    assert_eq!(refusal(&rsa, "n", json!("_".repeat(171))), KeyError::Jwk("n"));
    assert_eq!(refusal(&rsa, "n", json!("A".repeat(342))), KeyError::RsaSize);

    let ed = public_jwk(Algorithm::EdDsa);
    for small in ["AA", "AQ"] {
        let x = format!("{small}{}", "A".repeat(41));
        assert_eq!(refusal(&ed, "x", json!(x)), KeyError::Point, "{x}");
    }
    assert_eq!(refusal(&ed, "x", json!("A".repeat(42))), KeyError::Jwk("x"));
    assert_eq!(refusal(&ed, "crv", json!("X25519")), KeyError::UnknownKind);

    let text = ec.to_string();
    for bad in ["", "[]", "null", &text.replacen('{', r#"{"kty":"EC","#, 1), &format!("{text}x"), &format!("[{text}]")]
    {
        assert!(VerificationKey::from_jwk(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_private_jwk_whose_parts_do_not_fit_is_refused() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("data/rfc_vectors.json")).unwrap();
    for vector in vectors {
        let jwk = &vector["jwk"];
        let name = vector["name"].as_str().unwrap();
        assert!(SigningKey::from_jwk(&jwk.to_string()).is_ok(), "{name}");
        for part in jwk
            .as_object()
            .unwrap()
            .keys()
            .filter(|part| !["kty", "kid", "use", "alg", "key_ops"].contains(&part.as_str()))
        {
            assert!(SigningKey::from_jwk(&with(jwk, part, Value::Null)).is_err(), "{name} without {part}");
            if part != "k" && part != "crv" {
                let text = jwk[part].as_str().unwrap();
                let first = if text.starts_with('B') { "C" } else { "B" };
                let changed = json!(format!("{first}{}", text.get(1..).unwrap()));
                assert!(SigningKey::from_jwk(&with(jwk, part, changed)).is_err(), "{name} with another {part}");
            }
        }
        assert!(SigningKey::from_jwk(&with(jwk, "key_ops", json!(["verify"]))).is_err(), "{name} for verifying only");
    }
}

#[test]
fn a_key_set_never_mixes_secrets_and_public_keys_nor_repeats_an_identifier() {
    // R-065, R-066
    let key = SigningKey::generate(Algorithm::Es256).unwrap().verification_key();
    let other = SigningKey::generate(Algorithm::Rs256).unwrap().verification_key();
    let secret = SigningKey::generate(Algorithm::Hs256).unwrap().verification_key();
    let refusal = |keys: &[&VerificationKey]| KeySet::new(keys.iter().copied().cloned().collect()).unwrap_err();
    assert_eq!(refusal(&[]), KeyError::EmptySet);
    assert_eq!(refusal(&[&key, &secret]), KeyError::MixedKinds);
    assert_eq!(refusal(&[&secret, &other]), KeyError::MixedKinds);
    assert_eq!(refusal(&[&key, &key]), KeyError::DuplicateKid);
    assert_eq!(refusal(&[&key, &other.clone().with_kid(key.kid())]), KeyError::DuplicateKid);
    assert_eq!(refusal(&[&key.clone().with_kid("")]), KeyError::Kid);
    assert_eq!(refusal(&[&key.clone().with_kid("k".repeat(129))]), KeyError::Kid);
    assert_eq!(KeySet::new(vec![key, other]).unwrap().keys().len(), 2);
}

#[test]
fn a_published_key_set_has_public_members_only() {
    // R-082
    let keys: Vec<VerificationKey> = Algorithm::ALL
        .into_iter()
        .filter(|algorithm| !algorithm.is_symmetric())
        .map(|algorithm| SigningKey::generate(algorithm).unwrap().verification_key())
        .collect();
    let jwks = KeySet::new(keys).unwrap().to_jwks();
    for jwk in jwks["keys"].as_array().unwrap() {
        let mut names: Vec<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let wanted = match jwk["kty"].as_str().unwrap() {
            "EC" => ["alg", "crv", "kid", "kty", "use", "x", "y"].as_slice(),
            "OKP" => &["alg", "crv", "kid", "kty", "use", "x"],
            _ => &["alg", "e", "kid", "kty", "n", "use"],
        };
        assert_eq!(names, wanted);
        assert_eq!(jwk["use"], "sig");
    }
    assert_eq!(KeySet::from_jwks(&jwks.to_string()).unwrap().to_jwks(), jwks);
    let secret = SigningKey::generate(Algorithm::Hs256).unwrap().verification_key();
    assert_eq!(secret.to_jwk(), None);
    assert_eq!(set(secret).to_jwks(), json!({ "keys": [] }));
}

#[test]
fn a_key_set_passes_over_keys_for_other_uses_but_not_over_bad_ones() {
    // R-065, R-078; RFC 7517 section 5
    let good = public_jwk(Algorithm::Es256);
    let parse = |jwk: &str| KeySet::from_jwks(&format!(r#"{{"keys":[{good},{jwk}]}}"#)).map(|set| set.keys().len());
    let other = public_jwk(Algorithm::Rs256);
    assert_eq!(parse(&other.to_string()), Ok(2));
    assert_eq!(parse(&with(&other, "use", json!("enc"))), Ok(1));
    assert_eq!(parse(&with(&other, "alg", json!("RSA-OAEP"))), Ok(1));
    assert_eq!(parse(r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#), Ok(1));
    assert_eq!(parse(&with(&other, "e", json!("Aw"))), Err(KeyError::RsaExponent));
    assert_eq!(parse(&good.to_string()), Err(KeyError::DuplicateKid));
    assert_eq!(parse("1"), Err(KeyError::JwkSet));
    let secret = json!({ "kty": "oct", "alg": "HS256", "k": "A".repeat(43) });
    assert_eq!(parse(&secret.to_string()), Err(KeyError::MixedKinds));
    assert_eq!(parse(&with(&secret, "use", json!("enc"))), Err(KeyError::OtherUse));
    assert_eq!(parse(&with(&secret, "alg", json!("A128KW"))), Err(KeyError::UnknownAlgorithm));
    for bad in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]}"#, &good.to_string(), r#"{"keys":[],"keys":[]}"#] {
        assert!(KeySet::from_jwks(bad).is_err(), "{bad}");
    }
}

#[test]
fn no_key_shows_a_secret_in_debug_output() {
    // R-084
    let weak = SigningKey::from_weak_secret(b"correct horse").unwrap();
    assert_eq!(format!("{weak:?}"), r#"SigningKey { algorithm: Hs256, kid: "weak", .. }"#);
    assert_eq!(format!("{:?}", weak.verification_key()), r#"VerificationKey { algorithm: Hs256, kid: "weak", .. }"#);
    let key = SigningKey::from_pem(Algorithm::Es256, pem!("p256")).unwrap();
    let jwk = key.verification_key().to_jwk().unwrap();
    let shown = format!("{key:?} {:?} {:?}", key.verification_key(), set(key.verification_key()));
    assert!(!shown.contains(jwk["x"].as_str().unwrap()), "{shown}");
}
