//! The text forms of values: each `…_from` says in its error what to write instead.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use countersign::password_rules::PasswordList;
use countersign_password::Peppers;

use crate::breached::RangeService;
use crate::database::{Address, DatabasePassword};
use crate::pepper;
use crate::traces::Collector;

const LONGEST_TOKEN_LIFE: Duration = Duration::from_hours(31 * 24);
const LONGEST_ENTITY_TOKEN_LIFE: Duration = Duration::from_hours(365 * 24);
const LONGEST_LIFE: Duration = Duration::from_hours(3650 * 24);
const LONGEST_MAX_AGE: Duration = Duration::from_hours(24);

pub(super) fn address_from(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8000 or [::1]:8000".to_owned())
}

pub(super) fn metrics_from(text: &str) -> Result<Option<SocketAddr>, String> {
    if text.is_empty() { Ok(None) } else { address_from(text).map(Some) }
}

pub(super) fn collector_from(text: &str) -> Result<Option<Collector>, String> {
    if text.is_empty() { Ok(None) } else { Collector::new(text).map(Some) }
}

/// An issuer: an absolute http or https URL that a path can be added to (RFC 8414 section 2).
pub(super) fn issuer_from(text: &str) -> Result<String, String> {
    const WANTED: &str =
        "write an http or https URL without query, fragment and final slash, such as https://id.example.com";
    let uri: Uri = text.parse().map_err(|_| WANTED.to_owned())?;
    let has_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if !has_scheme || !has_host || text.contains(['?', '#']) || text.ends_with('/') {
        return Err(WANTED.to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn audience_from(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("write one name without spaces, usually the URL of the API".to_owned());
    }
    Ok(text.to_owned())
}

/// The file of a list of passwords is read at once, so that a wrong one is refused before anything is served.
pub(super) fn password_list_from(text: &str) -> Result<Option<(PathBuf, Arc<PasswordList>)>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let path = PathBuf::from(text);
    let list = fs::read_to_string(&path).map_err(|error| format!("the file cannot be read: {error}"))?;
    let list = PasswordList::read(&list).map_err(|error| error.to_string())?;
    Ok(Some((path, Arc::new(list))))
}

/// So are the peppers.
pub(super) fn peppers_from(text: &str) -> Result<Option<(PathBuf, Peppers)>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let path = PathBuf::from(text);
    let peppers = pepper::read(&path)?;
    Ok(Some((path, peppers)))
}

pub(super) fn database_from(text: &str) -> Result<Option<Address>, String> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|error| format!("{error}")) }
}

pub(super) fn database_password_from(text: &str) -> Result<Option<(PathBuf, DatabasePassword)>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let path = PathBuf::from(text);
    let password = DatabasePassword::read(&path)?;
    Ok(Some((path, password)))
}

pub(super) fn range_service_from(text: &str) -> Result<Option<RangeService>, String> {
    if text.is_empty() { Ok(None) } else { RangeService::new(text).map(Some) }
}

/// A file, if one is named.
pub(super) fn path_from(text: &str) -> Result<Option<PathBuf>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let path = PathBuf::from(text);
    if path.is_dir() { Err("this is a folder: name a file".to_owned()) } else { Ok(Some(path)) }
}

/// One of two words.
pub(super) fn choice_from<T: Copy>(text: &str, choices: [(&str, T); 2]) -> Result<T, String> {
    let [(first, _), (second, _)] = choices;
    let chosen = choices.iter().find(|(word, _)| *word == text);
    chosen.map(|(_, value)| *value).ok_or_else(|| format!("write {first} or {second}"))
}

/// The word of a value.
pub(super) fn choice_to<T: PartialEq>(value: &T, choices: [(&str, T); 2]) -> String {
    let [(first, when_first), (second, _)] = choices;
    if *value == when_first { first.to_owned() } else { second.to_owned() }
}

/// `90`, `90s`, `30m`, `12h` or `7d`.
pub(super) fn duration_from(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits) {
        Some("" | "s") => Some(1),
        Some("m") => Some(60),
        Some("h") => Some(60 * 60),
        Some("d") => Some(24 * 60 * 60),
        _ => None,
    };
    let seconds = digits.parse::<u64>().ok().zip(unit).and_then(|(count, unit)| count.checked_mul(unit));
    seconds
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
        .ok_or_else(|| "write a number and a unit, such as 90s, 30m, 12h or 7d".to_owned())
}

pub(super) fn duration_to(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")];
    let unit = units.iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    unit.map_or(format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

pub(super) fn token_lifetime_from(text: &str) -> Result<Duration, String> {
    at_most(text, "a token lives", LONGEST_TOKEN_LIFE)
}

pub(super) fn entity_token_lifetime_from(text: &str) -> Result<Duration, String> {
    at_most(text, "a token for a thing lives", LONGEST_ENTITY_TOKEN_LIFE)
}

/// The life of a session or of a signing key.
pub(super) fn life_from(text: &str) -> Result<Duration, String> {
    at_most(text, "it lives", LONGEST_LIFE)
}

pub(super) fn keys_max_age_from(text: &str) -> Result<Duration, String> {
    at_most(text, "the keys are kept", LONGEST_MAX_AGE)
}

fn at_most(text: &str, what: &str, longest: Duration) -> Result<Duration, String> {
    let duration = duration_from(text)?;
    if duration > longest {
        return Err(format!("{what} at most {}", duration_to(longest)));
    }
    Ok(duration)
}

pub(super) fn number_from<N>(text: &str, least: N, most: N) -> Result<N, String>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display + Copy,
{
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("write a whole number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_in_the_largest_whole_unit() {
        for (text, seconds, printed) in
            [("90", 90, "90s"), ("1800s", 1800, "30m"), ("30m", 1800, "30m"), ("24h", 86400, "1d"), ("1h", 3600, "1h")]
        {
            let duration = duration_from(text).unwrap();
            assert_eq!(duration, Duration::from_secs(seconds), "{text}");
            assert_eq!(duration_to(duration), printed, "{text}");
        }
        for text in
            ["", "m", "0", "0s", "-1s", "1.5h", "1w", "1 h", "h1", "99999999999999999999s", "999999999999999999d"]
        {
            assert!(duration_from(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_issuer_is_a_url_that_a_path_can_be_added_to() {
        for text in ["http://localhost:8000", "https://id.example.com", "https://example.com/auth", "http://[::1]:80"] {
            assert_eq!(issuer_from(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "https:///x",
            "https://example.com/",
            "https://example.com?x=1",
            "https://example.com#x",
            "https://user@example.com",
            "https://exa mple.com",
        ] {
            assert!(issuer_from(text).is_err(), "{text}");
        }
    }
}
