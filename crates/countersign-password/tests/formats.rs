//! Stored forms, as other programs write them: what is verified, what is refused, and that nothing panics.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers as well")]

mod vectors;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use countersign_password::{
    Argon2Params, Ceilings, HashError, Hasher, Password, PasswordHash, Policy, Scheme, Verdict,
};
use proptest::prelude::*;

use crate::vectors::Vector;

const ARGON2: &str = "$argon2id$v=19$m=1024,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$YGF6eR+fyi7PrMv+lCGz/FLA2RIaMacQaExmG3t0qH0";
const BCRYPT: &str = "$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie";
/// The beginnings of other families, for what is nearly a hash.
const OTHERS: [&str; 15] = [
    "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$YGF6eR+fyi7PrMv+lCGz/FLA2RIaMacQaExmG3t0qH0",
    "scrypt:16:8:1$salt$5f6571",
    "scrypt$16$salt$8$1$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=",
    "$pbkdf2-sha256$1$AAECAwQFBgcICQoLDA0ODw$YGF6eR.fyi7PrMv.lCGz/FLA2RIaMacQaExmG3t0qH0",
    "{PBKDF2-SHA512}1$AAECAwQF$YGF6eR.fyi7PrMv.lCGz/FLA2RIaMacQaExmG3t0qH0",
    "pbkdf2:sha256:1$salt$5f6571",
    "AAABAgMEBQYHCAkKCwwNDg8",
    "AQAAAAEAAAABAAAAEAABAgMEBQYHCAkKCwwNDg8",
    "$6$rounds=1000$salt$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl",
    "$P$7saltstri0000000000000000000000",
    "{SSHA256}OZiz0cnQ5hgyel3Emh7NCbhBRCQ+HVBwYplQunHYnER7TLuV",
    r#"{"secretData":{"value":"AAAA","salt":"AAAA"},"credentialData":{"hashIterations":1,"algorithm":"pbkdf2"}}"#,
    "U$S$5vNHDQyLqCTvsYBLWBUWXJWhA0m3DTpBh04acFEOGB.bKBclhKgo",
    "$wp$2y$04$Fxgj3qgVZItBgeAl57GJwef/z04g/eHiRshwiMrTIBSoo30/DFi8e",
    "$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAk=$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+Cc=",
];
const DJANGO: &str = "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";

fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

fn hasher() -> Hasher {
    Hasher::new(Policy::new(Argon2Params::for_tests()))
}

fn verify(typed: &str, stored: &str) -> Verdict {
    hasher().verify(&password(typed), Some(&PasswordHash::parse(stored).unwrap())).unwrap()
}

// R-122
#[test]
fn hashes_of_other_programs_match_their_passwords_and_no_others() {
    let vectors = vectors::all();
    assert!(vectors.len() > 600);
    on_all_cores(&vectors, |Vector { password: typed, hash: stored }| {
        let hash = PasswordHash::parse(stored).unwrap_or_else(|error| panic!("{error}: {stored}"));
        assert_eq!(hash.as_str(), stored);
        assert!(verify(typed, stored).is_match(), "{typed} {stored}");
        assert_eq!(verify(&format!("{typed}x"), stored), Verdict::Mismatch, "{typed}x {stored}");
    });
}

/// Some of the hashes take most of a second.
fn on_all_cores(vectors: &[Vector], check: impl Fn(&Vector) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(vector) = vectors.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(vector);
                }
            });
        }
    });
}

// S-030
#[test]
fn a_tag_that_no_digest_becomes_is_refused_when_it_is_read() {
    let vectors = vectors::all();
    for scheme in [Scheme::Sha256Crypt, Scheme::Sha512Crypt, Scheme::Md5Crypt, Scheme::Phpass] {
        let of_scheme = |vector: &&Vector| PasswordHash::parse(&vector.hash).unwrap().scheme() == scheme;
        let Vector { hash: stored, .. } = vectors.iter().find(of_scheme).unwrap();
        let start = &stored[..stored.len() - 1];
        // The last character carries four bits at most, and `z` has six.
        for wrong in [format!("{start}z"), format!("{start}+"), format!("{start}é"), start.to_owned()] {
            let error = PasswordHash::parse(&wrong).unwrap_err();
            assert!(matches!(error, HashError::Malformed { .. }), "{wrong} {error}");
        }
    }
}

