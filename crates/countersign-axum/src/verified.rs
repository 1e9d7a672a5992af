//! Tokens that were verified already, so that a token which comes with every request costs a digest and not a signature.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use countersign_token::{Claims, Verifier};

/// How many tokens are remembered at the most; a power of two.
const PLACES: usize = 1024;

/// The tokens that a guard verified of late, by the SHA-256 of the whole token.
///
/// A token has one place, where the next one of the same place drives it out: memory is bounded, and nothing has to be tidied.
/// Only a token that passed comes in, so that nobody fills the table with refused ones.
pub(crate) struct VerifiedTokens {
    places: Box<[ArcSwapOption<Verified>]>,
}

struct Verified {
    digest: [u8; SHA256_OUTPUT_LEN],
    /// Whose keys and rules it passed: another verifier in its place knows nothing of it.
    verifier: Arc<Verifier>,
    claims: Claims,
    at: i64,
}

impl VerifiedTokens {
    pub(crate) fn new() -> Self {
        Self { places: (0..PLACES).map(|_| ArcSwapOption::empty()).collect() }
    }

    /// The claims of a token that `verifier` let pass before, and would let pass again: it has not expired, and the clock has
    /// not been put back before the time at which it was verified.
    pub(crate) fn find(&self, token: &str, verifier: &Arc<Verifier>, now: i64) -> Result<Claims, Unknown> {
        let digest = sha256(token.as_bytes());
        let unknown = Unknown { digest };
        let Some(found) = self.place(&digest).and_then(ArcSwapOption::load_full) else { return Err(unknown) };
        let same = found.digest == digest && Arc::ptr_eq(&found.verifier, verifier);
        let in_time = found.at <= now && now < found.claims.expires_at();
        if same && in_time { Ok(found.claims.clone()) } else { Err(unknown) }
    }

    /// Remembers a token that just passed.
    pub(crate) fn remember(&self, unknown: &Unknown, verifier: Arc<Verifier>, claims: Claims, now: i64) {
        if let Some(place) = self.place(&unknown.digest) {
            place.store(Some(Arc::new(Verified { digest: unknown.digest, verifier, claims, at: now })));
        }
    }

    fn place(&self, digest: &[u8; SHA256_OUTPUT_LEN]) -> Option<&ArcSwapOption<Verified>> {
        let [first, second, ..] = *digest;
        self.places.get(usize::from(u16::from_be_bytes([first, second])) % PLACES)
    }
}

/// A token that is not remembered.
pub(crate) struct Unknown {
    digest: [u8; SHA256_OUTPUT_LEN],
}

fn sha256(token: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
    let mut bytes = [0; SHA256_OUTPUT_LEN];
    bytes.copy_from_slice(digest(&SHA256, token).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use countersign_token::{Issuer, NewToken, SigningKey};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn token_and_verifier() -> (String, Arc<Verifier>) {
        let key = SigningKey::from_secret(countersign_token::Algorithm::Hs256, &[7; 32]).expect("a secret");
        let verifier = Verifier::plain(key.verification_key());
        let token = Issuer::plain(key).issue(&NewToken::for_subject("ada").lifetime_s(60), NOW).expect("a token").token;
        (token, Arc::new(verifier))
    }

    fn remembered() -> (VerifiedTokens, String, Arc<Verifier>) {
        let (token, verifier) = token_and_verifier();
        let tokens = VerifiedTokens::new();
        let unknown = tokens.find(&token, &verifier, NOW).expect_err("it was never seen");
        let claims = verifier.verify(&token, NOW).expect("a good token");
        tokens.remember(&unknown, Arc::clone(&verifier), claims, NOW);
        (tokens, token, verifier)
    }

    //
    #[test]
    fn a_remembered_token_is_known_until_it_expires_and_no_longer() {
        let (tokens, token, verifier) = remembered();
        let known = |now| tokens.find(&token, &verifier, now).is_ok();
        assert!(known(NOW) && known(NOW + 59));
        assert!(!known(NOW + 60), "exp is the first second in which it is refused");
        assert!(!known(NOW - 1), "a clock that was put back is not trusted");
    }

    //
    #[test]
    fn another_token_and_another_verifier_know_nothing_of_it() {
        let (tokens, token, verifier) = remembered();
        assert!(tokens.find(&format!("{token}A"), &verifier, NOW).is_err());
        let (_, other) = token_and_verifier();
        assert!(tokens.find(&token, &other, NOW).is_err(), "its keys may have been withdrawn");
    }
}
