//! Refresh tokens: a chain of secrets, one link for each use.
//!
//! The first secret is random, and each next one is made of the one before and of a key that lies outside the database. That
//! gives what a table of random tokens cannot give at the price of one row for a session:
//!
//! - Who presents the parent of the good link is answered with the very same child, however late: a lost response harms nobody
//!
//! - Every earlier link is known as one of the chain, so that its return is seen as theft, and no other text can make it
//!   look like that.
//! - Only the SHA-256 of the good link is kept: neither the database alone nor an old token alone leads to it.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::session::SessionId;

/// How a refresh token begins, so that scanners for leaked secrets know it.
const PREFIX: &str = "csr_";
const SECRET_BYTES: usize = 32;
const NUMBER_BYTES: usize = 4;
const MAC_BYTES: usize = 16;
const BYTES: usize = SessionId::BYTES + NUMBER_BYTES + SECRET_BYTES + MAC_BYTES;

/// A refresh token as a client holds it. `Debug` shows nothing of the secret, which is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    session: SessionId,
    number: u32,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
    /// Tells a token that was handed out from any other text, before any work is done for it.
    mac: [u8; MAC_BYTES],
}

/// What is kept of the link that is good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshLink {
    /// Links before it.
    pub number: u32,
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
}

/// The key that makes links. It must be the same for all processes of a store, and for as long as its sessions live.
#[derive(Clone)]
pub struct RefreshKey(hmac::Key);

/// What a presented token is to the link that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The good link itself.
    Current,
    /// Its parent: the child is handed out once more.
    Parent(RefreshToken),
    /// An earlier one, which was used and whose child was used: somebody has a copy.
    Reused,
    /// None of this chain.
    Unknown,
}

impl RefreshKey {
    /// A key of 32 random bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// What `token` is to the chain whose good link this is. Work goes with the distance, and is done for tokens alone that were handed out.
    pub fn judge(&self, token: &RefreshToken, good: &RefreshLink) -> Presented {
        let Some(distance) = good.number.checked_sub(token.number) else { return Presented::Unknown };
        let mac = self.mac(token.session, token.number, &token.secret);
        if verify_slices_are_equal(&mac, &token.mac).is_err() {
            return Presented::Unknown;
        }
        let mut last = token.clone();
        for _ in 0..distance {
            last = self.child(&last);
        }
        if verify_slices_are_equal(&last.link().hash, &good.hash).is_err() {
            return Presented::Unknown;
        }
        match distance {
            0 => Presented::Current,
            1 => Presented::Parent(last),
            _ => Presented::Reused,
        }
    }

    /// The first link of a session's chain; `None` where the system gives no randomness.
    pub fn first(&self, session: SessionId) -> Option<RefreshToken> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        aws_lc_rs::rand::fill(secret.as_mut_slice()).ok()?;
        Some(self.token(session, 0, secret))
    }

    /// The link after this one.
    pub fn child(&self, parent: &RefreshToken) -> RefreshToken {
        let secret = self.sign(b"next", parent.session, parent.number, &parent.secret);
        // As long as a secret, always.
        let secret = Zeroizing::new(secret.as_ref().try_into().unwrap_or_default());
        self.token(parent.session, parent.number.saturating_add(1), secret)
    }

    fn token(&self, session: SessionId, number: u32, secret: Zeroizing<[u8; SECRET_BYTES]>) -> RefreshToken {
        let mac = self.mac(session, number, &secret);
        RefreshToken { session, number, secret, mac }
    }

    fn mac(&self, session: SessionId, number: u32, secret: &[u8; SECRET_BYTES]) -> [u8; MAC_BYTES] {
        let tag = self.sign(b"mac", session, number, secret);
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    fn sign(&self, purpose: &[u8], session: SessionId, number: u32, secret: &[u8; SECRET_BYTES]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose);
        context.update(session.as_bytes());
        context.update(&number.to_be_bytes());
        context.update(secret);
        context.sign()
    }
}

impl RefreshToken {
    /// Reads a token; `None` if it is not one.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?);
        let bytes: &[u8; BYTES] = bytes.as_slice().try_into().ok()?;
        let (session, rest) = bytes.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (secret, mac) = rest.split_first_chunk()?;
        Some(Self {
            session: SessionId::from_bytes(*session),
            number: u32::from_be_bytes(*number),
            secret: Zeroizing::new(*secret),
            mac: mac.try_into().ok()?,
        })
    }

    /// The text for the client.
    pub fn text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(BYTES));
        bytes.extend_from_slice(self.session.as_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(self.secret.as_slice());
        bytes.extend_from_slice(&self.mac);
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + BYTES.div_ceil(3) * 4));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        text
    }

    /// The session that it says it is of.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// What is kept of it.
    pub fn link(&self) -> RefreshLink {
        let hash = digest(&SHA256, self.secret.as_slice()).as_ref().try_into().unwrap_or_default();
        RefreshLink { number: self.number, hash }
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({} of {})", self.number, self.session)
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RefreshKey {
        RefreshKey::new(&[7; 32])
    }

    //
    #[test]
    fn a_token_is_read_back_and_nothing_else_is_one() {
        let token = key().child(&key().first(SessionId::random()).unwrap());
        let text = token.text();
        assert_eq!(RefreshToken::read(&text), Some(token.clone()));
        assert!(!format!("{token:?}").contains(text.get(40..).unwrap()));
        for wrong in
            ["", "csr_", text.trim_start_matches("csr_"), text.get(..text.len() - 1).unwrap(), &format!("{}A", *text)]
        {
            assert_eq!(RefreshToken::read(wrong), None, "{wrong}");
        }
        assert_eq!(RefreshToken::read(&format!("{}=", *text)), None);
    }

    //
    #[test]
    fn each_earlier_link_is_known_and_the_parent_leads_to_the_same_child() {
        let first = key().first(SessionId::random()).unwrap();
        let mut chain = vec![first];
        for _ in 0..5 {
            chain.push(key().child(chain.last().unwrap()));
        }
        let good = chain[3].link();
        assert_eq!(key().judge(&chain[3], &good), Presented::Current);
        assert_eq!(key().judge(&chain[2], &good), Presented::Parent(chain[3].clone()));
        assert_eq!(key().judge(&chain[1], &good), Presented::Reused);
        assert_eq!(key().judge(&chain[0], &good), Presented::Reused);
        assert_eq!(key().judge(&chain[4], &good), Presented::Unknown, "a link that was never handed out");
    }

    #[test]
    fn what_is_not_of_the_chain_is_never_taken_for_a_theft() {
        let session = SessionId::random();
        let first = key().first(session).unwrap();
        let good = key().child(&key().child(&first)).link();
        let stranger = key().first(session).unwrap();
        let other_key = RefreshKey::new(&[8; 32]);
        assert_eq!(key().judge(&stranger, &good), Presented::Unknown);
        assert_eq!(other_key.judge(&first, &good), Presented::Unknown);
        for number in [1, 2, 3, u32::MAX] {
            assert_eq!(key().judge(&RefreshToken { number, ..first.clone() }, &good), Presented::Unknown, "{number}");
        }
    }
}
