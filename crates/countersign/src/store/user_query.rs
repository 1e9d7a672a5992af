//! What a listing of users asks for, and the page that answers it.

use unicode_normalization::UnicodeNormalization;

use crate::user::{User, UserId};

/// The most users of one page.
const MAX_LIMIT: usize = 200;
/// The users of one page when nothing else is asked.
const DEFAULT_LIMIT: usize = 50;
/// The most code points of a search text; nothing that it is compared with is longer.
const MAX_SEARCH_CODE_POINTS: usize = 254;
/// How many code points the parts have that are indexed. Of six there are so many different ones that few names share one.
const GRAM_SIZES: [usize; 2] = [6, 3];

/// Which users to list; the default is the first page of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserQuery {
    search: Option<SearchText>,
    after: Option<UserId>,
    limit: usize,
}

impl Default for UserQuery {
    fn default() -> Self {
        Self { search: None, after: None, limit: DEFAULT_LIMIT }
    }
}

impl UserQuery {
    /// Only users whose name or address contains this.
    #[must_use]
    pub fn search(mut self, text: SearchText) -> Self {
        self.search = Some(text);
        self
    }

    /// Only users after this id: the page that follows the one that ended with it.
    #[must_use]
    pub fn after(mut self, id: UserId) -> Self {
        self.after = Some(id);
        self
    }

    /// At most so many users, 1 to 200; a number outside is brought to the nearer end. 50 unless set.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, MAX_LIMIT);
        self
    }

    /// See [`search`](Self::search).
    pub fn search_text(&self) -> Option<&SearchText> {
        self.search.as_ref()
    }

    /// See [`after`](Self::after).
    pub fn after_id(&self) -> Option<UserId> {
        self.after
    }

    /// See [`limit`](Self::limit).
    pub fn page_limit(&self) -> usize {
        self.limit
    }
}

/// A page of users, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPage {
    /// The users.
    pub users: Vec<User>,
    /// Where the next page goes on ([`UserQuery::after`]); `None` when this is the last.
    pub next: Option<UserId>,
}

impl UserPage {
    /// Makes the page of `users`, which a store read in order, one more than `limit` if there are so many: the one
    /// too many tells that another page follows.
    pub fn from_one_more(mut users: Vec<User>, limit: usize) -> Self {
        let more = users.len() > limit;
        users.truncate(limit);
        let next = if more { users.last().map(|user| user.id) } else { None };
        Self { users, next }
    }
}

/// A part of a user name or an e-mail address to look for: 1 to 254 code points, no control characters. `%` and `_`
/// stand for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText {
    in_username: String,
    in_email: String,
}

/// Why a text cannot be searched for, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchTextError {
    /// Nothing was given.
    #[error("the search text is empty: leave it out to list all users")]
    Empty,
    /// More than 254 code points.
    #[error("the search text is too long: give at most {MAX_SEARCH_CODE_POINTS} characters")]
    TooLong,
    /// It holds a control character.
    #[error("the search text contains a control character: type it without")]
    Control,
}

impl SearchText {
    /// Checks what was typed; case matters as little as it does in the names that are searched.
    pub fn new(typed: &str) -> Result<Self, SearchTextError> {
        if typed.is_empty() {
            return Err(SearchTextError::Empty);
        }
        if typed.chars().nth(MAX_SEARCH_CODE_POINTS).is_some() {
            return Err(SearchTextError::TooLong);
        }
        if typed.chars().any(char::is_control) {
            return Err(SearchTextError::Control);
        }
        let in_email: String = typed.nfc().collect::<String>().to_ascii_lowercase();
        let in_username = typed.to_lowercase().nfc().collect();
        Ok(Self { in_username, in_email })
    }

    /// The text as it would stand in a canonical user name.
    pub fn in_username(&self) -> &str {
        &self.in_username
    }

    /// The text as it would stand in a canonical e-mail address.
    pub fn in_email(&self) -> &str {
        &self.in_email
    }

