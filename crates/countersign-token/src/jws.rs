//! Compact JWS (RFC 7515): taking tokens apart, checking the signature, and signing. Knows nothing of claims.

use serde_json::{Map, Value, json};

use crate::base64url;
use crate::json;
use crate::key::{KeySet, MAX_KID_BYTES, SigningFailed, SigningKey, VerificationKey};
use crate::refusal::VerifyError;

/// The most bytes of a token unless a verifier says otherwise (R-060).
pub const MAX_TOKEN_BYTES: usize = 8192;

/// The length of most signatures in base64url (ES256, Ed25519); a token with a longer one grows once.
const SIGNATURE_CHARACTERS: usize = 86;

/// A JWS that is taken apart and not yet verified. What it says can be had only through [`verify`](Self::verify).
pub(crate) struct Unverified<'a> {
    signing_input: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// What a header says that the choice of a key depends on.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    algorithm: String,
    kid: Option<String>,
    typ: Option<String>,
}

/// A JWS whose signature is good.
pub(crate) struct Verified {
    /// The header that the signature covers.
    pub(crate) header: Header,
    /// The bytes that the signature covers.
    pub(crate) payload: Vec<u8>,
}

/// Checks a compact JWS of at most [`MAX_TOKEN_BYTES`] by the keys of a set and returns its payload.
///
/// This is signature and key choice alone: what the payload means, and for whom, is not looked at. For access tokens
/// use a [`Verifier`](crate::Verifier).
pub fn verify(token: &str, keys: &KeySet) -> Result<Vec<u8>, VerifyError> {
    let jws = Unverified::parse(token, MAX_TOKEN_BYTES)?;
    let key = keys.select(jws.header().kid()).ok_or(VerifyError::UnknownKey)?;
    jws.verify(key).map(|verified| verified.payload)
}

impl<'a> Unverified<'a> {
    /// Takes a token apart: length first, then its form, then the header (R-060 to R-062, R-068).
    pub(crate) fn parse(token: &'a str, max_token_bytes: usize) -> Result<Self, VerifyError> {
        let segments = Segments::split(token, max_token_bytes)?;
        let header = Header::read(json::object(&segments.header).map_err(|_| VerifyError::Malformed)?)?;
        let Segments { signing_input, payload, signature, .. } = segments;
        Ok(Self { signing_input, header, payload, signature })
    }

    /// The header, which nobody has vouched for yet.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Checks algorithm and signature. The algorithm is the key's; the header has to agree (R-063, R-064).
    pub(crate) fn verify(self, key: &VerificationKey) -> Result<Verified, VerifyError> {
        if self.header.algorithm != key.algorithm().name() {
            return Err(VerifyError::WrongAlgorithm);
        }
        if !key.accepts(self.signing_input.as_bytes(), &self.signature) {
            return Err(VerifyError::BadSignature);
        }
        Ok(Verified { header: self.header, payload: self.payload })
    }
}

