//! Who the caller is when proxies stand in between: what a proxy says that is trusted, and nobody else.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::transport::forwarded;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// The addresses of proxies whose word counts; none unless somebody names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// An address with so many bits of it that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl TrustedProxies {
    /// Where a request comes from, if it is not from `peer` itself: from right to left the first address that is no trusted proxy, or the
    /// last that is sure when what follows cannot be read.
    ///
    /// A proxy that writes one of the two headers lets pass what its caller wrote into the other. Where they say different things, one of
    /// them is such a thing, and the request counts as the proxy's own.
    pub(crate) fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.trusts(peer) {
            return None;
        }
        let lines = |name: &HeaderName| headers.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        let (plain, standard) = (lines(&X_FORWARDED_FOR), lines(&FORWARDED));
        let by_plain = || self.walk(plain.iter().rev().flat_map(|line| forwarded::plain(line)));
        let by_standard = || self.walk(standard.iter().rev().flat_map(|line| forwarded::standard(line)));
        match (plain.is_empty(), standard.is_empty()) {
            (true, true) => None,
            (false, true) => by_plain(),
            (true, false) => by_standard(),
            (false, false) => by_plain().filter(|source| by_standard() == Some(*source)),
        }
    }

    /// Whether a peer seems to be a proxy that nobody has named: it is near, and speaks for others.
    pub(crate) fn lack(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let is_near = match peer.to_canonical() {
            IpAddr::V4(peer) => peer.is_loopback() || peer.is_private(),
            IpAddr::V6(peer) => peer.is_loopback() || peer.is_unique_local(),
        };
        let speaks = headers.contains_key(&X_FORWARDED_FOR) || headers.contains_key(&FORWARDED);
        is_near && speaks && !self.trusts(peer)
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// `hops`: from right to left; nothing where one cannot be read.
    fn walk(&self, hops: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        let mut sure = None;
        for hop in hops {
            let Some(address) = hop else { break };
            sure = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        sure
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits,
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits,
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("{text:?} is no address and no network such as 10.0.0.0/8 or fd00::/8");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let written: IpAddr = address.parse().map_err(|_| wanted())?;
        let longest: u32 = if written.is_ipv4() { 32 } else { 128 };
        let bits: u32 = bits.map_or(Ok(longest), str::parse).ok().filter(|bits| *bits <= longest).ok_or_else(wanted)?;
        let address = written.to_canonical();
        // An IPv4 network that is written as IPv6.
        let bits = if address.is_ipv4() { bits.checked_sub(longest - 32).ok_or_else(wanted)? } else { bits };
        let is_beginning = match address {
            IpAddr::V4(address) => address.to_bits().trailing_zeros() >= 32 - bits,
            IpAddr::V6(address) => address.to_bits().trailing_zeros() >= 128 - bits,
        };
        if bits == 0 {
            return Err(format!("{text:?} is everybody, who could say what they like: name the proxies"));
        }
        if !is_beginning {
            return Err(format!("{text:?} is an address inside of a network: write the network's first address"));
        }
        Ok(Self { address, bits })
    }
}

impl FromStr for TrustedProxies {
    type Err = String;

    /// Addresses and networks, parted by spaces or commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        words.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Network { address, bits }) in self.0.iter().enumerate() {
            let space = if n == 0 { "" } else { " " };
            let is_one = *bits == if address.is_ipv4() { 32 } else { 128 };
            write!(f, "{space}{address}")?;
            if !is_one {
                write!(f, "/{bits}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trusted(text: &str) -> TrustedProxies {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn headers(lines: &[(&HeaderName, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(*name, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    /// What a trusted proxy makes us believe; `-` for itself.
    fn believed(lines: &[(&HeaderName, &[u8])]) -> String {
        let source = trusted("127.0.0.1 10.0.0.0/8, fd00::/8").source(ip("127.0.0.1"), &headers(lines));
        source.map_or("-".to_owned(), |source| source.to_string())
    }

    //
    #[test]
    fn the_first_address_from_the_right_that_is_no_trusted_proxy_is_the_caller() {
        for (line, source) in [
            ("203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("198.51.100.1,203.0.113.7,10.1.2.3", "203.0.113.7"),
            ("203.0.113.7, 10.1.2.3 ,\t10.0.0.1", "203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:4711, fd00::1", "2001:db8::7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("203.0.113.7, ::ffff:10.0.0.1", "203.0.113.7"),
            ("10.0.0.2, 10.0.0.1", "10.0.0.2"),
        ] {
            assert_eq!(believed(&[(&X_FORWARDED_FOR, line.as_bytes())]), source, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_leaves_the_last_address_that_is_sure() {
        for (line, source) in [
            ("", "-"),
            (",", "-"),
            ("unknown", "-"),
            ("203.0.113.7, unknown", "-"),
            ("203.0.113.7, _hidden, 10.0.0.1", "10.0.0.1"),
            ("203.0.113.7,,10.0.0.1", "10.0.0.1"),
            ("203.0.113.7, 10.0.0.1,", "-"),
            ("203.0.113.256", "-"),
            ("203.0.113.07", "-"),
            ("203.0.113.7 198.51.100.1", "-"),
            ("203.0.113.7:", "-"),
            ("203.0.113.7:port", "-"),
            ("[203.0.113.7]", "-"),
            ("[2001:db8::7", "-"),
            ("2001:db8::7]", "-"),
            ("fe80::1%eth0", "-"),
            ("localhost", "-"),
        ] {
            assert_eq!(believed(&[(&X_FORWARDED_FOR, line.as_bytes())]), source, "{line}");
        }
        assert_eq!(believed(&[(&X_FORWARDED_FOR, b"\xff\xfe, 203.0.113.7")]), "203.0.113.7");
    }

    #[test]
    fn several_lines_are_read_from_the_last() {
        let line = |text: &'static str| (&X_FORWARDED_FOR, text.as_bytes());
        assert_eq!(believed(&[line("198.51.100.1"), line("203.0.113.7")]), "203.0.113.7");
        assert_eq!(believed(&[line("198.51.100.1, 203.0.113.7"), line("10.0.0.2, 10.0.0.1")]), "203.0.113.7");
        assert_eq!(believed(&[line("203.0.113.7"), line("")]), "-");
    }

    // RFC 7239
    #[test]
    fn forwarded_is_read_as_its_standard_says() {
        for (line, source) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7"),
            ("proto=https; for=\"203.0.113.7:4711\"", "203.0.113.7"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=\"[2001:db8:cafe::17]:_port\"", "2001:db8:cafe::17"),
            ("for=198.51.100.1, for=203.0.113.7, for=10.0.0.1", "203.0.113.7"),
            ("for=198.51.100.1;host=\"a, for=b\", for=203.0.113.7", "203.0.113.7"),
            ("for=\"203.0.113.\\7\"", "203.0.113.7"),
            ("for=unknown", "-"),
            ("for=_gazonk, for=10.0.0.1", "10.0.0.1"),
            ("proto=https", "-"),
            ("for=203.0.113.7;for=198.51.100.1", "-"),
            ("for=203.0.113.7, for=\"", "-"),
            ("for=\"203.0.113.7", "-"),
            ("for=\"203.0.113.7\"x", "-"),
            ("for=203.0.113.7 198.51.100.1", "-"),
            ("203.0.113.7", "-"),
            ("", "-"),
        ] {
            assert_eq!(believed(&[(&FORWARDED, line.as_bytes())]), source, "{line}");
        }
        // What a caller leaves open cannot swallow what the proxy adds and be believed.
        assert_eq!(believed(&[(&FORWARDED, b"for=1.1.1.1, for=\", for=\"[2001:db8::7]\"")]), "-");
        assert_eq!(believed(&[(&FORWARDED, b"for=\"1.1.1.1"), (&FORWARDED, b"for=203.0.113.7")]), "203.0.113.7");
    }

    // S-027: a proxy that writes one header lets the other pass.
    #[test]
    fn two_headers_that_disagree_are_both_not_believed() {
        let plain = (&X_FORWARDED_FOR, &b"203.0.113.7"[..]);
        assert_eq!(believed(&[plain, (&FORWARDED, b"for=198.51.100.1")]), "-");
        assert_eq!(believed(&[plain, (&FORWARDED, b"nonsense")]), "-");
        assert_eq!(believed(&[plain, (&FORWARDED, b"for=198.51.100.1, for=203.0.113.7")]), "203.0.113.7");
    }

    // S-027
    #[test]
    fn who_is_not_trusted_is_not_believed() {
        let headers = headers(&[(&X_FORWARDED_FOR, b"203.0.113.7"), (&FORWARDED, b"for=203.0.113.7")]);
        for peer in ["127.0.0.2", "11.0.0.1", "::1", "fe00::1", "::10.0.0.1"] {
            assert_eq!(trusted("127.0.0.1 10.0.0.0/8, fd00::/8").source(ip(peer), &headers), None, "{peer}");
        }
        assert_eq!(trusted("").source(ip("127.0.0.1"), &headers), None);
        assert_eq!(trusted("10.0.0.0/8").source(ip("::ffff:10.0.0.1"), &headers), Some(ip("203.0.113.7")));
    }

    #[test]
    fn networks_are_read_and_shown() {
        for (text, shown) in [
            ("", ""),
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.0/8,fd00::/8  ::1", "10.0.0.0/8 fd00::/8 ::1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("10.0.0.1/32", "10.0.0.1"),
        ] {
            assert_eq!(trusted(text).to_string(), shown, "{text}");
            assert_eq!(trusted(shown), trusted(text));
        }
        for text in [
            "localhost",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "0.0.0.0/0",
            "::/0",
            "::ffff:0:0/96",
            "10.0.0.0/",
            "/8",
            "fd00::/129",
            "10.0.0.0/-1",
        ] {
            assert!(text.parse::<TrustedProxies>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_near_peer_that_speaks_for_others_is_probably_a_proxy() {
        let speaking = headers(&[(&X_FORWARDED_FOR, b"203.0.113.7")]);
        for (peer, is_lacking) in [("127.0.0.1", false), ("192.168.0.1", true), ("::1", true), ("203.0.113.1", false)] {
            assert_eq!(trusted("127.0.0.1").lack(ip(peer), &speaking), is_lacking, "{peer}");
            assert!(!trusted("").lack(ip(peer), &HeaderMap::new()));
        }
    }

    proptest! {
        // S-027
        #[test]
        fn nothing_that_a_caller_writes_changes_who_it_is(text in "[ -~]{0,80}") {
            let plain = format!("{text}, 203.0.113.7");
            prop_assert_eq!(believed(&[(&X_FORWARDED_FOR, plain.as_bytes())]), "203.0.113.7");
            let lines: [(&HeaderName, &[u8]); 2] = [(&X_FORWARDED_FOR, text.as_bytes()), (&X_FORWARDED_FOR, b"203.0.113.7")];
            prop_assert_eq!(believed(&lines), "203.0.113.7");
            let lines: [(&HeaderName, &[u8]); 2] = [(&FORWARDED, text.as_bytes()), (&FORWARDED, b"for=203.0.113.7")];
            prop_assert_eq!(believed(&lines), "203.0.113.7");
            let standard = format!("{text}, for=\"203.0.113.7\";proto=https");
            let source = believed(&[(&FORWARDED, standard.as_bytes())]);
            prop_assert!(source == "203.0.113.7" || source == "-", "{source}");
        }
    }
}
