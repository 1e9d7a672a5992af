//! What the issuer makes, and what our own verifier says to it.

use super::*;

#[test]
fn an_issued_access_token_says_what_was_asked_for() {
    // RFC 9068 section 2
    let issuer = Issuer::new(ISSUER, SigningKey::generate(Algorithm::Es256).unwrap());
    let new = NewToken::for_subject("user:ada")
        .client_id("web")
        .audience(AUDIENCE)
        .scope("me items:read".parse().unwrap())
        .lifetime_s(60)
        .session_id("s1")
        .extra("tenant", 7);
    let token = issuer.issue(&new, NOW).unwrap();
    let seen = inspect(&token.token).unwrap();
    assert_eq!(Value::Object(seen.header), json!({ "alg": "ES256", "typ": "at+jwt", "kid": issuer.key().kid() }));
    assert_eq!(
        Value::Object(seen.claims),
        json!({
            "iss": ISSUER, "sub": "user:ada", "aud": AUDIENCE, "exp": NOW + 60, "iat": NOW, "jti": token.id,
            "client_id": "web", "scope": "items:read me", "sid": "s1", "tenant": 7
        })
    );
    assert_eq!((token.id.len(), token.expires_at), (22, NOW + 60));
    assert_ne!(issuer.issue(&new, NOW).unwrap().id, token.id);
    assert!(!format!("{token:?}").contains(&token.token));

    let several = new.audience("https://other.test");
    let seen = inspect(&issuer.issue(&several, NOW).unwrap().token).unwrap();
    assert_eq!(seen.claims["aud"], json!([AUDIENCE, "https://other.test"]));
}

#[test]
fn an_issued_plain_token_has_no_more_than_it_must() {
    let issuer = Issuer::plain(SigningKey::from_weak_secret(b"your_secret_key").unwrap());
    let new = NewToken::for_subject("testuser").client_id("web").audience(AUDIENCE).session_id("s1");
    let token = issuer.issue(&new, NOW).unwrap();
    let seen = inspect(&token.token).unwrap();
    assert_eq!(Value::Object(seen.header), json!({ "alg": "HS256", "typ": "JWT" }));
    assert_eq!(Value::Object(seen.claims), json!({ "sub": "testuser", "exp": NOW + 1800 }));
    assert_eq!(token.id, "");
    let scoped = issuer.issue(&new.scope("me".parse().unwrap()), NOW).unwrap();
    assert_eq!(inspect(&scoped.token).unwrap().claims["scope"], "me");
}

#[test]
fn what_our_own_verifier_would_refuse_is_not_issued() {
    let issuer = Issuer::new(ISSUER, SigningKey::generate(Algorithm::Hs256).unwrap());
    let new = || NewToken::for_subject("user:ada").client_id("web").audience(AUDIENCE);
    let refusal = |new: NewToken| issuer.issue(&new, NOW).unwrap_err();
    assert_eq!(refusal(NewToken { subject: String::new(), ..new() }), IssueError::Subject);
    assert_eq!(refusal(NewToken { subject: " a".to_owned(), ..new() }), IssueError::Subject);
    assert_eq!(refusal(new().client_id("")), IssueError::Empty("client_id"));
    assert_eq!(refusal(NewToken { audience: Vec::new(), ..new() }), IssueError::Empty("aud"));
    assert_eq!(refusal(new().audience("")), IssueError::Empty("aud"));
    assert_eq!(refusal(new().session_id("")), IssueError::Empty("sid"));
    for lifetime in [0, -1, i64::MIN, i64::MAX, 1 << 53] {
        assert_eq!(refusal(new().lifetime_s(lifetime)), IssueError::Lifetime, "{lifetime}");
    }
    for now in [-1, i64::MIN, i64::MAX, 1 << 53] {
        assert_eq!(issuer.issue(&new(), now).unwrap_err(), IssueError::Lifetime, "{now}");
    }
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "sid"] {
        assert_eq!(refusal(new().extra(name, "x")), IssueError::ReservedClaim, "{name}");
    }
    let deep = (0..16).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(refusal(new().extra("deep", deep)), IssueError::TooDeep);
    assert_eq!(refusal(new().extra("long", "x".repeat(7000))), IssueError::TooLong);
    let nameless = Issuer::new("", SigningKey::generate(Algorithm::Hs256).unwrap());
    assert_eq!(nameless.issue(&new(), NOW).unwrap_err(), IssueError::Empty("iss"));
}

#[test]
fn a_token_of_one_key_is_refused_by_another_and_taken_by_a_set_with_both() {
    //
    let old = SigningKey::generate(Algorithm::Es256).unwrap();
    let new = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let (old_key, new_key) = (old.verification_key(), new.verification_key());
    let verifier = |keys: &[&VerificationKey]| {
        Verifier::new(ISSUER, AUDIENCE, KeySet::new(keys.iter().copied().cloned().collect()).unwrap())
    };
    let request = NewToken::for_subject("user:ada").client_id("web").audience(AUDIENCE);
    for signing in [old, new] {
        let token = Issuer::new(ISSUER, signing).issue(&request, NOW).unwrap().token;
        assert!(verifier(&[&old_key, &new_key]).verify(&token, NOW).is_ok());
    }
    let token =
        Issuer::new(ISSUER, SigningKey::generate(Algorithm::Es256).unwrap()).issue(&request, NOW).unwrap().token;
    assert_eq!(verifier(&[&old_key]).verify(&token, NOW).unwrap_err(), VerifyError::UnknownKey);
}

#[test]
fn the_longest_subject_can_stand_in_a_token() {
    let kind = "k".repeat(127);
    let longest = Subject::new(&kind, &"x".repeat(127)).unwrap();
    assert!(Subject::new(&kind, &"x".repeat(128)).is_err());
    let issuer = Issuer::plain(SigningKey::from_secret(Algorithm::Hs256, &SECRET).unwrap());
    assert!(issuer.issue(&NewToken::for_subject(longest.as_str()), NOW).is_ok());
}
