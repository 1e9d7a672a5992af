//! base64url as RFC 7515 section 2 has it: no padding, no white space, and one spelling only for each value.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A text is not canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotBase64Url;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends the encoded bytes to a text.
pub(crate) fn append(bytes: impl AsRef<[u8]>, text: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// Refuses padding, white space, other alphabets, and unused bits that are not zero.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotBase64Url> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotBase64Url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_one_spelling_is_taken() {
        //
        assert_eq!(decode("Zm8"), Ok(b"fo".to_vec()));
        for other in ["Zm9=", "Zm8=", "Zm9", " Zm8", "Zm8\n", "Zm+8", "Zm/8", "Z", "Zm8%3D", "Zm8\0"] {
            if other != "Zm9" {
                assert_eq!(decode(other), Err(NotBase64Url), "{other:?}");
            }
        }
        assert_eq!(decode("Zm9"), Err(NotBase64Url), "trailing bits that are not zero");
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same_text(text in "[A-Za-z0-9_=+/ -]{0,40}") {
            //
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(bytes), text);
            }
        }

        #[test]
        fn what_encodes_decodes_to_the_same_bytes(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }
    }
}
