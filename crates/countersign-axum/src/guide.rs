#![doc = include_str!("../guide/README.md")]

#[doc = include_str!("../guide/1-protect-a-route.md")]
pub mod protect_a_route {}
#[doc = include_str!("../guide/2-log-in.md")]
pub mod log_in {}
#[doc = include_str!("../guide/3-hash-passwords.md")]
pub mod hash_passwords {}
#[doc = include_str!("../guide/4-scopes.md")]
pub mod scopes {}
#[doc = include_str!("../guide/5-your-own-user-table.md")]
pub mod your_own_user_table {}
#[doc = include_str!("../guide/6-your-own-claims.md")]
pub mod your_own_claims {}
#[doc = include_str!("../guide/7-test-a-guarded-api.md")]
pub mod test_a_guarded_api {}
#[doc = include_str!("../guide/8-take-the-tokens-of-a-server.md")]
pub mod take_the_tokens_of_a_server {}
