//! Passwords that are known from breaches, looked up by range: the service is told the first five of the forty hexadecimal digits
//! of a password's SHA-1, and answers with the rest of all digests that it knows of this beginning. It learns neither the password
//! nor whether it knows it. The protocol is that of Have I Been Pwned, which others speak as well.

use std::fmt;

use async_trait::async_trait;
use countersign_password::Password;

/// The digits that the service is told.
const PREFIX: usize = 5;

/// A service that answers for ranges of digests.
#[async_trait]
pub trait BreachedRange: fmt::Debug + Send + Sync + 'static {
    /// The lines `REST:COUNT` of the range that begins with these five hexadecimal digits, in upper case; or why there are none, for
    /// the log. A new password waits for it, so it has to come or fail within seconds.
    async fn range(&self, prefix: &str) -> Result<String, String>;
}

/// Whether the service knows the password.
pub(super) async fn contains(service: &dyn BreachedRange, password: &Password) -> Result<bool, String> {
    let digest = password.sha1();
    let (prefix, rest) = digest.split_at_checked(PREFIX).unwrap_or_default();
    let range = service.range(prefix).await?;
    Ok(range.lines().filter_map(|line| line.trim().split_once(':')).any(|(known, count)| {
        // Lines that only fill up the answer have a count of zero.
        known.eq_ignore_ascii_case(rest) && count.trim() != "0"
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::password_rules::{PasswordRefused, PasswordRules};

    /// What a service answers to the range of the one digest that is asked for.
    #[derive(Debug)]
    struct Answers(Result<&'static str, &'static str>);

    #[async_trait]
    impl BreachedRange for Answers {
        async fn range(&self, prefix: &str) -> Result<String, String> {
            assert_eq!(prefix, "ABF7A");
            self.0.map(str::to_owned).map_err(str::to_owned)
        }
    }

    // The digest is that of `printf 'correct horse battery staple' | sha1sum`.
    #[tokio::test]
    async fn a_password_is_refused_that_the_service_knows_and_no_other() {
        let password = Password::new("correct horse battery staple".to_owned()).unwrap();
        for (answer, outcome) in [
            (
                Ok("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\nAD6438836DBE526AA231ABDE2D0EEF74D42:3\r\n"),
                Err(PasswordRefused::Breached),
            ),
            (Ok("ad6438836dbe526aa231abde2d0eef74d42:12"), Err(PasswordRefused::Breached)),
            (Ok("AD6438836DBE526AA231ABDE2D0EEF74D42:0"), Ok(())),
            (Ok("0018A45C4D1DEF81644B54AB7F969B88D65:1"), Ok(())),
            (Ok(""), Ok(())),
            (Err("the service is away"), Ok(())),
        ] {
            let rules = PasswordRules { breached: Some(Arc::new(Answers(answer))), ..PasswordRules::default() };
            assert_eq!(rules.check(&password, &[]).await, outcome, "{answer:?}");
        }
    }
}
