//! Finds the bearer token of a request (RFC 6750 section 2.1), without judging it.

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::problem::ErrorStyle;

/// What a request shows in the place of a bearer token.
pub(crate) enum Credentials<'r> {
    /// No `Authorization` header, or one of another scheme.
    None,
    /// A token, perhaps an empty one.
    Bearer(&'r [u8]),
    /// More than one `Authorization` header, or a token in the header and another in the query (RFC 6750 section 2).
    Several,
}

/// FastAPI looks at the first header and never at the query; RFC 6750 forbids several ways at once.
pub(crate) fn credentials(parts: &Parts, style: ErrorStyle) -> Credentials<'_> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else { return Credentials::None };
    let strict = style == ErrorStyle::Problem;
    if strict && headers.next().is_some() {
        return Credentials::Several;
    }
    let Some(token) = bearer_token(header.as_bytes()) else { return Credentials::None };
    if strict && parts.uri.query().is_some_and(names_access_token) {
        return Credentials::Several;
    }
    Credentials::Bearer(token)
}

/// The text after `Bearer` and a space, without the blanks around it; a bare `Bearer` is an empty token.
fn bearer_token(header: &[u8]) -> Option<&[u8]> {
    let end = header.iter().position(|byte| *byte == b' ').unwrap_or(header.len());
    let (scheme, rest) = header.split_at_checked(end)?;
    scheme.eq_ignore_ascii_case(b"Bearer").then(|| rest.trim_ascii())
}

/// Whether a query has an `access_token` parameter, however its name is escaped.
fn names_access_token(query: &str) -> bool {
    query.split('&').filter_map(|pair| pair.split('=').next()).any(|name| unescaped(name).eq(*b"access_token"))
}

fn unescaped(name: &str) -> impl Iterator<Item = u8> + '_ {
    let mut rest = name.as_bytes();
    std::iter::from_fn(move || {
        let (byte, tail) = rest.split_first()?;
        let (byte, tail) = escape(rest).unwrap_or((*byte, tail));
        rest = tail;
        Some(byte)
    })
}

/// The byte that `%xy` stands for, and what comes after.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, tail @ ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let value = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    Some((value, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_has_no_case_and_ends_at_a_space() {
        //
        for (header, token) in [
            ("Bearer x", Some("x")),
            ("bEaReR x", Some("x")),
            ("Bearer  \t x \t", Some("x")),
            ("Bearer a b", Some("a b")),
            ("Bearer", Some("")),
            ("Bearer ", Some("")),
            ("Bearer\tx", None),
            ("Bearer: x", None),
            ("Basic x", None),
            ("x", None),
            ("", None),
            (" Bearer x", None),
        ] {
            assert_eq!(bearer_token(header.as_bytes()), token.map(str::as_bytes), "{header:?}");
        }
    }

    #[test]
    fn an_access_token_in_the_query_is_found_however_it_is_written() {
        //
        for (query, found) in [
            ("access_token=x", true),
            ("a=b&access_token=", true),
            ("access_token", true),
            ("access%5Ftoken=x", true),
            ("%61ccess_token", true),
            ("", false),
            ("access_tokens=x", false),
            ("xaccess_token=x", false),
            ("a=access_token", false),
            ("access_token%zz=x", false),
        ] {
            assert_eq!(names_access_token(query), found, "{query:?}");
        }
    }
}