#[test]
fn an_md5_of_drupal_6_is_not_taken_for_the_password() {
    let rehashed = "U$S$5vNHDQyLqCTvsYBLWBUWXJWhA0m3DTpBh04acFEOGB.bKBclhKgo";
    assert_eq!(verify("valid password", rehashed), Verdict::MatchOutdated);
    // The MD5 of the password, which is what was hashed.
    let digest = "cfaa05b8fb12ad04a960c762103dffe2";
    assert_eq!(verify(digest, rehashed), Verdict::Mismatch);
    assert_eq!(verify("valid password", &rehashed[1..]), Verdict::Mismatch);
    assert_eq!(verify(digest, &rehashed[1..]), Verdict::MatchOutdated);
}

// R-122
#[test]
fn a_password_with_quotation_marks_is_verified_however_wordpress_came_to_hash_it() {
    let typed = r#"O'Brien said "hi" \o/"#;
    let vectors: Vec<Vector> = vectors::all().into_iter().filter(|vector| vector.password == typed).collect();
    // By a form or by a call, with phpass or with bcrypt.
    assert_eq!(vectors.len(), 4);
    for Vector { hash: stored, .. } in vectors {
        assert_eq!(verify(typed, &stored), Verdict::MatchOutdated, "{stored}");
        for other in ["OBrien said hi o/", "O''Brien said \"hi\" o/", r#"O\\'Brien said \\"hi\\" \\\\o/"#] {
            assert_eq!(verify(other, &stored), Verdict::Mismatch, "{other} {stored}");
        }
    }
}

#[test]
fn every_bit_of_the_tag_counts() {
    for stored in [ARGON2, BCRYPT, DJANGO] {
        let right = PasswordHash::parse(stored).unwrap();
        // In the last third there is nothing but the tag. Its last character carries fewer bits.
        for at in stored.len() * 2 / 3..stored.len() - 2 {
            let other = if &stored[at..=at] == "A" { "B" } else { "A" };
            let wrong = format!("{}{other}{}", &stored[..at], &stored[at + 1..]);
            let wrong = PasswordHash::parse(&wrong).unwrap();
            assert_ne!(right, wrong);
            for typed in ["secret", "correctbatteryhorsestapler"] {
                let verdict = hasher().verify(&password(typed), Some(&wrong)).unwrap();
                assert_eq!(verdict, Verdict::Mismatch, "{typed} {wrong:?}");
            }
        }
    }
}

// R-124, S-030
#[test]
fn a_bcrypt_hash_never_matches_by_the_first_72_bytes() {
    let long = "a".repeat(72);
    // Made elsewhere of 72 × `a` and `TAIL`, which it cannot tell from its beginning.
    let stored = "$2b$10$i9NzIm8W0dS8btuZCTaCDebsC9hotnlTk/s5oASP8n.hyPCE0N9cG";
    assert_eq!(verify(&long, stored), Verdict::MatchOutdated);
    for typed in [format!("{long}TAIL"), format!("{long}EVIL"), format!("{long}a"), "a".repeat(71)] {
        assert_eq!(verify(&typed, stored), Verdict::Mismatch);
    }
    // 72 bytes are bytes, not characters.
    assert_eq!(verify(&"é".repeat(37), stored), Verdict::Mismatch);
}

// S-030
#[test]
fn a_row_that_asks_for_too_much_is_refused_when_it_is_read() {
    let hostile = [
        ARGON2.replace("m=1024", "m=2147483648"),
        ARGON2.replace("m=1024", "m=4294967295"),
        ARGON2.replace("m=1024", "m=262145"),
        ARGON2.replace("t=2", "t=4294967295"),
        ARGON2.replace("m=1024,t=2", "m=262144,t=9"),
        BCRYPT.replace("$04$", "$31$"),
        BCRYPT.replace("$04$", "$16$"),
        DJANGO.replace("$1$", "$2147483648$"),
        OTHERS[0].replace("ln=4", "ln=22"),
        OTHERS[0].replace("p=1", "p=1024").replace("ln=4", "ln=17"),
        OTHERS[1].replace(":16:", ":2147483648:"),
        OTHERS[3].replace("$1$", "$4294967295$"),
        OTHERS[8].replace("rounds=1000", "rounds=999999999"),
        OTHERS[9].replace("$P$7", "$P$z"),
        OTHERS[12].replace("U$S$5", "U$S$z"),
        OTHERS[13].replace("$04$", "$15$"),
        OTHERS[14].replace("n=4", "n=22"),
        OTHERS[14].replace("p=1", "p=1024").replace("n=4", "n=17"),
        OTHERS[5].replace("sha256:1$salt$5f6571", &format!("sha224:10000001$salt${}", "5f".repeat(28))),
        OTHERS[5].replace("sha256:1$salt$5f6571", &format!("sha384:3000001$salt${}", "5f".repeat(48))),
    ];
    for stored in hostile {
        let error = PasswordHash::parse(&stored).unwrap_err();
        assert!(matches!(error, HashError::TooExpensive { .. }), "{stored} {error}");
    }
    assert!(PasswordHash::parse(&ARGON2.replace("m=1024,t=2", "m=262144,t=8")).is_ok());
}

