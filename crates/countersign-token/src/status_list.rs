//! Lists of statuses: which tokens of an issuer do not hold any more, in a bit each, compressed and signed
//! (Token Status List, draft-ietf-oauth-status-list-21).

use std::fmt;

use miniz_oxide::deflate::{CompressionLevel, compress_to_vec_zlib};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base64url;
use crate::claims::{required, time};
use crate::issuer::{IssueError, Issuer};
use crate::json;
use crate::jws;
use crate::refusal::VerifyError;
use crate::verifier::Verifier;

/// The most bytes of a list once it is unpacked: 2^20 statuses of one bit.
const MAX_LIST_BYTES: usize = 128 * 1024;

/// The most bytes of a signed list: one of the above that does not shrink, twice in base64, and what is around it.
pub const MAX_STATUS_LIST_TOKEN_BYTES: usize = 256 * 1024;

/// The `typ` of a signed list.
const TYPE: &str = "statuslist+jwt";

/// The statuses of many tokens; 0 is a token that holds. Cheap to ask, not to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusList {
    /// Of one status: 1, 2, 4 or 8.
    bits: u8,
    bytes: Vec<u8>,
}

/// A list as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedStatusList {
    /// The statuses.
    pub list: StatusList,
    /// For how many seconds a copy may be kept, if the list says so.
    pub ttl_s: Option<u64>,
    /// When a copy is worth nothing any more, in Unix seconds, if the list says so.
    pub expires_at: Option<i64>,
}

/// How long a signed list is good, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusListLives {
    /// For how long a copy may be kept before it is asked for again (`ttl`).
    pub ttl_s: u64,
    /// Until when a copy counts at all (`exp`).
    pub lifetime_s: i64,
}

/// The member `status_list`.
#[derive(Serialize, Deserialize)]
struct Packed {
    bits: u8,
    lst: String,
}

impl StatusList {
    /// A list of `size` tokens, rounded up to whole bytes, of which these do not hold any more. Indices beyond it are passed over.
    pub fn of_invalid(size: u32, invalid: impl IntoIterator<Item = u32>) -> Self {
        let mut bytes = vec![0; (size as usize).div_ceil(8).min(MAX_LIST_BYTES)];
        for index in invalid {
            if let Some(byte) = bytes.get_mut(index as usize / 8) {
                *byte |= 1 << (index % 8);
            }
        }
        Self { bits: 1, bytes }
    }

    /// The status at this index; `None` beyond the end of the list.
    pub fn status(&self, index: u32) -> Option<u8> {
        let in_a_byte = 8 / u32::from(self.bits);
        let byte = self.bytes.get((index / in_a_byte) as usize)?;
        let mask = u8::MAX >> (8 - self.bits);
        // The lowest bits come first (section 4).
        Some((byte >> (index % in_a_byte * u32::from(self.bits))) & mask)
    }

    /// Whether the token at this index holds; an index beyond the end holds nothing (section 8.3).
    pub fn is_valid(&self, index: u32) -> bool {
        self.status(index) == Some(0)
    }

    fn pack(&self) -> Packed {
        let level = CompressionLevel::BestCompression as u8;
        Packed { bits: self.bits, lst: base64url::encode(compress_to_vec_zlib(&self.bytes, level)) }
    }

    fn unpack(packed: &Packed) -> Option<Self> {
        let compressed = base64url::decode(&packed.lst).ok()?;
        let bytes = decompress_to_vec_zlib_with_limit(&compressed, MAX_LIST_BYTES).ok()?;
        matches!(packed.bits, 1 | 2 | 4 | 8).then_some(Self { bits: packed.bits, bytes })
    }
}

impl Issuer {
    /// Signs a list that is found at `uri`, at the time `now`, in Unix seconds.
    ///
    /// An issuer of the plain profile has no lists.
    pub fn sign_status_list(
        &self,
        list: &StatusList,
        uri: &str,
        lives: StatusListLives,
        now: i64,
    ) -> Result<String, IssueError> {
        let issuer = self.name().ok_or(IssueError::Empty("iss"))?;
        let header = json!({ "alg": self.key().algorithm().name(), "typ": TYPE, "kid": self.key().kid() });
        let claims = json!({
            "iss": issuer,
            "sub": uri,
            "iat": now,
            "exp": now.checked_add(lives.lifetime_s).ok_or(IssueError::Lifetime)?,
            "ttl": lives.ttl_s,
            "status_list": list.pack(),
        });
        let header = base64url::encode(header.to_string());
        jws::sign_encoded(&header, claims.to_string().as_bytes(), self.key()).map_err(|_| IssueError::System)
    }
}

