//! Forms and the client that they name: whatever is taken, a lenient reader reads in the same way. The input is a
//! value of the header `Authorization`, a line feed, and a body.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_axum::form::{ClientCredentials, FormError, StrictForm};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::{Corpus, fuzz_target};

const NAMES: [&str; 6] = ["grant_type", "username", "password", "scope", "client_id", "client_secret"];

/// The values that the lenient reader finds under a name.
fn lenient(body: &[u8], name: &str) -> Vec<String> {
    form_urlencoded::parse(body).filter(|(found, _)| found == name).map(|(_, value)| value.into_owned()).collect()
}

fn check_form(body: &[u8]) -> Option<StrictForm> {
    let form = match StrictForm::parse(body) {
        Ok(form) => form,
        Err(FormError::NotUtf8) => {
            let is_broken = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
            assert!(form_urlencoded::parse(body).any(|(name, value)| is_broken(&name) || is_broken(&value)));
            return None;
        }
        Err(FormError::BadEscape) => {
            assert!(body.contains(&b'%'));
            return None;
        }
        Err(FormError::TooManyParameters) => {
            assert!(body.iter().filter(|byte| **byte == b'&').count() >= 64);
            return None;
        }
        Err(other) => panic!("{other:?}"),
    };
    for name in NAMES {
        let expected = lenient(body, name);
        match form.optional(name) {
            Ok(Some(value)) => assert_eq!(expected, [value], "{name}"),
            Ok(None) => assert!(expected.is_empty() || expected == [""], "{name}: {expected:?}"),
            Err(FormError::Repeated(_)) => assert!(expected.len() > 1, "{name}: {expected:?}"),
            Err(other) => panic!("{other:?}"),
        }
    }
    Some(form)
}

/// The two parts of Basic credentials as the lenient reader has them.
fn lenient_basic(header: &[u8]) -> Option<[String; 2]> {
    let encoded = header.get(b"Basic ".len()..)?.trim_ascii();
    let pair = STANDARD.decode(encoded).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let decode = |part: &[u8]| {
        // As the value of a parameter, where `&` and `=` would otherwise part it.
        let escaped = part.iter().flat_map(|byte| match byte {
            b'&' => b"%26".to_vec(),
            b'=' => b"%3D".to_vec(),
            byte => vec![*byte],
        });
        let escaped: Vec<u8> = escaped.collect();
        form_urlencoded::parse(&[b"x=", &escaped[..]].concat()).next().map(|(_, value)| value.into_owned())
    };
    Some([decode(&pair[..colon])?, decode(&pair[colon + 1..])?])
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return Corpus::Reject };
    let (header, body) = (&input[..end], &input[end + 1..]);
    let Some(form) = check_form(body) else { return Corpus::Keep };
    // A header as it came, and the same text in base64: so the fuzzer need not find out how base64 goes.
    let encoded = format!("Basic {}", STANDARD.encode(header));
    for header in [header, encoded.as_bytes()] {
        let Ok(value) = HeaderValue::from_bytes(header) else { continue };
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        let Ok(Some(client)) = ClientCredentials::from_request(&headers, &form) else { continue };
        let _ = (format!("{client:?}"), client.refuse());
        if let Some(assertion) = client.assertion() {
            // The client may be the one that the assertion names.
            assert_eq!(lenient(body, "client_assertion"), [assertion]);
            assert_eq!(lenient(body, "client_secret").concat(), "");
            continue;
        }
        let in_header = lenient_basic(header).filter(|pair| pair != &[String::new(), String::new()]);
        let [id, secret] =
            in_header.unwrap_or_else(|| ["client_id", "client_secret"].map(|name| lenient(body, name).concat()));
        assert_eq!(client.id(), id);
        assert_eq!(client.secret().unwrap_or_default(), secret);
    }
    Corpus::Keep
});