// S-030
#[test]
fn the_ceilings_can_be_set() {
    let mut low = Ceilings::default();
    (low.argon2_memory_kib, low.bcrypt_cost, low.pbkdf2_rounds) = (1023, 3, 0);
    for stored in [ARGON2, BCRYPT, DJANGO] {
        assert!(PasswordHash::parse_within(stored, &Ceilings::default()).is_ok());
        assert!(matches!(PasswordHash::parse_within(stored, &low), Err(HashError::TooExpensive { .. })));
    }
    let mut high = Ceilings::default();
    high.bcrypt_cost = 31;
    assert!(PasswordHash::parse_within(&BCRYPT.replace("$04$", "$31$"), &high).is_ok());
}

// S-030
#[test]
fn a_long_password_costs_no_more_than_the_ceiling_says() {
    let mut low = Ceilings::default();
    let vectors = vectors::all();
    for scheme in [Scheme::Sha256Crypt, Scheme::Sha512Crypt, Scheme::Phpass, Scheme::Drupal7] {
        let of_scheme = |vector: &&Vector| PasswordHash::parse(&vector.hash).unwrap().scheme() == scheme;
        let Vector { password: typed, hash: stored } = vectors.iter().find(of_scheme).unwrap();
        let verdict = |digested_bytes| {
            low.digested_bytes = digested_bytes;
            hasher().verify(&password(typed), Some(&PasswordHash::parse_within(stored, &low).unwrap())).unwrap()
        };
        let [allowed, refused] = [u64::MAX, 0].map(verdict);
        assert!(allowed.is_match() && !refused.is_match(), "{stored}");
    }
}

#[test]
fn a_malformed_argon2_hash_is_refused() {
    for (from, to) in [
        ("v=19", "v=18"),
        ("v=19", "v=019"),
        ("$v=19$", "$v=19$v=19$"),
        ("m=1024,t=2,p=1", "t=2,m=1024,p=1"),
        ("m=1024,t=2,p=1", "m=1024,t=2"),
        ("m=1024,t=2,p=1", "m=1024,t=2,p=1,keyid=AAAA"),
        ("m=1024,t=2,p=1", "m=1024, t=2,p=1"),
        ("m=1024", "m=01024"),
        ("m=1024", "m=+1024"),
        ("m=1024", "m=-1024"),
        ("m=1024", "m=7"),
        ("m=1024", "m=4294967296"),
        ("m=1024", "m=99999999999999999999"),
        ("t=2", "t=0"),
        ("p=1", "p=0"),
        ("p=1", "p=129"),
        ("p=1", "p=16777216"),
        ("$AAECAwQFBgcICQoLDA0ODw$", "$AAECAwQFBg$"),
        ("$AAECAwQFBgcICQoLDA0ODw$", "$AAECAwQFBgcICQoLDA0ODw==$"),
        ("$AAECAwQFBgcICQoLDA0ODw$", "$AAECAwQFBgcICQoLDA0ODx$"),
        ("$AAECAwQFBgcICQoLDA0ODw$", "$AAECAwQFBgcICQoLDA0OD!$"),
        ("$AAECAwQFBgcICQoLDA0ODw$", "$"),
        ("$AAECAwQFBgcICQoLDA0ODw$", "$$"),
        ("xmG3t0qH0", "xmG3t0qH0$"),
        ("xmG3t0qH0", "xmG3t0qH0="),
        ("xmG3t0qH0", "xmG3t0qH0\n"),
        ("$YGF6eR+fyi7PrMv+lCGz/FLA2RIaMacQaExmG3t0qH0", "$YGF6eR+fyi7PrMv+"),
    ] {
        assert!(ARGON2.contains(from), "{from}");
        let error = PasswordHash::parse(&ARGON2.replacen(from, to, 1)).unwrap_err();
        assert!(matches!(error, HashError::Malformed { scheme: Scheme::Argon2id, .. }), "{to:?} {error}");
    }
}

#[test]
fn argon2_without_a_version_is_version_16() {
    let vectors: Vec<Vector> = vectors::all().into_iter().filter(|vector| vector.hash.contains("$v=16$")).collect();
    assert_eq!(vectors.len(), 12);
    for Vector { password: typed, hash: stored } in vectors {
        assert_eq!(verify(&typed, &stored.replace("$v=16", "")), Verdict::MatchOutdated, "{stored}");
        assert_eq!(verify(&typed, &stored.replace("$v=16", "$v=19")), Verdict::Mismatch, "{stored}");
    }
}

