//! What a password must be like when it is set (NIST SP 800-63B-4 section 3.1.1.2): long, and nothing that comes to mind. There
//! are no rules of composition, no expiry and no hints.

mod breached;
mod common;
mod list;
mod pattern;

use std::sync::Arc;

use countersign_password::Password;

pub use crate::password_rules::breached::BreachedRange;
pub use crate::password_rules::list::{PasswordList, PasswordListError};

/// The rules for new passwords.
#[derive(Clone, Debug)]
pub struct PasswordRules {
    /// The least length in code points: 15 where the password is the only factor.
    pub minimum_length: usize,
    /// Words that are known of this service, such as its name: a password is not made of them.
    pub service_words: Vec<String>,
    /// Passwords that nobody may choose, besides the common ones that are always refused.
    pub list: Option<Arc<PasswordList>>,
    /// A service that knows the passwords of breaches; it is asked last.
    pub breached: Option<Arc<dyn BreachedRange>>,
}

/// Which rule a password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordRefused {
    /// Too short.
    #[error("the password is too short: use at least {minimum} characters, for example four or five random words")]
    TooShort {
        /// The least length in code points.
        minimum: usize,
    },
    /// One of the passwords that are tried first.
    #[error("the password is one of the most common ones: choose another, for example four or five random words")]
    Common,
    /// A few characters over and over, or a row of the alphabet, the digits or the keyboard.
    #[error("the password is a simple pattern: choose another, for example four or five random words")]
    Pattern,
    /// Little but the user name, the e-mail address or the name of the service.
    #[error("the password is made of your name, your address or the name of the service: choose other words")]
    Context,
    /// In the operator's own list.
    #[error("the password is in the list of those that are refused here: choose another")]
    Listed,
    /// Known from a breach.
    #[error(
        "the password is known from a breach of another service: choose another, for example four or five random words"
    )]
    Breached,
}

impl PasswordRefused {
    /// The name of the rule, for programs.
    pub fn rule(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "password_too_short",
            Self::Common => "password_common",
            Self::Pattern => "password_pattern",
            Self::Context => "password_context",
            Self::Listed => "password_listed",
            Self::Breached => "password_breached",
        }
    }
}

/// How much of a password has to be left when the words of its context are taken out, in code points.
const LEAST_BESIDE_CONTEXT: usize = 8;
/// Shorter words say nothing: they are in every other sentence.
const SHORTEST_WORD: usize = 4;

impl Default for PasswordRules {
    fn default() -> Self {
        Self { minimum_length: 15, service_words: Vec::new(), list: None, breached: None }
    }
}

impl PasswordRules {
    /// Checks a password that is about to be set by somebody of this name and address: the words of the context.
    ///
    /// Upper and lower case are the same here. A repetition of a common password is as common as the password. When the service of
    /// breached passwords does not answer, the others decide: that it is away must keep nobody out.
    pub async fn check(&self, password: &Password, context: &[&str]) -> Result<(), PasswordRefused> {
        self.check_here(password, context)?;
        let Some(service) = &self.breached else { return Ok(()) };
        match breached::contains(service.as_ref(), password).await {
            Ok(true) => Err(PasswordRefused::Breached),
            Ok(false) => Ok(()),
            Err(error) => {
                tracing::warn!(error, "a new password was not looked up");
                Ok(())
            }
        }
    }

