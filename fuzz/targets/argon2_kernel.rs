//! The kernels against the crate argon2: they find the same tags, for any password, salt, pepper and parameters.

#![no_main]

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use countersign_password::{Argon2Params, Hasher, Kernel, Password, PasswordHash, Pepper, Peppers, Policy};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::{Corpus, fuzz_target};

#[derive(Debug, Arbitrary)]
struct Input<'i> {
    memory_kib: u16,
    iterations: u8,
    lanes: u8,
    salt: [u8; 64],
    salt_bytes: u8,
    pepper: Option<[u8; Pepper::BYTES]>,
    /// A bit of the tag.
    wrong_bit: u8,
    password: &'i str,
}

const TAG_BYTES: usize = 32;

fuzz_target!(|input: Input<'_>| -> Corpus {
    let Ok(password) = Password::new(input.password.to_owned()) else { return Corpus::Reject };
    let lanes = u32::from(input.lanes % 9 + 1);
    let memory_kib = 8 * lanes + u32::from(input.memory_kib % 600);
    let iterations = u32::from(input.iterations % 4 + 1);
    let salt = &input.salt[..usize::from(8 + input.salt_bytes % 57)];

    let mut tag = [0; TAG_BYTES];
    let params = Params::new(memory_kib, iterations, lanes, Some(TAG_BYTES)).expect("parameters of RFC 9106");
    let secret = input.pepper.as_ref().map_or(&[][..], |key| key);
    Argon2::new_with_secret(secret, Algorithm::Argon2id, Version::V0x13, params)
        .and_then(|argon2| argon2.hash_password_into(input.password.as_bytes(), salt, &mut tag))
        .expect("a tag");

    let pepper = input.pepper.map(Pepper::new);
    let key_id = pepper.as_ref().map_or(String::new(), |pepper| format!(",keyid={}", pepper.id()));
    let stored = |tag: &[u8]| {
        let [salt, tag] = [salt, tag].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        let text = format!("$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}{key_id}${salt}${tag}");
        PasswordHash::parse(&text).expect("a stored hash")
    };
    let right = stored(&tag);
    tag[usize::from(input.wrong_bit / 8)] ^= 1 << (input.wrong_bit % 8);
    let wrong = stored(&tag);

    let hasher = Hasher::new(Policy::new(Argon2Params::for_tests())).peppers(Peppers::new(pepper, Vec::new()));
    for kernel in [Kernel::Auto, Kernel::Portable] {
        let hasher = hasher.clone().kernel(kernel);
        let matches = |hash| hasher.verify(&password, Some(hash)).expect("memory").is_match();
        assert!(matches(&right) && !matches(&wrong), "{kernel:?} {}", right.as_str());
    }
    Corpus::Keep
});