#[test]
fn every_family_has_vectors_of_its_own() {
    let schemes: std::collections::HashSet<Scheme> =
        vectors::all().iter().map(|vector| PasswordHash::parse(&vector.hash).unwrap().scheme()).collect();
    // Argon2 in three variants, and sixteen other schemes.
    assert_eq!(schemes.len(), 19, "{schemes:?}");
}

#[test]
fn a_password_of_any_length_counts_whole_where_bcrypt_is_given_a_digest() {
    for Vector { password: typed, hash: stored } in vectors::all() {
        let scheme = PasswordHash::parse(&stored).unwrap().scheme();
        if typed.len() > 72 && matches!(scheme, Scheme::BcryptSha256 | Scheme::WordPress) {
            assert_eq!(verify(&typed[..72], &stored), Verdict::Mismatch, "{stored}");
        }
    }
}

#[test]
fn schemes_are_told_apart() {
    for (stored, scheme, name) in [
        (ARGON2.to_owned(), Scheme::Argon2id, "argon2id"),
        (ARGON2.replace("2id", "2i"), Scheme::Argon2i, "argon2i"),
        (ARGON2.replace("2id", "2d"), Scheme::Argon2d, "argon2d"),
        (BCRYPT.to_owned(), Scheme::Bcrypt, "bcrypt"),
        (DJANGO.to_owned(), Scheme::Pbkdf2Sha256, "pbkdf2-sha256"),
    ] {
        assert_eq!(PasswordHash::parse(&stored).unwrap().scheme(), scheme);
        assert_eq!(scheme.to_string(), name);
    }
}

#[test]
fn debug_output_and_errors_show_neither_salt_nor_tag() {
    for stored in [ARGON2, BCRYPT, DJANGO] {
        let shown = format!("{:?}", PasswordHash::parse(stored).unwrap());
        for part in ["AAECAwQFBgcICQoLDA0ODw", "YGF6", "EGdrhbKUv8O", "Muh7DAHskb6", "salt", "X2Vq9"] {
            assert!(!shown.replace("salt: …", "").contains(part), "{shown}");
        }
    }
    let shown = format!("{:?}", PasswordHash::parse(ARGON2).unwrap());
    assert!(shown.contains("1024") && shown.contains("Argon2id"), "{shown}");
}

/// Texts that get far into a reader: a stored hash with pieces replaced, dropped or doubled.
fn nearly_a_hash() -> impl Strategy<Value = String> {
    let stored = prop::sample::select([&[ARGON2, BCRYPT, DJANGO, "$2x$04$", "$argon2i$"][..], &OTHERS].concat());
    let piece = prop_oneof![
        Just(String::new()),
        Just("$".to_owned()),
        Just("é".to_owned()),
        Just("\0".to_owned()),
        "[0-9]{1,12}",
        "\\PC{0,8}",
        "[$=,./A-Za-z0-9+]{0,40}",
    ];
    (stored, prop::collection::vec((any::<prop::sample::Index>(), 0usize..8, piece), 0..4)).prop_map(
        |(stored, edits)| {
            let mut characters: Vec<char> = stored.chars().collect();
            for (at, dropped, piece) in edits {
                let start = at.index(characters.len() + 1);
                let end = (start + dropped).min(characters.len());
                characters.splice(start..end, piece.chars());
            }
            characters.into_iter().collect()
        },
    )
}

/// Ceilings under which every hash that is read is verified in microseconds.
fn tiny() -> Ceilings {
    let mut tiny = Ceilings::default();
    (tiny.argon2_memory_kib, tiny.argon2_work_kib, tiny.bcrypt_cost, tiny.pbkdf2_rounds) = (2048, 4096, 4, 1000);
    (tiny.scrypt_memory_kib, tiny.scrypt_work_kib, tiny.sha_crypt_rounds, tiny.phpass_log_rounds) = (64, 64, 1000, 8);
    tiny.pbkdf2_sha512_rounds = 1000;
    tiny
}

proptest! {
    #[test]
    fn reading_never_panics_and_keeps_the_text(text in prop_oneof![nearly_a_hash(), "\\PC{0,80}", any::<String>()]) {
        if let Ok(hash) = PasswordHash::parse(&text) {
            prop_assert_eq!(hash.as_str(), text);
        }
    }

    #[test]
    fn verifying_never_panics(text in nearly_a_hash(), typed in "\\PC{1,80}") {
        if let Ok(hash) = PasswordHash::parse_within(&text, &tiny()) {
            let verdict = hasher().verify(&password(&typed), Some(&hash)).unwrap();
            prop_assert_eq!(verdict, Verdict::Mismatch);
        }
    }
}