    /// All that needs no service.
    fn check_here(&self, password: &Password, context: &[&str]) -> Result<(), PasswordRefused> {
        if password.code_points() < self.minimum_length {
            return Err(PasswordRefused::TooShort { minimum: self.minimum_length });
        }
        let text = password.folded();
        let unit = pattern::unit(&text);
        if common::contains(&text) || common::contains(unit) {
            return Err(PasswordRefused::Common);
        }
        if pattern::is_simple(unit) {
            return Err(PasswordRefused::Pattern);
        }
        let words = context.iter().copied().chain(self.service_words.iter().map(String::as_str));
        if pattern::beside_words(&text, words, SHORTEST_WORD) < LEAST_BESIDE_CONTEXT {
            return Err(PasswordRefused::Context);
        }
        if self.list.as_ref().is_some_and(|list| list.contains(&text)) {
            return Err(PasswordRefused::Listed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &PasswordRules, text: &str, context: &[&str]) -> Result<(), PasswordRefused> {
        rules.check_here(&Password::new(text.to_owned()).unwrap(), context)
    }

    fn at_least(minimum_length: usize) -> PasswordRules {
        PasswordRules { minimum_length, ..PasswordRules::default() }
    }

    //
    #[test]
    fn length_counts_code_points_and_not_bytes() {
        let rules = at_least(8);
        assert_eq!(check(&rules, "äöüßÄÖÜ", &[]), Err(PasswordRefused::TooShort { minimum: 8 }));
        assert_eq!(check(&rules, "äöüßÄÖÜé", &[]), Ok(()));
        // However it was typed, an é is one.
        assert!(check(&rules, "äöüßÄÖe\u{301}", &[]).is_err());
    }

    //
    #[test]
    fn the_default_asks_for_fifteen_characters_of_any_kind() {
        let rules = PasswordRules::default();
        for good in
            ["correct horse b", "四五个随机的词语四五个随机的词", "zqj vwx kpt bgh", "\u{1f3b2}\u{1f419}aaaaaaaaabcdef"]
        {
            assert_eq!(check(&rules, good, &[]), Ok(()), "{good}");
        }
        assert!(check(&rules, "correct horse ", &[]).is_err());
    }

    //
    #[test]
    fn common_passwords_are_refused_in_any_case_and_repeated() {
        for common in ["password", "PassWord", "qwertyuiop", "letmein1", "passwordpassword", "iloveyouiloveyou"] {
            assert_eq!(check(&at_least(8), common, &[]), Err(PasswordRefused::Common), "{common}");
        }
        assert_eq!(check(&PasswordRules::default(), "PasswordPasswordPassword", &[]), Err(PasswordRefused::Common));
        assert_eq!(check(&at_least(8), "correct horse battery", &[]), Ok(()));
    }

    //
    #[test]
    fn simple_patterns_are_refused_however_long() {
        let rules = PasswordRules::default();
        for pattern in [
            "aaaaaaaaaaaaaaaaaaaa",
            "xyxyxyxyxyxyxyxyxyxy",
            "abcdefghijklmnopqrst",
            "01234567890123456789",
            "zyxwvutsrqponmlkjihg",
            "qwertzuiopasdfghjkl",
            "lkjhgfdsapoiuytrewq",
        ] {
            assert!(check(&rules, pattern, &[]).is_err(), "{pattern}");
        }
        assert_eq!(check(&rules, "abcdefghijklmnopqrst likes tea", &[]), Ok(()));
    }

    //
    #[test]
    fn words_of_the_context_do_not_make_a_password() {
        let rules = PasswordRules { service_words: vec!["countersign".to_owned()], ..PasswordRules::default() };
        let context = ["johndoe", "john.doe@example.com"];
        for made_of_it in
            ["johndoe-countersign", "JohnDoe1 johndoe", "john.doe@example.com", "Countersign2026!", "johndoejohndoe7"]
        {
            assert_eq!(check(&rules, made_of_it, &context), Err(PasswordRefused::Context), "{made_of_it}");
        }
        assert_eq!(check(&rules, "johndoe likes green tea", &context), Ok(()));
        assert_eq!(check(&rules, "ada and the adder", &["ada"]), Ok(()), "a short name is in every other word");
    }

    #[test]
    fn the_operators_own_list_is_heeded() {
        let list = PasswordList::read("Vienna in winter\n\n# no comment\n").unwrap();
        let rules = PasswordRules { list: Some(Arc::new(list)), ..PasswordRules::default() };
        assert_eq!(check(&rules, "vienna IN winter", &[]), Err(PasswordRefused::Listed));
        assert_eq!(check(&rules, "vienna in summer", &[]), Ok(()));
    }
}