/// The three segments, decoded.
pub(crate) struct Segments<'a> {
    signing_input: &'a str,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Segments<'a> {
    pub(crate) fn split(token: &'a str, max_token_bytes: usize) -> Result<Self, VerifyError> {
        if token.len() > max_token_bytes {
            return Err(VerifyError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(VerifyError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(VerifyError::Malformed)?;
        // A further dot, like any other character that is not base64url's, is refused by the decoding. An empty
        // payload is a good JWS (RFC 7515), though never good claims.
        let decode = |segment| base64url::decode(segment).map_err(|_| VerifyError::Malformed);
        if header.is_empty() || signature.is_empty() {
            return Err(VerifyError::Malformed);
        }
        Ok(Self { signing_input, header: decode(header)?, payload: decode(payload)?, signature: decode(signature)? })
    }
}

impl Header {
    /// Members that are not named here (`jku`, `jwk`, `x5u`, …) are never looked at (R-067).
    fn read(mut members: Map<String, Value>) -> Result<Self, VerifyError> {
        if ["crit", "b64", "zip", "enc", "cty"].iter().any(|name| members.contains_key(*name)) {
            return Err(VerifyError::UnsupportedHeader);
        }
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(VerifyError::Malformed),
            None => Ok(None),
        };
        let header =
            Self { algorithm: text("alg")?.ok_or(VerifyError::Malformed)?, kid: text("kid")?, typ: text("typ")? };
        match &header.kid {
            Some(kid) if kid.len() > MAX_KID_BYTES => Err(VerifyError::Malformed),
            _ => Ok(header),
        }
    }

    /// The identifier of the key.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What kind of token it is.
    pub(crate) fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

/// Signs a payload: a compact JWS whose header has `alg` and `kid`.
///
/// For access tokens use an [`Issuer`](crate::Issuer).
pub fn sign(payload: &[u8], key: &SigningKey) -> Result<String, SigningFailed> {
    let header = json!({ "alg": key.algorithm().name(), "kid": key.kid() });
    sign_encoded(&base64url::encode(header.to_string()), payload, key)
}

/// The same, whose header says by `typ` what kind of thing it is, so that nobody takes it for another (RFC 8725 section 3.11).
pub fn sign_typed(payload: &[u8], typ: &str, key: &SigningKey) -> Result<String, SigningFailed> {
    let header = json!({ "alg": key.algorithm().name(), "typ": typ, "kid": key.kid() });
    sign_encoded(&base64url::encode(header.to_string()), payload, key)
}

/// Signs a payload under a header that is in base64url already.
pub(crate) fn sign_encoded(header: &str, payload: &[u8], key: &SigningKey) -> Result<String, SigningFailed> {
    let mut token = String::with_capacity(header.len() + payload.len().div_ceil(3) * 4 + SIGNATURE_CHARACTERS + 2);
    token.push_str(header);
    token.push('.');
    base64url::append(payload, &mut token);
    key.append_signature(&mut token)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7515 appendix A, RFC 7520 section 4 and RFC 8037 appendix A.4. `alg` is added to the keys,
    /// of which only RFC 7520's have one.
    fn rfc_vectors() -> Vec<Value> {
        serde_json::from_str(include_str!("../tests/data/rfc_vectors.json")).unwrap()
    }

    #[test]
    fn the_examples_of_the_rfcs_verify_and_sign_alike() {
        for vector in rfc_vectors() {
            let (name, token) = (&vector["name"], vector["token"].as_str().unwrap());
            let key = SigningKey::from_jwk(&vector["jwk"].to_string()).unwrap();
            let keys = KeySet::new(vec![key.verification_key()]).unwrap();
            let payload = verify(token, &keys).unwrap();

            let (header, _) = token.split_once('.').unwrap();
            let again = sign_encoded(header, &payload, &key).unwrap();
            assert_eq!(again == token, vector["repeatable"] == true, "{name}");
            assert_eq!(verify(&again, &keys).unwrap(), payload, "{name}");
        }
    }

    #[test]
    fn the_unsecured_example_of_rfc_7515_is_refused_by_every_key() {
        // R-063; appendix A.5, and with a signature so that the form is whole
        let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        for vector in rfc_vectors() {
            let key = SigningKey::from_jwk(&vector["jwk"].to_string()).unwrap();
            let keys = KeySet::new(vec![key.verification_key()]).unwrap();
            let token = format!("eyJhbGciOiJub25lIn0.{payload}.");
            assert_eq!(verify(&token, &keys), Err(VerifyError::Malformed));
            assert_eq!(verify(&format!("{token}AAAA"), &keys), Err(VerifyError::WrongAlgorithm));
        }
    }

    fn keys() -> (SigningKey, KeySet) {
        let key = SigningKey::from_secret(crate::Algorithm::Hs256, &[7; 32]).unwrap();
        let keys = KeySet::new(vec![key.verification_key()]).unwrap();
        (key, keys)
    }

    fn answer(header: &str) -> Result<Vec<u8>, VerifyError> {
        let (key, keys) = keys();
        verify(&sign_encoded(&base64url::encode(header), b"x", &key).unwrap(), &keys)
    }

    #[test]
    fn headers_that_change_what_a_token_means_are_refused_though_well_signed() {
        // R-067, R-068
        for member in [
            r#""crit":["exp"]"#,
            r#""crit":[]"#,
            r#""crit":null"#,
            r#""b64":false"#,
            r#""b64":true"#,
            r#""zip":"DEF""#,
            r#""enc":"A256GCM""#,
            r#""cty":"JWT""#,
            r#""cty":"jwt""#,
        ] {
            let header = format!(r#"{{"alg":"HS256",{member}}}"#);
            assert_eq!(answer(&header), Err(VerifyError::UnsupportedHeader), "{header}");
        }
        for ignored in [r#""jku":"http://127.0.0.1:9/""#, r#""jwk":{"kty":"oct","k":"AAAA"}"#, r#""x5c":["AA"]"#] {
            assert_eq!(answer(&format!(r#"{{"alg":"HS256",{ignored}}}"#)), Ok(b"x".to_vec()));
        }
    }

    #[test]
    fn headers_with_members_of_a_wrong_type_are_refused() {
        // R-062, R-063, R-066
        for header in [
            "{}",
            r#"{"alg":null}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"HS256","kid":null}"#,
            r#"{"alg":"HS256","kid":1}"#,
            r#"{"alg":"HS256","typ":1}"#,
            r#"["HS256"]"#,
            r#""HS256""#,
            r#"{"alg":"HS256"}x"#,
            r#"{"alg":"none","\u0061lg":"HS256"}"#,
        ] {
            assert_eq!(answer(header), Err(VerifyError::Malformed), "{header}");
        }
        for algorithm in ["none", "hs256", "HS256 ", "HS512", "ES256", ""] {
            assert_eq!(answer(&format!(r#"{{"alg":"{algorithm}"}}"#)), Err(VerifyError::WrongAlgorithm), "{algorithm}");
        }
    }

    #[test]
    fn a_key_is_found_by_its_exact_identifier_or_not_at_all() {
        // R-066
        let (_, keys) = keys();
        let kid = keys.keys()[0].kid().to_owned();
        assert!(answer(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#)).is_ok());
        for other in ["", "x", &kid.to_uppercase(), &format!("{kid} "), &kid[1..], "../../dev/null"] {
            let refusal = answer(&format!(r#"{{"alg":"HS256","kid":"{other}"}}"#));
            assert_eq!(refusal, Err(VerifyError::UnknownKey), "{other}");
        }
        let long = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(129));
        assert_eq!(answer(&long), Err(VerifyError::Malformed));
    }

    #[test]
    fn without_an_identifier_a_key_is_taken_only_when_there_is_one() {
        // R-066
        let (key, _) = keys();
        let other = SigningKey::from_secret(crate::Algorithm::Hs256, &[8; 32]).unwrap();
        let both = KeySet::new(vec![key.verification_key(), other.verification_key()]).unwrap();
        let token = sign_encoded(&base64url::encode(r#"{"alg":"HS256"}"#), b"x", &key).unwrap();
        assert_eq!(verify(&token, &both), Err(VerifyError::UnknownKey));
    }

    #[test]
    fn the_form_of_a_token_is_checked_before_anything_is_read() {
        // R-060, R-061
        let (key, keys) = keys();
        let token = sign(b"x", &key).unwrap();
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        for bad in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            "...".to_owned(),
            format!("{header}.{payload}"),
            format!("{token}."),
            format!(".{token}"),
            format!("{header}.{payload}.{payload}.{signature}"),
            format!("{header}..{payload}.{signature}"),
            format!("{header}.{payload}."),
            format!(".{payload}.{signature}"),
            format!(" {token}"),
            format!("{token}\n"),
            format!("{token}="),
            format!("{token}\0"),
            token.replace('.', "%2e"),
            format!("é{token}"),
        ] {
            assert_eq!(verify(&bad, &keys), Err(VerifyError::Malformed), "{bad}");
        }
        assert_eq!(verify(&"a".repeat(MAX_TOKEN_BYTES + 1), &keys), Err(VerifyError::TooLong));
        assert_eq!(verify(&"a".repeat(MAX_TOKEN_BYTES), &keys), Err(VerifyError::Malformed));
    }
}
