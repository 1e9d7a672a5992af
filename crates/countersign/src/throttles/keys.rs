//! Which counter is whose. A key is made of what is counted with a secret, so that a table of counters tells no name and no address, also
//! not those that somebody typed by mistake.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key, Tag};

use crate::throttle::CounterKey;

/// What a counter counts. The numbers are kept, as a part of keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Guesses at an account, by a name of it.
    Account = 1,
    /// Guesses at a client.
    Client = 2,
    /// Guesses at an account from where it is known.
    AccountPlace = 3,
    /// Guesses at a client from where it is known.
    ClientPlace = 4,
    /// Guesses from an address.
    GuessAddress = 5,
    /// Guesses from a network.
    GuessNetwork = 6,
    /// Registrations from an address.
    RegistrationAddress = 7,
    /// Registrations from a network.
    RegistrationNetwork = 8,
    /// Tokens for things of an owner.
    Owner = 9,
    /// Devices of an account: no counter, and signed with the same secret.
    Device = 10,
    /// E-mail addresses that an account was given by its owner.
    EmailChange = 11,
}

/// The length of what signs a device.
pub(super) const TAG_BYTES: usize = 32;
/// Of the numbers below the kind.
const BITS: u32 = 56;
/// Counters of what anybody can make up (addresses, names that nobody has) share so many bits: a million of each kind, and no more, are
/// ever kept. Somebody whose address shares a counter with that of an attacker is one in a million for each address that attacks.
const SHARED_BITS: u32 = 20;
/// Places of one account that are known at one time.
pub(super) const PLACES: u64 = 64;

/// The secret that makes keys. Clones share it.
#[derive(Clone)]
pub(super) struct Keys(Key);

impl Keys {
    /// Of a secret that all processes on one database have.
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    /// A counter of its own.
    pub(super) fn own(&self, kind: Kind, of: &[u8]) -> CounterKey {
        key(kind, self.number(kind, &[of]), BITS)
    }

    /// A counter out of a million.
    pub(super) fn shared(&self, kind: Kind, of: &[u8]) -> CounterKey {
        key(kind, self.number(kind, &[of]), SHARED_BITS)
    }

    /// One of the counters of places of somebody, and the mark of this place in it.
    pub(super) fn place(&self, kind: Kind, of: &[u8], place: &[u8]) -> (CounterKey, i64) {
        let number = self.number(kind, &[of, place]);
        (self.slot(kind, of, number % PLACES), (number / PLACES).cast_signed())
    }

    /// One of the counters of places of somebody.
    pub(super) fn slot(&self, kind: Kind, of: &[u8], slot: u64) -> CounterKey {
        key(kind, self.number(kind, &[of, b"slot", &slot.to_be_bytes()]), BITS)
    }

    /// Signs what is not kept.
    pub(super) fn sign(&self, kind: Kind, parts: &[impl AsRef<[u8]>]) -> Tag {
        hmac::sign(&self.0, &joined(kind, parts))
    }

    /// Whether [`Keys::sign`] has made this, compared in constant time.
    pub(super) fn signed(&self, kind: Kind, parts: &[impl AsRef<[u8]>], tag: &[u8]) -> bool {
        hmac::verify(&self.0, &joined(kind, parts), tag).is_ok()
    }

    fn number(&self, kind: Kind, parts: &[&[u8]]) -> u64 {
        self.sign(kind, parts).as_ref().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

/// No two lists of parts are joined alike.
fn joined(kind: Kind, parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut text = vec![kind as u8];
    for part in parts {
        text.extend_from_slice(&part.as_ref().len().to_be_bytes());
        text.extend_from_slice(part.as_ref());
    }
    text
}

fn key(kind: Kind, number: u64, bits: u32) -> CounterKey {
    CounterKey((u64::from(kind as u8) << BITS | number & ((1 << bits) - 1)).cast_signed())
}

/// What counts as one source: an address, of IPv6 a network of 64 bits.
pub(super) fn source_of(address: IpAddr) -> [u8; 16] {
    cut(address, 32, 64)
}

/// The network around it: 24 bits of IPv4, 48 of IPv6.
pub(super) fn network_of(address: IpAddr) -> [u8; 16] {
    cut(address, 24, 48)
}

fn cut(address: IpAddr, bits_of_4: u32, bits_of_6: u32) -> [u8; 16] {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            Ipv4Addr::from_bits(address.to_bits() & u32::MAX << (32 - bits_of_4)).to_ipv6_mapped().octets()
        }
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & u128::MAX << (128 - bits_of_6)).octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new(&[1; 32])
    }

    #[test]
    fn a_key_tells_its_kind_and_its_owner_apart_and_nothing_else() {
        let keys = keys();
        let alice = keys.own(Kind::Account, b"alice");
        assert_eq!(alice, keys.own(Kind::Account, b"alice"));
        assert_eq!(alice.0 >> BITS, 1);
        for other in [
            keys.own(Kind::Account, b"bob"),
            keys.own(Kind::Client, b"alice"),
            Keys::new(&[2; 32]).own(Kind::Account, b"alice"),
        ] {
            assert_ne!(alice, other);
        }
    }

    #[test]
    fn what_anybody_can_make_up_takes_a_million_counters_at_the_most() {
        let keys = keys();
        let ceiling = (5_i64 << BITS) + (1 << SHARED_BITS);
        assert!((0..1000_u32).all(|n| {
            let CounterKey(key) = keys.shared(Kind::GuessAddress, &n.to_be_bytes());
            (5 << BITS..ceiling).contains(&key)
        }));
    }

    #[test]
    fn an_account_is_known_at_64_places_and_each_has_its_mark() {
        let keys = keys();
        let places: Vec<_> =
            (0..1000_u32).map(|n| keys.place(Kind::AccountPlace, b"alice", &n.to_be_bytes())).collect();
        let slots: std::collections::BTreeSet<_> = places.iter().map(|(key, _)| *key).collect();
        let marks: std::collections::BTreeSet<_> = places.iter().map(|(_, mark)| *mark).collect();
        assert_eq!((slots.len(), marks.len()), (64, 1000));
        assert!((0..PLACES).all(|slot| slots.contains(&keys.slot(Kind::AccountPlace, b"alice", slot))));
        assert!(!slots.contains(&keys.slot(Kind::AccountPlace, b"bob", 0)));
    }

    // S-027
    #[test]
    fn addresses_count_by_64_bits_of_ipv6_and_mapped_ones_as_ipv4() {
        let source = |text: &str| source_of(text.parse().unwrap());
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.1"));
        assert_eq!(source("2001:db8:0:1::1"), source("2001:db8:0:1:ffff::2"));
        assert_ne!(source("2001:db8:0:1::1"), source("2001:db8:0:2::1"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.254"));
        assert_ne!(network("192.0.2.1"), network("192.0.3.1"));
        assert_eq!(network("2001:db8:0:1::1"), network("2001:db8:0:2::1"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8:1:1::1"));
        assert_ne!(network("::1"), network("0.0.0.1"));
    }
}
