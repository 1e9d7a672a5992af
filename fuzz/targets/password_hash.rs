//! Any text as a stored hash (S-030). The input is a line that is the password, and the text: so the seeds can be read.

#![no_main]

use countersign_password::{Argon2Params, Ceilings, Hasher, Password, PasswordHash, Policy};
use libfuzzer_sys::{Corpus, fuzz_target};

/// Under which a verification takes a millisecond or two.
fn tiny() -> Ceilings {
    let mut tiny = Ceilings::default();
    (tiny.argon2_memory_kib, tiny.argon2_work_kib) = (128, 256);
    (tiny.scrypt_memory_kib, tiny.scrypt_work_kib) = (128, 128);
    (tiny.pbkdf2_rounds, tiny.pbkdf2_sha512_rounds) = (1000, 1000);
    (tiny.bcrypt_cost, tiny.sha_crypt_rounds, tiny.phpass_log_rounds) = (5, 1000, 8);
    tiny
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Ok(input) = str::from_utf8(input) else { return Corpus::Reject };
    let Some((typed, text)) = input.split_once('\n') else { return Corpus::Reject };
    let Ok(hash) = PasswordHash::parse_within(text, &tiny()) else { return Corpus::Keep };

    assert_eq!(hash.as_str(), text);
    assert_eq!(PasswordHash::parse_within(hash.as_str(), &tiny()).as_ref(), Ok(&hash));
    assert_eq!(PasswordHash::parse(text).as_ref(), Ok(&hash), "what is cheap enough for few is so for all");
    let _ = format!("{hash:?} {} {}", hash.scheme(), hash.parameters());

    let hasher = Hasher::new(Policy::new(Argon2Params::for_tests()));
    let verify = |typed: &str| {
        let password = Password::new(typed.to_owned()).ok()?;
        let verdict = hasher.verify(&password, Some(&hash));
        assert!(verdict.is_ok() || hash.pepper().is_some(), "{verdict:?}");
        Some(verdict.is_ok_and(|verdict| verdict.is_match()))
    };
    if verify(typed) == Some(true) {
        assert_ne!(verify(&format!("{typed}x")), Some(true), "two passwords match");
    }
    Corpus::Keep
});
