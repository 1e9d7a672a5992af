//! What a verifier takes and refuses, claim by claim, in both profiles.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod issuing;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_token::{
    Algorithm, Claims, IssueError, Issuer, KeySet, NewToken, SigningKey, Subject, VerificationKey, Verifier,
    VerifyError, inspect,
};
use serde_json::{Map, Value, json};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://as.test";
const AUDIENCE: &str = "https://api.test";
const SECRET: [u8; 32] = [7; 32];

/// A token with any header and payload, signed well.
fn signed(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn key() -> VerificationKey {
    VerificationKey::from_secret(Algorithm::Hs256, &SECRET).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(ISSUER, AUDIENCE, KeySet::new(vec![key()]).unwrap())
}

/// The claims of a good access token with some changed, or removed by `null`, or null by `"NULL"`.
fn claims(changes: &Value) -> Map<String, Value> {
    let mut claims = json!({
        "iss": ISSUER, "sub": "user:ada", "aud": AUDIENCE, "exp": NOW + 600, "iat": NOW, "jti": "1", "client_id": "web",
        "scope": "me"
    });
    let all = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => all.remove(name),
            Value::String(null) if null == "NULL" => all.insert(name.clone(), Value::Null),
            value => all.insert(name.clone(), value.clone()),
        };
    }
    std::mem::take(all)
}

fn access_token(changes: &Value) -> String {
    signed(r#"{"alg":"HS256","typ":"at+jwt"}"#, &Value::Object(claims(changes)).to_string())
}

fn verify(changes: &Value) -> Result<Claims, VerifyError> {
    verifier().verify(&access_token(changes), NOW)
}

fn refusal(changes: &Value) -> VerifyError {
    verify(changes).unwrap_err()
}

#[test]
fn a_good_token_gives_its_claims() {
    let claims = verify(&json!({ "sid": "s1", "tenant": 7 })).unwrap();
    assert_eq!(claims.subject(), "user:ada");
    assert_eq!(claims.scope().to_string(), "me");
    assert_eq!(claims.issuer(), Some(ISSUER));
    assert_eq!(claims.client_id(), Some("web"));
    assert_eq!(claims.token_id(), Some("1"));
    assert_eq!(claims.session_id(), Some("s1"));
    assert_eq!(claims.issued_at(), Some(NOW));
    assert_eq!(claims.expires_at(), NOW + 600);
    assert_eq!(claims.get("tenant"), Some(&json!(7)));
    assert_eq!(claims.get("other"), None);
    assert!(claims.deserialize::<Vec<Value>>().is_err(), "an object is no array");
    assert!(claims.deserialize::<Map<String, Value>>().is_ok());
}

#[test]
fn every_claim_of_an_access_token_is_required() {
    // R-070, R-071, R-074
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        assert_eq!(refusal(&json!({ name: null })), VerifyError::MissingClaim(name));
    }
    assert!(verify(&json!({ "scope": null })).unwrap().scope().is_empty());
}

#[test]
fn claims_of_a_wrong_type_are_refused() {
    // R-070, R-071, R-074, R-075
    for name in ["iss", "sub", "jti", "client_id", "sid"] {
        for value in [json!("NULL"), json!(1), json!(true), json!([]), json!({}), json!("")] {
            assert_eq!(refusal(&json!({ name: value })), VerifyError::BadClaim(name), "{name}: {value}");
        }
    }
    for value in [json!("NULL"), json!(1), json!(true), json!(["me"]), json!({"me": true})] {
        assert_eq!(refusal(&json!({ "scope": value })), VerifyError::BadClaim("scope"), "{value}");
    }
    for value in
        [json!("NULL"), json!(1), json!(true), json!({}), json!([1]), json!([1, AUDIENCE]), json!([AUDIENCE, null])]
    {
        assert_eq!(refusal(&json!({ "aud": value })), VerifyError::BadClaim("aud"), "{value}");
    }
    for name in ["exp", "iat", "nbf"] {
        for value in ["NULL", "1800000600", ""] {
            assert_eq!(refusal(&json!({ name: value })), VerifyError::BadClaim(name), "{name}: {value}");
        }
        for value in [json!(true), json!([NOW]), json!({}), json!(-1), json!(-0.5), json!(1_u64 << 53), json!(1e308)] {
            assert_eq!(refusal(&json!({ name: value })), VerifyError::BadClaim(name), "{name}: {value}");
        }
    }
}

