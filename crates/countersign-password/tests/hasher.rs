//! Hashing and verifying under a policy: round trips, forms of one password, when a hash is outdated.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers as well")]

mod vectors;

use countersign_password::{
    Argon2Params, Hasher, Kernel, Password, PasswordHash, Pepper, Peppers, Policy, ResourceError, Scheme, Verdict,
};
use proptest::prelude::*;

const SALT: &str = "AAECAwQFBgcICQoLDA0ODw";
const TAG: &str = "YGF6eR+fyi7PrMv+lCGz/FLA2RIaMacQaExmG3t0qH0";

fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

fn hasher() -> Hasher {
    Hasher::new(Policy::new(Argon2Params::for_tests()))
}

fn verify(typed: &str, stored: &PasswordHash) -> Verdict {
    hasher().verify(&password(typed), Some(stored)).unwrap()
}

//
#[test]
fn new_hashes_are_argon2id_with_16_bytes_of_salt_and_32_of_tag() {
    let stored = Hasher::new(Policy::default()).hash(&password("secret")).unwrap();
    let fields: Vec<&str> = stored.as_str().split('$').collect();
    assert_eq!(fields[..4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"]);
    assert_eq!((fields.len(), fields[4].len(), fields[5].len()), (6, 22, 43));
    assert_eq!(stored.scheme(), Scheme::Argon2id);
    let again = PasswordHash::parse(stored.as_str()).unwrap();
    assert_eq!(Hasher::new(Policy::default()).verify(&password("secret"), Some(&again)).unwrap(), Verdict::Match);

    let high = Hasher::new(Policy::new(Argon2Params::HIGH)).hash(&password("secret")).unwrap();
    assert!(high.as_str().starts_with("$argon2id$v=19$m=65536,t=3,p=4$"));
}

#[test]
fn every_kernel_makes_and_verifies_the_hashes_of_every_other() {
    for params in [Argon2Params::for_tests(), Argon2Params::OWASP, Argon2Params::HIGH] {
        let [auto, portable] =
            [Kernel::Auto, Kernel::Portable].map(|kernel| Hasher::new(Policy::new(params)).kernel(kernel));
        for (one, other) in [(&auto, &portable), (&portable, &auto)] {
            let stored = one.hash(&password("secret")).unwrap();
            assert_eq!(other.verify(&password("secret"), Some(&stored)).unwrap(), Verdict::Match);
            assert_eq!(other.verify(&password("Secret"), Some(&stored)).unwrap(), Verdict::Mismatch);
        }
    }
}

#[test]
fn two_hashes_of_one_password_differ() {
    let (one, other) = (hasher().hash(&password("secret")).unwrap(), hasher().hash(&password("secret")).unwrap());
    assert_ne!(one, other);
}

//
#[test]
fn a_password_matches_however_its_letters_were_composed() {
    let stored = hasher().hash(&password("p\u{e4}ss\u{a0}w\u{f6}rd")).unwrap();
    for typed in ["p\u{e4}ss w\u{f6}rd", "pa\u{308}ss wo\u{308}rd", "pa\u{308}ss\u{3000}w\u{f6}rd"] {
        assert_eq!(verify(typed, &stored), Verdict::Match, "{typed}");
    }
    // nothing else is folded.
    for typed in ["pass word", "P\u{e4}ss w\u{f6}rd", "p\u{e4}ss w\u{f6}rd ", "p\u{e4}ssw\u{f6}rd"] {
        assert_eq!(verify(typed, &stored), Verdict::Mismatch, "{typed}");
    }
}

//
#[test]
fn an_imported_hash_matches_the_bytes_that_were_typed_and_the_prepared_ones() {
    // bcrypt of the decomposed and of the composed form, made by the bcrypt package of Python.
    let of = |typed: &str| {
        let mut vectors = vectors::all().into_iter();
        let made = vectors.find(|vector| vector.password == typed && vector.hash.starts_with("$2b$04$"));
        PasswordHash::parse(&made.unwrap().hash).unwrap()
    };
    let (composed, decomposed) = ("p\u{e4}ssw\u{f6}rd", "pa\u{308}sswo\u{308}rd");
    assert_eq!(verify(decomposed, &of(decomposed)), Verdict::MatchOutdated);
    assert_eq!(verify(decomposed, &of(composed)), Verdict::MatchOutdated);
    assert_eq!(verify(composed, &of(composed)), Verdict::MatchOutdated);
    assert_eq!(verify(composed, &of(decomposed)), Verdict::Mismatch);
}

//
#[test]
fn an_argon2_hash_of_unprepared_bytes_matches_and_is_outdated() {
    // argon2-cffi hashes what it gets. Under the policy of tests its parameters are not outdated.
    let stored = "$argon2id$v=19$m=1024,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$4lBtgIu4AymTmLnItlbIX+iKsB08rCz2LyGduEhzYgA";
    let stored = PasswordHash::parse(stored).unwrap();
    assert_eq!(verify("pa\u{308}sswo\u{308}rd", &stored), Verdict::MatchOutdated);
    assert_eq!(verify("p\u{e4}ssw\u{f6}rd", &stored), Verdict::Mismatch);
}

//
#[test]
fn without_a_stored_hash_every_password_is_wrong() {
    for typed in ["secret", "pa\u{308}sswo\u{308}rd"] {
        assert_eq!(hasher().verify(&password(typed), None).unwrap(), Verdict::Mismatch);
    }
}

/// The verdict for the right password under a policy.
fn under(policy: Argon2Params, stored: &str) -> Verdict {
    let stored = PasswordHash::parse(stored).unwrap();
    Hasher::new(Policy::new(policy)).verify(&password("secret"), Some(&stored)).unwrap()
}

//
#[test]
fn a_hash_is_outdated_when_it_is_cheaper_than_the_policy() {
    let vectors = vectors::all().into_iter().filter(|vector| vector.password == "secret");
    let secrets: Vec<String> = vectors.map(|vector| vector.hash).collect();
    let with = |start: &str| secrets.iter().find(|stored| stored.starts_with(start)).unwrap();

    let (owasp, high) = (with("$argon2id$v=19$m=19456,t=2,p=1$"), with("$argon2id$v=19$m=65536,t=3,p=4$"));
    let one_pass = Argon2Params::new(47_104, 1, 1).unwrap();
    for (policy, stored, verdict) in [
        (Argon2Params::OWASP, owasp, Verdict::Match),
        (Argon2Params::OWASP, high, Verdict::Match),
        (Argon2Params::HIGH, owasp, Verdict::MatchOutdated),
        (Argon2Params::HIGH, high, Verdict::Match),
        (one_pass, owasp, Verdict::MatchOutdated),
        (one_pass, high, Verdict::Match),
        // Other variants, other versions, short salts and tags, other algorithms: outdated at any cost.
        (Argon2Params::for_tests(), with("$argon2i$v=19$m=100,"), Verdict::MatchOutdated),
        (Argon2Params::for_tests(), with("$argon2d$v=19$m=100,"), Verdict::MatchOutdated),
        (Argon2Params::for_tests(), with("$argon2id$v=16$m=100,"), Verdict::MatchOutdated),
        (Argon2Params::for_tests(), with("$argon2id$v=19$m=8,"), Verdict::MatchOutdated),
        (Argon2Params::for_tests(), with("$argon2id$v=19$m=100,"), Verdict::Match),
        (Argon2Params::for_tests(), with("$2b$14$"), Verdict::MatchOutdated),
        (Argon2Params::for_tests(), with("pbkdf2_sha256$1000000$"), Verdict::MatchOutdated),
    ] {
        assert_eq!(under(policy, stored), verdict, "{policy:?} {stored}");
    }
}

//
#[test]
fn a_hash_with_less_memory_is_outdated_even_with_more_iterations() {
    let stored = Hasher::new(Policy::new(Argon2Params::new(12_288, 4, 1).unwrap())).hash(&password("secret")).unwrap();
    assert_eq!(under(Argon2Params::OWASP, stored.as_str()), Verdict::MatchOutdated);
}

#[test]
fn a_wrong_password_is_a_mismatch_however_weak_the_hash() {
    let weak = PasswordHash::parse(&format!("$argon2i$v=16$m=8,t=1,p=1${SALT}${TAG}")).unwrap();
    assert_eq!(verify("secret", &weak), Verdict::Mismatch);
}

proptest! {
    #[test]
    fn what_was_hashed_matches_and_nothing_longer_does(typed in "\\PC{1,60}", tail in "[a-z ]{1,3}") {
        let stored = PasswordHash::parse(hasher().hash(&password(&typed)).unwrap().as_str()).unwrap();
        prop_assert_eq!(verify(&typed, &stored), Verdict::Match);
        prop_assert_eq!(verify(&format!("{typed}{tail}"), &stored), Verdict::Mismatch);
    }
}

#[test]
fn foreign_hashes_that_are_kept_are_never_outdated_and_our_own_still_are() {
    let keeping = Hasher::new(Policy::new(Argon2Params::OWASP).keep_foreign());
    let password = |text: &str| Password::new(text.to_owned()).unwrap();
    let bcrypt = PasswordHash::parse("$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie").unwrap();
    assert_eq!(keeping.verify(&password("correctbatteryhorsestapler"), Some(&bcrypt)), Ok(Verdict::Match));
    let cheap = Hasher::new(Policy::new(Argon2Params::for_tests())).hash(&password("secret")).unwrap();
    assert_eq!(keeping.verify(&password("secret"), Some(&cheap)), Ok(Verdict::MatchOutdated));
}

#[test]
fn a_pepper_goes_into_new_hashes_and_those_of_another_or_none_are_outdated() {
    let [old, new] = [Pepper::new([1; 32]), Pepper::new([2; 32])];
    let with = |current: Option<&Pepper>, earlier: &[&Pepper]| {
        hasher().peppers(Peppers::new(current.cloned(), earlier.iter().copied().cloned().collect()))
    };
    let secret = password("secret");
    let stored = |text: &str| PasswordHash::parse(text).unwrap();
    let plain = hasher().hash(&secret).unwrap();
    let peppered = with(Some(&old), &[]).hash(&secret).unwrap();
    assert!(peppered.as_str().contains(&format!(",keyid={}$", old.id())), "{}", peppered.as_str());
    let peppered = stored(peppered.as_str());
    assert_eq!((peppered.pepper(), plain.pepper()), (Some(old.id()), None));

    for (hasher, hash, verdict) in [
        (with(Some(&old), &[]), &peppered, Verdict::Match),
        (with(Some(&new), &[&old]), &peppered, Verdict::MatchOutdated),
        (with(Some(&old), &[]), &plain, Verdict::MatchOutdated),
        (with(None, &[&old]), &peppered, Verdict::MatchOutdated),
        (with(None, &[&old]), &plain, Verdict::Match),
    ] {
        assert_eq!(hasher.verify(&secret, Some(hash)), Ok(verdict), "{hasher:?}");
        assert_eq!(hasher.verify(&password("other"), Some(hash)), Ok(Verdict::Mismatch), "{hasher:?}");
    }
    // Without its pepper, or with the name of another, nothing matches.
    assert_eq!(hasher().verify(&secret, Some(&peppered)), Err(ResourceError::Pepper(old.id())));
    let renamed = stored(&peppered.as_str().replace(&old.id().to_string(), &new.id().to_string()));
    assert_eq!(with(Some(&new), &[&old]).verify(&secret, Some(&renamed)), Ok(Verdict::Mismatch));
}
