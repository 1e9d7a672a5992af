//! Scopes: what is taken is exactly RFC 6749's grammar, and sets are sets. The input is two texts, a line each.

#![no_main]

use std::collections::BTreeSet;

use countersign_token::ScopeSet;
use libfuzzer_sys::{Corpus, fuzz_target};

/// `scope = scope-token *( SP scope-token )`, written without the code that is tested; the empty text is the empty set.
fn read(text: &str) -> Option<BTreeSet<&str>> {
    let is_token =
        |token: &&str| !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
    let tokens: BTreeSet<_> = if text.is_empty() { BTreeSet::new() } else { text.split(' ').collect() };
    tokens.iter().all(is_token).then_some(tokens)
}

fn tokens(set: &ScopeSet) -> BTreeSet<&str> {
    set.iter().collect()
}

fuzz_target!(|input: &str| -> Corpus {
    let Some((one, other)) = input.split_once('\n') else { return Corpus::Reject };
    let sets = [one, other].map(|text| {
        let set = ScopeSet::parse(text);
        assert_eq!(set.as_ref().ok().map(tokens), read(text), "{text:?}");
        if let Ok(set) = &set {
            assert_eq!(ScopeSet::parse(&set.to_string()).as_ref(), Ok(set));
            assert_eq!(ScopeSet::from_tokens(text.split(' ').filter(|token| !token.is_empty())).as_ref(), Ok(set));
        }
        set
    });
    let [Ok(one), Ok(other)] = sets else { return Corpus::Keep };
    let (left, right) = (tokens(&one), tokens(&other));
    assert_eq!(tokens(&one.union(&other)), left.union(&right).copied().collect());
    assert_eq!(tokens(&one.intersection(&other)), left.intersection(&right).copied().collect());
    assert_eq!(tokens(&one.difference(&other)), left.difference(&right).copied().collect());
    assert_eq!(one.contains_all(&other), left.is_superset(&right));
    Corpus::Keep
});