#[test]
fn issuer_and_audience_are_compared_byte_for_byte() {
    // R-070
    for other in ["https://evil.test", "https://as.test/", "HTTPS://AS.TEST", "https://as.test\0", " https://as.test"] {
        assert_eq!(refusal(&json!({ "iss": other })), VerifyError::WrongIssuer, "{other}");
    }
    for other in ["https://api.test.evil.test", "api.test", "https://api.test,https://x", "", "https://API.test"] {
        assert_eq!(refusal(&json!({ "aud": other })), VerifyError::WrongAudience, "{other}");
        assert_eq!(refusal(&json!({ "aud": [other] })), VerifyError::WrongAudience, "{other}");
    }
    assert_eq!(refusal(&json!({ "aud": [] })), VerifyError::WrongAudience);
    assert!(verify(&json!({ "aud": ["https://x.test", AUDIENCE] })).is_ok());
}

#[test]
fn a_token_expires_at_the_very_second_of_exp() {
    // R-073
    let token = access_token(&json!({}));
    assert!(verifier().verify(&token, NOW + 599).is_ok());
    assert_eq!(verifier().verify(&token, NOW + 600).unwrap_err(), VerifyError::Expired);
    assert_eq!(verifier().verify(&token, i64::MAX).unwrap_err(), VerifyError::Expired);
}

#[test]
fn a_token_is_not_valid_before_nbf_and_iat() {
    // R-071, R-072
    assert_eq!(refusal(&json!({ "nbf": NOW + 1 })), VerifyError::NotYetValid);
    assert!(verify(&json!({ "nbf": NOW })).is_ok());
    assert_eq!(refusal(&json!({ "iat": NOW + 1 })), VerifyError::IssuedInFuture);
    assert_eq!(verifier().verify(&access_token(&json!({})), i64::MIN).unwrap_err(), VerifyError::IssuedInFuture);
}

#[test]
fn the_leeway_counts_once_for_each_time_and_is_bounded() {
    // R-072
    let token = access_token(&json!({ "nbf": NOW }));
    let with = |leeway: i64, now: i64| verifier().leeway_s(leeway).verify(&token, now).map(|_| ());
    assert_eq!(with(30, NOW + 629), Ok(()));
    assert_eq!(with(30, NOW + 630), Err(VerifyError::Expired));
    assert_eq!(with(30, NOW - 30), Ok(()));
    assert_eq!(with(30, NOW - 31), Err(VerifyError::NotYetValid));
    assert_eq!(with(i64::MAX, NOW + 899), Ok(()));
    assert_eq!(with(i64::MAX, NOW + 900), Err(VerifyError::Expired));
    assert_eq!(with(i64::MIN, NOW + 600), Err(VerifyError::Expired));
}

#[test]
fn a_fraction_of_a_second_is_cut_off() {
    // R-071
    let claims = verify(&json!({ "exp": NOW_F + 1.9, "iat": NOW_F + 0.9, "nbf": NOW_F + 0.9 })).unwrap();
    assert_eq!((claims.expires_at(), claims.issued_at()), (NOW + 1, Some(NOW)));
    assert_eq!(refusal(&json!({ "exp": NOW_F + 0.9 })), VerifyError::Expired);
    let largest = (1_i64 << 53) - 1;
    let token = access_token(&json!({ "exp": largest }));
    let forever = verifier().longest_lifetime_s(i64::MAX);
    assert_eq!(forever.verify(&token, NOW).unwrap().expires_at(), largest);
}

const NOW_F: f64 = 1_800_000_000.0;

#[test]
fn no_token_lives_longer_than_the_longest_lifetime() {
    // R-072
    let month = 31 * 24 * 60 * 60;
    assert!(verify(&json!({ "exp": NOW + month })).is_ok());
    assert_eq!(refusal(&json!({ "exp": NOW + month + 1 })), VerifyError::LifetimeTooLong);
    let hour = verifier().longest_lifetime_s(3600);
    let token = access_token(&json!({ "exp": NOW + 3601 }));
    assert_eq!(hour.verify(&token, NOW).unwrap_err(), VerifyError::LifetimeTooLong);
}

