//! Where jobs come from, as far as fairness needs to know.

use std::net::{IpAddr, Ipv6Addr};

/// Whom a pool hashes for. The jobs of one source wait behind each other; sources take turns.
///
/// An IPv4 address is a source, and so is an IPv6 network of 64 bits, which is what one customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(u128);

impl Source {
    /// All jobs of which nobody said where they come from: together one source.
    pub const UNKNOWN: Source = Source(1);

    const NETWORK: u128 = !0 << 64;
}

impl Default for Source {
    fn default() -> Source {
        Source::UNKNOWN
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Source {
        // Networks end in 64 zeros and mapped addresses do not, so that no two kinds meet.
        match address.to_canonical() {
            IpAddr::V4(address) => Source(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Source(Ipv6Addr::to_bits(address) & Source::NETWORK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> Source {
        address.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_source_is_an_address_or_a_network_of_64_bits() {
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.1"));
        assert_eq!(source("2001:db8:0:1::1"), source("2001:db8:0:1:ffff::2"));
        assert_ne!(source("2001:db8:0:1::1"), source("2001:db8:0:2::1"));
    }

    #[test]
    fn an_unknown_source_is_none_that_an_address_has() {
        for address in ["0.0.0.0", "0.0.0.1", "::", "::1", "::ffff:0.0.0.1", "255.255.255.255"] {
            assert_ne!(source(address), Source::UNKNOWN, "{address}");
        }
        assert_ne!(source("0.0.0.0"), source("::"));
    }
}
