// The pages link to each other as files, for who reads them in the repository. In the documentation `links.md` comes first,
// and of two definitions of a label the first counts: the same links lead to these modules.
#![cfg_attr(not(doctest), doc = include_str!("links.md"))]
#![doc = include_str!("../../guide/README.md")]

#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../../guide/1-protect-a-route.md")]
pub mod protect_a_route {}
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../../guide/2-log-in.md")]
pub mod log_in {}
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../../guide/3-hash-passwords.md")]
pub mod hash_passwords {}
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../../guide/4-scopes.md")]
pub mod scopes {}
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../../guide/5-your-own-user-table.md")]
pub mod your_own_user_table {}
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../../guide/6-your-own-claims.md")]
pub mod your_own_claims {}
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../../guide/7-test-a-guarded-api.md")]
pub mod test_a_guarded_api {}
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../../guide/8-take-the-tokens-of-a-server.md")]
pub mod take_the_tokens_of_a_server {}