    /// What SQL's `LIKE` finds it by, in a name and in an address, with `\` to escape.
    pub(super) fn like_patterns(&self) -> (String, String) {
        let pattern = |part: &str| {
            let escaped = part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
            format!("%{escaped}%")
        };
        (pattern(&self.in_username), pattern(&self.in_email))
    }

    /// Parts that a name that fits has to have, and those of an address, as the engines index them: so few that all of the text is in
    /// one of them. `None` if it is too short for an index.
    pub(super) fn grams(&self) -> Option<(Vec<String>, Vec<String>)> {
        Some((grams_of(&self.in_username)?, grams_of(&self.in_email)?))
    }

    /// Whether this user is found.
    pub fn matches(&self, user: &User) -> bool {
        user.username.as_str().contains(&self.in_username)
            || user.email.as_ref().is_some_and(|email| email.canonical().contains(&self.in_email))
    }
}

fn grams_of(text: &str) -> Option<Vec<String>> {
    let text: Vec<char> = text.chars().collect();
    let size = GRAM_SIZES.into_iter().find(|size| *size <= text.len())?;
    let mut grams: Vec<String> = text.chunks_exact(size).map(String::from_iter).collect();
    let last = text.len() - size;
    if !last.is_multiple_of(size) {
        grams.extend(text.get(last..).map(String::from_iter));
    }
    Some(grams)
}

/// Where a page begins that goes on after this user: every id is greater than the empty one.
pub(super) fn bytes_after(user: Option<UserId>) -> Vec<u8> {
    user.map(|id| id.as_bytes().to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{EmailAddress, NewUser, Username};

    #[test]
    fn a_search_text_is_folded_as_the_names_are() {
        let text = SearchText::new("ZOE\u{308}").unwrap();
        assert_eq!((text.in_username(), text.in_email()), ("zo\u{EB}", "zo\u{CB}"));
        let zoe = NewUser::new(Username::new("zo\u{EB}").unwrap(), 0).to_user();
        assert!(text.matches(&zoe));
        assert!(!SearchText::new("zoe").unwrap().matches(&zoe));
        let mut mike = NewUser::new(Username::new("x").unwrap(), 0).to_user();
        mike.email = Some(EmailAddress::new("Mike@example.com").unwrap());
        assert!(SearchText::new("mIKE@").unwrap().matches(&mike));
    }

    #[test]
    fn what_no_name_can_contain_is_no_search_text() {
        assert_eq!(SearchText::new(""), Err(SearchTextError::Empty));
        assert!(SearchText::new(&"ü".repeat(254)).is_ok());
        assert_eq!(SearchText::new(&"ü".repeat(255)), Err(SearchTextError::TooLong));
        for text in ["a\0", "\n", "a\u{7F}b"] {
            assert_eq!(SearchText::new(text), Err(SearchTextError::Control));
        }
    }

    #[test]
    fn a_page_ends_where_the_next_goes_on() {
        let users: Vec<User> =
            (0..3).map(|n| NewUser::new(Username::new(&format!("u{n}")).unwrap(), n).to_user()).collect();
        let full = UserPage::from_one_more(users.clone(), 2);
        assert_eq!((full.users.as_slice(), full.next), (&users[..2], Some(users[1].id)));
        assert_eq!(UserPage::from_one_more(users.clone(), 3), UserPage { users, next: None });
    }

    #[test]
    fn a_text_is_cut_into_parts_that_cover_it() {
        let grams = |text: &str| SearchText::new(text).unwrap().grams().map(|(in_username, _)| in_username.join("|"));
        assert_eq!(grams("ab"), None);
        assert_eq!(grams("abc").unwrap(), "abc");
        assert_eq!(grams("Žofie").unwrap(), "žof|fie");
        assert_eq!(grams("abcdef").unwrap(), "abcdef");
        assert_eq!(grams("abcdefg").unwrap(), "abcdef|bcdefg");
        assert_eq!(grams("abcdefghijkl").unwrap(), "abcdef|ghijkl");
    }
}
