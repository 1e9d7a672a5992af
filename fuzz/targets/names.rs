//! User names, e-mail addresses, full names and what is typed at a login: each canonical form is its own, and holds
//! nothing that nobody sees.

#![no_main]

use countersign::user::{EmailAddress, FullName, Login, Username};
use libfuzzer_sys::fuzz_target;

fn is_hidden(c: char) -> bool {
    c.is_control() || ('\u{200b}'..='\u{200f}').contains(&c) || ('\u{202a}'..='\u{202e}').contains(&c)
}

fuzz_target!(|typed: &str| {
    let username = Username::new(typed);
    if let Ok(name) = &username {
        let text = name.as_str();
        assert_eq!(Username::new(text).as_ref(), Ok(name), "{typed:?}");
        assert!((1..=64).contains(&text.chars().count()), "{text:?}");
        assert!(!text.contains(|c: char| c == '@' || c == ':' || c.is_whitespace() || is_hidden(c)), "{text:?}");
        assert!(!name.skeleton().is_empty(), "{text:?}");
    }
    let address = EmailAddress::new(typed);
    if let Ok(address) = &address {
        assert_eq!(EmailAddress::new(address.as_str()).as_ref(), Ok(address), "{typed:?}");
        let canonical = EmailAddress::new(address.canonical()).expect("the canonical form is an address");
        assert_eq!(canonical.canonical(), address.canonical(), "{typed:?}");
        assert_eq!(address.as_str().matches('@').count(), 1, "{typed:?}");
        assert!(address.as_str().len() <= 254 && !address.as_str().contains(is_hidden), "{typed:?}");
    }
    if let Ok(name) = FullName::new(typed) {
        assert_eq!(FullName::new(name.as_str()).as_ref(), Ok(&name), "{typed:?}");
        let text = name.as_str();
        assert!(
            (1..=128).contains(&text.chars().count()) && text.trim() == text && !text.contains(is_hidden),
            "{text:?}"
        );
    }
    // A text is a name or an address and never both, and a login finds the one that it is.
    assert!(username.is_err() || address.is_err(), "{typed:?}");
    let expected = username.map(Login::Username).or(address.map(Login::EmailAddress)).unwrap_or(Login::Nobody);
    assert_eq!(Login::parse(typed), expected, "{typed:?}");
});
