//! What a password must be like when it is set (NIST SP 800-63B-4 section 3.1.1.2): long. There are no rules of composition,
//! no expiry and no hints.

use countersign_password::Password;

/// The rules for new passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// The least length in code points: 15 where the password is the only factor.
    pub minimum_length: usize,
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
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self { minimum_length: 15 }
    }
}

impl PasswordRules {
    /// Checks a password that is about to be set.
    pub fn check(self, password: &Password) -> Result<(), PasswordRefused> {
        if password.code_points() < self.minimum_length {
            return Err(PasswordRefused::TooShort { minimum: self.minimum_length });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //
    #[test]
    fn length_counts_code_points_and_not_bytes() {
        let rules = PasswordRules { minimum_length: 4 };
        let three = Password::new("äöü".to_owned()).unwrap();
        let four = Password::new("äöüß".to_owned()).unwrap();
        assert_eq!(rules.check(&three), Err(PasswordRefused::TooShort { minimum: 4 }));
        assert_eq!(rules.check(&four), Ok(()));
    }

    //
    #[test]
    fn the_default_asks_for_fifteen_characters_of_any_kind() {
        let rules = PasswordRules::default();
        assert!(rules.check(&Password::new("aaaaaaaaaaaaaa".to_owned()).unwrap()).is_err());
        assert!(rules.check(&Password::new("aaaaaaaaaaaaaaa".to_owned()).unwrap()).is_ok());
    }
}
