//! `X-Forwarded-For`, and `Forwarded` (RFC 7239): the addresses of a line from right to left; nothing where one cannot be read.

use std::net::{IpAddr, Ipv6Addr};

/// A line of `X-Forwarded-For`.
pub(crate) fn plain(line: &[u8]) -> Vec<Option<IpAddr>> {
    line.rsplit(|byte| *byte == b',')
        .map(|hop| node(std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t'])))
        .collect()
}

/// A line of `Forwarded`. What opens a quoted string and does not end it makes the whole line unreadable: nobody can say then what of it
/// is whose.
pub(crate) fn standard(line: &[u8]) -> Vec<Option<IpAddr>> {
    let elements = std::str::from_utf8(line).ok().and_then(elements);
    elements.map_or_else(|| vec![None], |hops| hops.into_iter().rev().collect())
}

/// The addresses of the elements, from left to right; none if the line is no list of elements.
fn elements(line: &str) -> Option<Vec<Option<IpAddr>>> {
    let mut hops = Vec::new();
    let mut rest = line;
    loop {
        let mut of_element = Vec::new();
        let end = loop {
            let (name, after) = rest.split_once('=')?;
            let name = name.trim_matches([' ', '\t']);
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                return None;
            }
            let (value, after) = value(after)?;
            if name.eq_ignore_ascii_case("for") {
                of_element.push(node(&value));
            }
            let after = after.trim_start_matches([' ', '\t']);
            match after.split_at_checked(1) {
                Some((";", more)) => rest = more,
                Some((",", more)) => break Some(more),
                Some(_) => return None,
                None => break None,
            }
        };
        hops.push(if let [hop] = of_element[..] { hop } else { None });
        match end {
            Some(more) => rest = more,
            None => return Some(hops),
        }
    }
}

/// A token or a quoted string (RFC 9110 section 5.6), and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (token, after) = text.split_at(end);
        let token = token.trim_end_matches([' ', '\t']);
        let is_token = !token.contains(['"', ' ', '\t']);
        return is_token.then(|| (token.to_owned(), after));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// An address with or without a port. IPv6 may stand in brackets, and has to with a port.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
            .then(|| IpAddr::V6(address).to_canonical());
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port) = text.split_once(':')?;
    let address = address.parse().ok().filter(IpAddr::is_ipv4)?;
    is_port(port).then_some(address)
}

fn is_port(text: &str) -> bool {
    let is_hidden = text.len() > 1 && text.starts_with('_');
    is_hidden || text.parse::<u16>().is_ok()
}
