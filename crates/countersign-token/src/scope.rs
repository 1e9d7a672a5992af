//! Scopes: what a token allows (RFC 6749 section 3.3). A set of whole tokens, compared byte for byte.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of scope tokens such as `me items:read`.
///
/// The order in which scopes were written has no meaning (RFC 6749 section 3.3): the set is kept sorted, and two sets of
/// the same tokens are equal. As text, and in JSON, it is the tokens joined by one space.
///
/// ```
/// use countersign_token::ScopeSet;
///
/// let granted: ScopeSet = "me items:read".parse()?;
/// assert!(granted.contains("me"));
/// assert!(!granted.contains("items"));
/// assert_eq!(granted.to_string(), "items:read me");
/// assert!("me  items".parse::<ScopeSet>().is_err(), "one space between two tokens");
/// # Ok::<(), countersign_token::ScopeSyntaxError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeSet(BTreeSet<String>);

/// A text is not a list of scope tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope is printable ASCII without quotes and backslash, and one space stands between two scopes")]
#[non_exhaustive]
pub struct ScopeSyntaxError;

impl ScopeSet {
    /// Reads scope tokens with exactly one space between two of them; the empty text is the empty set.
    ///
    /// A token that is named twice counts once.
    pub fn parse(text: &str) -> Result<Self, ScopeSyntaxError> {
        if text.is_empty() { Ok(Self::default()) } else { Self::from_tokens(text.split(' ')) }
    }

    /// Makes a set of single scope tokens, each checked for RFC 6749's syntax.
    pub fn from_tokens<I>(tokens: I) -> Result<Self, ScopeSyntaxError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        tokens.into_iter().map(|token| scope_token(token.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this very token is in the set: whole, and with regard to case.
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether every token of `other` is in this set.
    pub fn contains_all(&self, other: &Self) -> bool {
        self.0.is_superset(&other.0)
    }

    /// The tokens that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The tokens that are in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The tokens that are in this set and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// Whether the set has no token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The tokens in sorted order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 section 3.3).
fn scope_token(token: &str) -> Result<String, ScopeSyntaxError> {
    let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    if !token.is_empty() && token.bytes().all(allowed) { Ok(token.to_owned()) } else { Err(ScopeSyntaxError) }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, token) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl FromStr for ScopeSet {
    type Err = ScopeSyntaxError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    #[test]
    fn scopes_are_compared_whole_and_with_regard_to_case() {
        // R-039
        let scopes = set("some items:read");
        assert!(scopes.contains("some"));
        for other in ["me", "so", "SOME", "some ", "", "items", "items:read some"] {
            assert!(!scopes.contains(other), "{other:?}");
        }
        assert!(scopes.contains_all(&set("some")) && !scopes.contains_all(&set("some me")));
        assert!(scopes.contains_all(&ScopeSet::default()));
    }

    #[test]
    fn whatever_rfc_6749_does_not_allow_is_refused() {
        // R-015
        for text in [" ", "a ", " a", "a  b", "a\tb", "a\nb", "a\u{a0}b", "a\"b", "a\\b", "\u{7f}", "é", "a\0"] {
            assert_eq!(ScopeSet::parse(text), Err(ScopeSyntaxError), "{text:?}");
        }
        for token in ["", "a b"] {
            assert_eq!(ScopeSet::from_tokens([token]), Err(ScopeSyntaxError), "{token:?}");
        }
        assert_eq!(set(""), ScopeSet::default());
        assert_eq!(set("!#$%&'()*+,-./:;<=>?@[]^_`{|}~").len(), 1);
    }

    #[test]
    fn json_has_scopes_as_one_string() {
        let scopes: ScopeSet = serde_json::from_str(r#""b a b""#).unwrap();
        assert_eq!(serde_json::to_string(&scopes).unwrap(), r#""a b""#);
        assert!(serde_json::from_str::<ScopeSet>(r#""a  b""#).is_err());
        assert!(serde_json::from_str::<ScopeSet>(r#"["a"]"#).is_err());
    }

    fn any_set() -> impl Strategy<Value = ScopeSet> {
        prop::collection::vec("[!#-\\[\\]-~]{1,3}|[ab]", 0..6).prop_map(|tokens| ScopeSet::from_tokens(tokens).unwrap())
    }

    proptest! {
        #[test]
        fn text_and_back_is_the_same_set(scopes in any_set()) {
            prop_assert_eq!(set(&scopes.to_string()), scopes);
        }

        #[test]
        fn the_order_of_the_tokens_has_no_meaning(mut tokens in prop::collection::vec("[a-c]{1,2}", 0..6)) {
            let scopes = ScopeSet::from_tokens(&tokens).unwrap();
            tokens.reverse();
            prop_assert_eq!(ScopeSet::from_tokens(&tokens).unwrap(), scopes);
        }

        #[test]
        fn set_operations_are_those_of_sets(a in any_set(), b in any_set()) {
            prop_assert!(a.contains_all(&a.intersection(&b)) && b.contains_all(&a.intersection(&b)));
            prop_assert!(a.union(&b).contains_all(&a) && a.union(&b).contains_all(&b));
            prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
            prop_assert!(a.difference(&b).intersection(&b).is_empty());
            prop_assert_eq!(a.iter().all(|token| b.contains(token)), b.contains_all(&a));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            if let Ok(scopes) = ScopeSet::parse(&text) {
                prop_assert!(scopes.iter().all(|token| text.split(' ').any(|part| part == token)));
            }
        }
    }
}