impl Verifier {
    /// Checks a signed list that was found at `uri`, at the time `now`, in Unix seconds: a list of the verifier's issuer, signed with
    /// a key that access tokens are signed with as well.
    ///
    /// A verifier of the plain profile takes no list. The length is limited to [`MAX_STATUS_LIST_TOKEN_BYTES`], and that of the
    /// unpacked list to 2^20 bits.
    pub fn verify_status_list(&self, token: &str, uri: &str, now: i64) -> Result<PublishedStatusList, VerifyError> {
        let issuer = self.issuer().ok_or(VerifyError::WrongIssuer)?;
        let verified = self.check_signature(token, MAX_STATUS_LIST_TOKEN_BYTES)?;
        let typ = verified.header.typ().unwrap_or_default();
        if !typ.eq_ignore_ascii_case(TYPE) && !typ.eq_ignore_ascii_case("application/statuslist+jwt") {
            return Err(VerifyError::WrongType);
        }
        let members = json::object(&verified.payload).map_err(|_| VerifyError::MalformedClaims)?;
        let text = |name| members.get(name).and_then(Value::as_str);
        if text("sub") != Some(uri) {
            return Err(VerifyError::BadClaim("sub"));
        }
        // Section 5.1 leaves `iss` out; one that is there has to be right.
        if members.contains_key("iss") && text("iss") != Some(issuer) {
            return Err(VerifyError::WrongIssuer);
        }
        let issued_at = required(time(&members, "iat")?, "iat")?;
        let expires_at = time(&members, "exp")?;
        expires_at.map_or(Ok(()), |expires_at| self.check_not_expired(expires_at, now))?;
        self.check_issued(issued_at, now)?;
        let packed = members.get("status_list").filter(|list| list.is_object());
        let packed = packed.and_then(|list| Packed::deserialize(list).ok());
        let list = packed.and_then(|packed| StatusList::unpack(&packed)).ok_or(VerifyError::BadClaim("status_list"))?;
        let ttl_s = members.get("ttl").map(|ttl| ttl.as_u64().ok_or(VerifyError::BadClaim("ttl"))).transpose()?;
        Ok(PublishedStatusList { list, ttl_s, expires_at })
    }
}

