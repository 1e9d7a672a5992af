//! Tokens (R-060 to R-080): what we take, two other libraries take too, and all read the same of it. The first line of the input is
//! the algorithm, the second the header, the rest the claims, which are signed here; or the first line is `raw`, and the rest is a
//! token.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_token::{Algorithm, Claims, KeySet, SigningKey, Verifier, inspect};
use jsonwebtoken::{DecodingKey, EncodingKey, Validation};
use jwt_simple::prelude::{
    Duration, ECDSAP256PublicKeyLike as _, ES256KeyPair, Ed25519KeyPair, EdDSAPublicKeyLike as _, HS256Key, JWTClaims,
    MACLike as _, VerificationOptions,
};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Map, Value};

const ISSUER: &str = "https://as.test";
const AUDIENCE: &str = "https://api.test";
/// The `kid` of every key.
const KID: &str = "k";
/// The time of the seeds.
const NOW: i64 = 1_795_311_761;
const GOOD_CLAIMS: &[u8] = br#"{"iss":"https://as.test","aud":"https://api.test","sub":"user:1","exp":1795311821,"iat":1795311761,"jti":"1","client_id":"web"}"#;
const LONGEST_S: u64 = 31 * 24 * 60 * 60;
const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";
const P256: &str = include_str!("../../crates/countersign-token/tests/data/keys/p256.pem");
const ED25519: &str = include_str!("../../crates/countersign-token/tests/data/keys/ed25519.pem");

/// One key, as the three libraries have it.
struct Keys {
    verifier: Verifier,
    plain: Verifier,
    signing: EncodingKey,
    decoding: DecodingKey,
    simple: Simple,
    algorithm: jsonwebtoken::Algorithm,
}

