//! Devices: a browser from which somebody has logged in shows what it was given then, wherever it is by now. Nothing of it is kept here: it
//! is signed, for one account with the password that it has, and for as long as a place is known.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::throttle::KNOWN_S;
use crate::throttles::keys::{Keys, Kind, TAG_BYTES};
use crate::user::{User, UserId};

const TIME_BYTES: usize = 8;
const ID_BYTES: usize = 16;
/// It is given anew when it is older, in seconds.
const ANEW_S: i64 = 24 * 60 * 60;

/// Whose a device is. Who knew an earlier password may have as many of then as they like, each with guesses of its own: none of them counts any
/// more.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    id: UserId,
    /// [`User::generation`].
    generation: i64,
}

/// A device that has proven to be one of somebody's.
pub(super) struct Device {
    pub(super) id: [u8; ID_BYTES],
    given_at: i64,
}

impl Device {
    /// The device that shows this, if it was given to one of this owner's, and is still good.
    pub(super) fn read(text: &str, owner: Owner, keys: &Keys, now: i64) -> Option<Self> {
        let bytes: [u8; TIME_BYTES + ID_BYTES + TAG_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (time, rest) = bytes.split_first_chunk()?;
        let (id, tag) = rest.split_first_chunk()?;
        let device = Self { id: *id, given_at: i64::from_be_bytes(*time) };
        let is_good = keys.signed(Kind::Device, &device.parts(owner), tag);
        let is_of_now = (device.given_at..device.given_at.saturating_add(KNOWN_S)).contains(&now);
        (is_good && is_of_now).then_some(device)
    }

    /// What a new device of this owner is given; nothing if there is no randomness.
    pub(super) fn give(owner: Owner, keys: &Keys, now: i64) -> Option<String> {
        let mut device = Self { id: [0; ID_BYTES], given_at: now };
        rand::fill(&mut device.id).ok()?;
        Some(device.text(owner, keys))
    }

    /// What it is given when it needs something newer: it stays the same device.
    pub(super) fn give_anew(self, owner: Owner, keys: &Keys, now: i64) -> Option<String> {
        let is_old = now.saturating_sub(self.given_at) > ANEW_S;
        let newer = Self { id: self.id, given_at: now };
        is_old.then(|| newer.text(owner, keys))
    }

    fn text(&self, owner: Owner, keys: &Keys) -> String {
        let tag = keys.sign(Kind::Device, &self.parts(owner));
        URL_SAFE_NO_PAD.encode([&self.given_at.to_be_bytes()[..], &self.id, tag.as_ref()].concat())
    }

    fn parts(&self, owner: Owner) -> [Vec<u8>; 4] {
        let Owner { id, generation } = owner;
        [
            id.as_bytes().to_vec(),
            self.given_at.to_be_bytes().to_vec(),
            self.id.to_vec(),
            generation.to_be_bytes().to_vec(),
        ]
    }
}

impl From<&User> for Owner {
    fn from(user: &User) -> Self {
        Self { id: user.id, generation: user.generation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn somebody() -> Owner {
        Owner { id: UserId::new(1), generation: 3 }
    }

    #[test]
    fn a_device_is_one_of_whom_it_was_given_to_for_its_time() {
        let (keys, alice, bob) = (Keys::new(&[1; 32]), somebody(), somebody());
        let text = Device::give(alice, &keys, NOW).unwrap();
        let is_good = |text: &str, user, keys: &Keys, now| Device::read(text, user, keys, now).is_some();
        assert!(is_good(&text, alice, &keys, NOW) && is_good(&text, alice, &keys, NOW + KNOWN_S - 1));
        assert!(!is_good(&text, bob, &keys, NOW), "of another");
        assert!(!is_good(&text, Owner { generation: 4, ..alice }, &keys, NOW), "of an earlier password");
        assert!(!is_good(&text, alice, &Keys::new(&[2; 32]), NOW), "of another server");
        assert!(
            !is_good(&text, alice, &keys, NOW + KNOWN_S) && !is_good(&text, alice, &keys, NOW - 1),
            "of another time"
        );
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(!is_good(std::str::from_utf8(&changed).unwrap(), alice, &keys, NOW), "{at}");
        }
        for text in ["", "AAAA", &text[1..], &format!("{text}A"), &format!("{text}=")] {
            assert!(!is_good(text, alice, &keys, NOW), "{text}");
        }
    }

    #[test]
    fn a_device_stays_the_same_and_is_given_something_newer_once_a_day() {
        let (keys, alice) = (Keys::new(&[1; 32]), somebody());
        let text = Device::give(alice, &keys, NOW).unwrap();
        let device = || Device::read(&text, alice, &keys, NOW).unwrap();
        assert_eq!(device().give_anew(alice, &keys, NOW + ANEW_S), None);
        let newer = device().give_anew(alice, &keys, NOW + ANEW_S + 1).unwrap();
        let same = Device::read(&newer, alice, &keys, NOW + KNOWN_S).unwrap();
        assert_eq!(same.id, device().id);
        assert_ne!(Device::give(alice, &keys, NOW), Some(text));
    }
}