#[test]
fn only_access_tokens_are_taken_for_access_tokens() {
    // R-069
    let payload = Value::Object(claims(&json!({}))).to_string();
    let with = |typ: &str| verifier().verify(&signed(&format!(r#"{{"alg":"HS256"{typ}}}"#), &payload), NOW).map(|_| ());
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
        assert_eq!(with(&format!(r#","typ":"{typ}""#)), Ok(()), "{typ}");
    }
    for typ in
        ["JWT", "id_token+jwt", "logout+jwt", "dpop+jwt", "refresh+jwt", "", "at+jwt ", "text/at+jwt", "at+jwt;x=1"]
    {
        assert_eq!(with(&format!(r#","typ":"{typ}""#)), Err(VerifyError::WrongType), "{typ}");
    }
    assert_eq!(with(""), Err(VerifyError::WrongType));
    assert_eq!(with(r#","typ":1"#), Err(VerifyError::Malformed));
    assert_eq!(with(r#","typ":null"#), Err(VerifyError::Malformed));
}

#[test]
fn the_signature_stands_before_everything_the_claims_say() {
    // R-080
    for changes in [json!({ "exp": NOW - 1 }), json!({ "iss": "x" }), json!({ "aud": 1 }), json!({ "sub": null })] {
        let token = access_token(&changes);
        assert_ne!(verifier().verify(&token, NOW).unwrap_err(), VerifyError::BadSignature);
        let (input, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let forged = format!("{input}.{first}{}", &signature[1..]);
        assert_eq!(verifier().verify(&forged, NOW).unwrap_err(), VerifyError::BadSignature);
    }
}

#[test]
fn claims_that_are_not_one_strict_object_are_refused() {
    // R-062
    let header = r#"{"alg":"HS256","typ":"at+jwt"}"#;
    let good = Value::Object(claims(&json!({}))).to_string();
    for payload in [
        "x",
        "[]",
        "null",
        r#""sub""#,
        &format!("{good}{{}}"),
        &format!("\u{feff}{good}"),
        &format!("[{good}]"),
        &good.replacen('{', r#"{"exp":1,"#, 1),
        &good.replacen('{', r#"{"\u0065xp":1,"#, 1),
        &good.replacen('{', r#"{"a":{"b":1,"b":2},"#, 1),
    ] {
        assert_eq!(
            verifier().verify(&signed(header, payload), NOW).unwrap_err(),
            VerifyError::MalformedClaims,
            "{payload}"
        );
        assert_eq!(
            Verifier::plain(key()).verify(&signed(r#"{"alg":"HS256"}"#, payload), NOW).unwrap_err(),
            VerifyError::MalformedClaims
        );
    }
}

#[test]
fn a_subject_has_no_control_characters_no_space_around_it_and_a_bounded_length() {
    // R-074
    for subject in ["user-1 ", " user-1", "user-1\0", "a\nb", "\u{a0}a", "a\u{85}", "\u{3000}a"] {
        assert_eq!(refusal(&json!({ "sub": subject })), VerifyError::BadClaim("sub"), "{subject:?}");
    }
    assert_eq!(refusal(&json!({ "sub": "x".repeat(256) })), VerifyError::BadClaim("sub"));
    for subject in ["jürgen", "a b", "auth0|123", "x", &"x".repeat(255), "user-1' OR '1'='1"] {
        assert_eq!(verify(&json!({ "sub": subject })).unwrap().subject(), subject);
    }
}

#[test]
fn scopes_in_a_token_keep_to_their_syntax() {
    // R-039, R-075
    for scope in ["me\tadmin", "me\u{a0}admin", "me  admin", " me", "me ", "me\nadmin", "\"me\"", "a\\b", "mé"] {
        assert_eq!(refusal(&json!({ "scope": scope })), VerifyError::BadClaim("scope"), "{scope:?}");
    }
    let claims = verify(&json!({ "scope": "some ME" })).unwrap();
    assert!(!claims.scope().contains("me"));
    assert!(verify(&json!({ "scope": "" })).unwrap().scope().is_empty());
}

#[test]
fn a_token_over_the_limit_is_refused_before_it_is_read() {
    // R-060, R-081
    let token = access_token(&json!({ "z": "x".repeat(7000) }));
    assert!(token.len() > 8192);
    assert_eq!(verifier().verify(&token, NOW).unwrap_err(), VerifyError::TooLong);
    assert!(verifier().max_token_bytes(token.len()).verify(&token, NOW).is_ok());
    assert_eq!(verifier().max_token_bytes(token.len() - 1).verify(&token, NOW).unwrap_err(), VerifyError::TooLong);
}

#[test]
fn the_plain_profile_takes_the_tokens_of_other_programs() {
    let plain = |header: &str, payload: Value| {
        Verifier::plain(key())
            .verify(&signed(header, &payload.to_string()), NOW)
            .map(|claims| claims.subject().to_owned())
    };
    let good = || json!({ "sub": "ada", "exp": NOW + 600 });
    for header in [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"../../dev/null"}"#,
        r#"{"alg":"HS256","typ":"JWT","jku":"http://127.0.0.1:9/","jwk":{"kty":"oct","k":"AAAA"}}"#,
    ] {
        assert_eq!(plain(header, good()).as_deref(), Ok("ada"), "{header}");
    }
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    for more in [
        json!({ "exp": NOW + 3_155_760_000_i64 }),
        json!({ "iss": "https://issuer.example" }),
        json!({ "jti": "a" }),
        json!({ "iat": NOW - 300 }),
        json!({ "nbf": NOW }),
        json!({ "scope": "items:read" }),
        json!({ "foo": { "bar": [1, null] } }),
    ] {
        let mut payload = good();
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(plain(header, payload).as_deref(), Ok("ada"), "{more}");
    }
}

#[test]
fn the_plain_profile_is_strict_about_what_it_reads() {
    // R-063, R-068, R-071
    let plain = |header: &str, payload: &Value| {
        Verifier::plain(key()).verify(&signed(header, &payload.to_string()), NOW).unwrap_err()
    };
    let good = json!({ "sub": "ada", "exp": NOW + 600 });
    for (header, refusal) in [
        (r#"{"alg":"none"}"#, VerifyError::WrongAlgorithm),
        (r#"{"alg":"HS384"}"#, VerifyError::WrongAlgorithm),
        (r#"{"alg":"HS256","crit":["exp"]}"#, VerifyError::UnsupportedHeader),
        (r#"{"alg":"HS256","b64":true}"#, VerifyError::UnsupportedHeader),
        (r#"{"alg":"HS256","zip":"DEF"}"#, VerifyError::UnsupportedHeader),
        (r#"{"alg":"HS256","enc":"A256GCM"}"#, VerifyError::UnsupportedHeader),
        (r#"{"alg":"HS256","kid":7}"#, VerifyError::Malformed),
        (r#"{"alg":"HS256","typ":1}"#, VerifyError::Malformed),
        (r#"{"alg":"HS256","typ":"logout+jwt"}"#, VerifyError::WrongType),
    ] {
        assert_eq!(plain(header, &good), refusal, "{header}");
    }
    for (change, refusal) in [
        (json!({ "exp": NOW }), VerifyError::Expired),
        (json!({ "exp": "1800000600" }), VerifyError::BadClaim("exp")),
        (json!({ "exp": 1e30 }), VerifyError::BadClaim("exp")),
        (json!({ "sub": "" }), VerifyError::BadClaim("sub")),
        (json!({ "sub": 0 }), VerifyError::BadClaim("sub")),
        (json!({ "sub": "x".repeat(256) }), VerifyError::BadClaim("sub")),
        (json!({ "nbf": NOW + 1 }), VerifyError::NotYetValid),
        (json!({ "nbf": null }), VerifyError::BadClaim("nbf")),
        (json!({ "iat": NOW + 300 }), VerifyError::IssuedInFuture),
        (json!({ "iat": "x" }), VerifyError::BadClaim("iat")),
        (json!({ "jti": 1 }), VerifyError::BadClaim("jti")),
        (json!({ "aud": "some-api" }), VerifyError::WrongAudience),
        (json!({ "aud": "" }), VerifyError::WrongAudience),
        (json!({ "aud": [] }), VerifyError::WrongAudience),
        (json!({ "scope": ["admin"] }), VerifyError::BadClaim("scope")),
    ] {
        let mut payload = good.clone();
        payload.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(plain(r#"{"alg":"HS256"}"#, &payload), refusal, "{change}");
    }
    assert_eq!(plain(r#"{"alg":"HS256"}"#, &json!({ "exp": NOW + 1 })), VerifyError::MissingClaim("sub"));
    assert_eq!(plain(r#"{"alg":"HS256"}"#, &json!({ "sub": "ada" })), VerifyError::MissingClaim("exp"));
}
