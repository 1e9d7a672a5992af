//! What values are made of.

/// A name, an address and a search are made of these.
pub(crate) const LETTERS: &[char] = &[
    'a', 'a', 'a', 'b', 'b', 'A', 'l', '1', 'I', 'ä', 'Ä', 'ß', 'ı', '\u{301}', 'σ', 'ς', '_', '%', '-', '\'', '*', '!',
];

pub(crate) const NAMES: &[&str] = &[
    "a",
    "ab",
    "alice",
    "al1ce",
    "ALICE",
    "zoë",
    "zoe\u{308}",
    "straße",
    "strasse",
    "ıvy",
    "ivy",
    "σίσυφος",
    "иван",
    "a_b",
    "a%b",
    r"a\b",
    "a'b",
    "a\"b",
    "山田太郎",
    "aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaa",
];

pub(crate) const DOMAINS: &[&str] = &["b", "Example.com", "example.com", "é.cz", "É.cz", "-.x"];

/// Whatever the types let through; a NUL, no type does.
pub(crate) const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "%",
    "_",
    r"\",
    "a\nb\tc\u{7F}",
    "Zoë Quispe 山田 <b>&\u{1F469}",
    "x'; DROP TABLE users; --",
    "$1 ${x} {} \"",
    "\u{FFFD}\u{10FFFF}",
];

pub(crate) const SCOPES: &[&str] = &["me", "items:read", "items", "%", "a_b", "'", "~"];

/// … stands for a tag of A to be.
pub(crate) const HASHES: &[&str] = &[
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$…A",
    "$argon2id$v=19$m=19456,t=2,p=1$BAAAAAAAAAAAAAAAAAAAAA$…A",
    "$2b$12$PQO42dMponRoPGWyt5co5OiZCQJcpKDFxet8n5MnkUHNNHAg/mioS",
];

pub(crate) const SUBJECTS: &[&str] =
    &["car:foo", "car:Foo", "car:foo%", "car:_oo", "car-a:é", "car:'\"\\", "a:b", "car:\u{10FFFF}"];

/// The public key of RFC 8037 appendix A.2.
pub(crate) const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k'1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