enum Simple {
    Hs256(HS256Key),
    Es256(ES256KeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Keys {
    fn new(ours: SigningKey, signing: EncodingKey, simple: Simple) -> Self {
        let key = ours.verification_key().with_kid(KID);
        let decoding = match key.to_jwk() {
            Some(jwk) => DecodingKey::from_jwk(&serde_json::from_value(jwk).expect("a JWK")).expect("a key"),
            None => DecodingKey::from_secret(SECRET),
        };
        let algorithm = key.algorithm().name();
        let keys = Self {
            algorithm: algorithm.parse().expect("an algorithm"),
            plain: Verifier::plain(key.clone()),
            verifier: Verifier::new(ISSUER, AUDIENCE, KeySet::new(vec![key]).expect("a key set")),
            signing,
            decoding,
            simple,
        };
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{KID}"}}"#);
        let good = keys.sign(header.as_bytes(), GOOD_CLAIMS);
        assert!(keys.verifier.verify(&good, NOW).is_ok(), "nothing would ever be taken");
        keys
    }

    fn sign(&self, header: &[u8], claims: &[u8]) -> String {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = format!("{header}.{claims}");
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.signing, self.algorithm);
        format!("{message}.{}", signature.expect("a signature"))
    }
}

static HS256: LazyLock<Keys> = LazyLock::new(|| {
    let ours = SigningKey::from_secret(Algorithm::Hs256, SECRET).expect("a key");
    Keys::new(ours, EncodingKey::from_secret(SECRET), Simple::Hs256(HS256Key::from_bytes(SECRET)))
});

static ES256: LazyLock<Keys> = LazyLock::new(|| {
    let ours = SigningKey::from_pem(Algorithm::Es256, P256).expect("a key");
    let theirs = EncodingKey::from_ec_pem(P256.as_bytes()).expect("a key");
    Keys::new(ours, theirs, Simple::Es256(ES256KeyPair::from_pem(P256).expect("a key")))
});

static EDDSA: LazyLock<Keys> = LazyLock::new(|| {
    let ours = SigningKey::from_pem(Algorithm::EdDsa, ED25519).expect("a key");
    let theirs = EncodingKey::from_ed_pem(ED25519.as_bytes()).expect("a key");
    Keys::new(ours, theirs, Simple::EdDsa(Ed25519KeyPair::from_pem(ED25519).expect("a key")))
});

/// The claims in the eyes of jsonwebtoken. It reads a clock of its own, and so is asked nothing about times.
fn jsonwebtoken(keys: &Keys, token: &str) -> Map<String, Value> {
    let mut validation = Validation::new(keys.algorithm);
    validation.validate_exp = false;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let decoded = jsonwebtoken::decode(token, &keys.decoding, &validation);
    decoded.unwrap_or_else(|error| panic!("jsonwebtoken refuses {token}: {error}")).claims
}

/// The same in those of jwt-simple, at the same time as ours; `None` where it is known to refuse what it should take.
fn jwt_simple(keys: &Keys, token: &str) -> Option<JWTClaims<Map<String, Value>>> {
    let mut options = VerificationOptions {
        artificial_time: Some(Duration::from_secs(NOW.unsigned_abs())),
        time_tolerance: Some(Duration::from_secs(0)),
        max_validity: Some(Duration::from_secs(LONGEST_S)),
        ..VerificationOptions::default()
    };
    options.allowed_issuers = Some([ISSUER.to_owned()].into());
    options.allowed_audiences = Some([AUDIENCE.to_owned()].into());
    let verified = match &keys.simple {
        Simple::Hs256(key) => key.verify_token(token, Some(options)),
        Simple::Es256(key) => key.public_key().verify_token(token, Some(options)),
        Simple::EdDsa(key) => key.public_key().verify_token(token, Some(options)),
    };
    match verified {
        Ok(claims) => Some(claims),
        Err(_) if is_misread(token) => None,
        Err(error) => panic!("jwt-simple refuses {token}: {error}"),
    }
}

/// It takes the member `jwk` of a header, which is an object (RFC 7515 section 4.1.3) and to be ignored, for a text.
fn is_misread(token: &str) -> bool {
    let header = token.split('.').next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    let header = header.and_then(|header| serde_json::from_slice::<Map<String, Value>>(&header).ok());
    header.is_some_and(|header| header.contains_key("jwk"))
}

fn check(keys: &Keys, token: &str) {
    let _ = (inspect(token), keys.plain.verify(token, NOW));
    let Ok(claims) = keys.verifier.verify(token, NOW) else { return };
    let theirs = jsonwebtoken(keys, token);
    let text = |name: &str| theirs.get(name).and_then(Value::as_str);
    assert_eq!(text("sub"), Some(claims.subject()));
    assert_eq!(text("client_id"), claims.client_id());
    assert_eq!(text("jti"), claims.token_id());
    assert_eq!(
        text("scope")
            .unwrap_or_default()
            .split(' ')
            .filter(|scope| !claims.scope().contains(scope))
            .collect::<String>(),
        ""
    );
    if let Some(theirs) = jwt_simple(keys, token) {
        assert_eq!(theirs.subject.as_deref(), Some(claims.subject()));
        assert_eq!(theirs.expires_at.map(|time| time.as_secs()), u64::try_from(claims.expires_at()).ok());
    }
    again(keys, token, &claims);
}

/// A token that is good has one spelling: with any letter changed, it is another token or none.
fn again(keys: &Keys, token: &str, claims: &Claims) {
    let end = token.len() - 1;
    let other = if token.ends_with('A') { "B" } else { "A" };
    assert!(keys.verifier.verify(&format!("{}{other}", &token[..end]), NOW).is_err());
    assert!(keys.verifier.verify(token, claims.expires_at()).is_err());
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return Corpus::Reject };
    let (kind, rest) = (&input[..end], &input[end + 1..]);
    let keys = match kind {
        b"HS256" => &*HS256,
        b"ES256" => &*ES256,
        b"EdDSA" => &*EDDSA,
        b"raw" => {
            let Ok(token) = str::from_utf8(rest) else { return Corpus::Reject };
            [&*HS256, &*ES256, &*EDDSA].into_iter().for_each(|keys| check(keys, token));
            return Corpus::Keep;
        }
        _ => return Corpus::Reject,
    };
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return Corpus::Reject };
    check(keys, &keys.sign(&rest[..end], &rest[end + 1..]));
    Corpus::Keep
});