impl fmt::Debug for StatusList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusList").field("bits", &self.bits).field("bytes", &self.bytes.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::Algorithm;
    use crate::issuer::NewToken;
    use crate::key::{KeySet, SigningKey};

    const URI: &str = "https://as.example/statuslists/x";
    const NOW: i64 = 1_800_000_000;
    const LIVES: StatusListLives = StatusListLives { ttl_s: 5, lifetime_s: 60 };

    fn issuer_and_verifier() -> (Issuer, Verifier) {
        let key = SigningKey::generate(Algorithm::EdDsa).expect("a key");
        let keys = KeySet::new(vec![key.verification_key()]).expect("a set");
        (Issuer::new("https://as.example", key), Verifier::new("https://as.example", "https://api.example", keys))
    }

    fn unpack(bits: u8, lst: &str) -> Option<StatusList> {
        StatusList::unpack(&Packed { bits, lst: lst.to_owned() })
    }

    /// A list signed as it is, whatever it says.
    fn signed(issuer: &Issuer, typ: &str, claims: &Value) -> String {
        let header = json!({ "alg": issuer.key().algorithm().name(), "typ": typ, "kid": issuer.key().kid() });
        jws::sign_encoded(&base64url::encode(header.to_string()), claims.to_string().as_bytes(), issuer.key())
            .expect("a signature")
    }

    #[test]
    fn the_examples_of_the_draft_are_read_bit_by_bit() {
        let list = unpack(1, "eNrbuRgAAhcBXQ").expect("section 4.1");
        let statuses: Vec<u8> = (0..17).filter_map(|index| list.status(index)).collect();
        assert_eq!(statuses, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
        let list = unpack(2, "eNo76fITAAPfAgc").expect("section 4.2");
        let statuses: Vec<u8> = (0..13).filter_map(|index| list.status(index)).collect();
        assert_eq!(statuses, [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]);

        let list = unpack(
            1,
            "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
             AAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAA\
             AAAAAAAAKjDMAQAAAACAZC8L2AEb",
        );
        let list = list.expect("appendix C.1");
        let invalid: Vec<u32> = (0..1 << 20).filter(|index| !list.is_valid(*index)).collect();
        let named = [0, 1993, 25460, 159_495, 495_669, 554_353, 645_645, 723_232, 854_545, 934_534, 1_000_345];
        assert_eq!(invalid, named);
        assert_eq!(StatusList::of_invalid(1 << 20, named), list);
    }

    #[test]
    fn beyond_the_end_nothing_holds() {
        let list = StatusList::of_invalid(16, [3, 16, u32::MAX]);
        assert_eq!(
            (list.status(3), list.status(15), list.status(16), list.status(u32::MAX)),
            (Some(1), Some(0), None, None)
        );
        assert!(!list.is_valid(16) && list.is_valid(15) && !list.is_valid(3));
    }

    #[test]
    fn a_signed_list_is_taken_until_it_expires() {
        let (issuer, verifier) = issuer_and_verifier();
        let list = StatusList::of_invalid(1 << 16, [1, 60_000]);
        let token = issuer.sign_status_list(&list, URI, LIVES, NOW).expect("a list");
        let published = verifier.verify_status_list(&token, URI, NOW + 59).expect("a good list");
        assert_eq!(published, PublishedStatusList { list, ttl_s: Some(5), expires_at: Some(NOW + 60) });
        assert_eq!(verifier.verify_status_list(&token, URI, NOW + 60), Err(VerifyError::Expired));
        assert_eq!(verifier.verify_status_list(&token, URI, NOW - 1), Err(VerifyError::IssuedInFuture));
    }

    #[test]
    fn a_list_in_which_every_other_token_is_invalid_fits() {
        let (issuer, verifier) = issuer_and_verifier();
        // No pattern that could be packed: the worst there is.
        let mut state = 1_u32;
        let list = StatusList::of_invalid(
            1 << 20,
            (0..1 << 20).filter(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state & 1 == 1
            }),
        );
        let token = issuer.sign_status_list(&list, URI, LIVES, NOW).expect("a list");
        assert!(token.len() < MAX_STATUS_LIST_TOKEN_BYTES, "{}", token.len());
        assert_eq!(verifier.verify_status_list(&token, URI, NOW).expect("a good list").list, list);
    }

    #[test]
    fn a_list_is_no_access_token_and_an_access_token_no_list() {
        //
        let (issuer, verifier) = issuer_and_verifier();
        let list = issuer.sign_status_list(&StatusList::of_invalid(8, []), URI, LIVES, NOW).expect("a list");
        assert_eq!(verifier.verify(&list, NOW).unwrap_err(), VerifyError::WrongType);
        let new = NewToken::for_subject("user:ada").client_id("web").audience("https://api.example");
        let token = issuer.issue(&new, NOW).expect("a token").token;
        assert_eq!(verifier.verify_status_list(&token, URI, NOW), Err(VerifyError::WrongType));
    }

    #[test]
    fn lists_of_others_and_for_other_places_are_refused() {
        let ((issuer, verifier), (other, _)) = (issuer_and_verifier(), issuer_and_verifier());
        let list = StatusList::of_invalid(8, []);
        let token = issuer.sign_status_list(&list, URI, LIVES, NOW).expect("a list");
        let elsewhere = format!("{URI}y");
        assert_eq!(verifier.verify_status_list(&token, &elsewhere, NOW), Err(VerifyError::BadClaim("sub")));
        let token = other.sign_status_list(&list, URI, LIVES, NOW).expect("a list");
        assert_eq!(verifier.verify_status_list(&token, URI, NOW), Err(VerifyError::UnknownKey));
        let claims = json!({ "iss": "https://other.example", "sub": URI, "iat": NOW, "status_list": list.pack() });
        let token = signed(&issuer, TYPE, &claims);
        assert_eq!(verifier.verify_status_list(&token, URI, NOW), Err(VerifyError::WrongIssuer));
        let too_long = "a".repeat(MAX_STATUS_LIST_TOKEN_BYTES + 1);
        assert_eq!(verifier.verify_status_list(&too_long, URI, NOW), Err(VerifyError::TooLong));
    }

    #[test]
    fn a_list_that_cannot_be_unpacked_in_bounds_is_refused() {
        let (issuer, verifier) = issuer_and_verifier();
        let bomb = base64url::encode(compress_to_vec_zlib(&vec![0; MAX_LIST_BYTES + 1], 9));
        for list in [
            json!({ "bits": 1, "lst": bomb }),
            json!({ "bits": 3, "lst": "eNrbuRgAAhcBXQ" }),
            json!({ "bits": 0, "lst": "eNrbuRgAAhcBXQ" }),
            json!({ "bits": "1", "lst": "eNrbuRgAAhcBXQ" }),
            json!({ "bits": 1, "lst": "eNrbuRgAAhcBXA" }),
            json!({ "bits": 1, "lst": "eNrbuRgAAhc" }),
            json!({ "bits": 1, "lst": "uaM" }),
            json!({ "bits": 1, "lst": "" }),
            json!({ "bits": 1 }),
            json!([1, "eNrbuRgAAhcBXQ"]),
            json!("eNrbuRgAAhcBXQ"),
        ] {
            let token = signed(&issuer, TYPE, &json!({ "sub": URI, "iat": NOW, "status_list": list }));
            let refusal = verifier.verify_status_list(&token, URI, NOW);
            assert_eq!(refusal, Err(VerifyError::BadClaim("status_list")), "{list}");
        }
        let good = json!({ "sub": URI, "iat": NOW, "status_list": { "bits": 1, "lst": "eNrbuRgAAhcBXQ" } });
        let token = signed(&issuer, "application/statuslist+jwt", &good);
        assert_eq!(verifier.verify_status_list(&token, URI, NOW).expect("what the draft asks for").ttl_s, None);
    }
}
