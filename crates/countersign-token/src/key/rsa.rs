//! What an RSA public key must satisfy: 2048 to 8192 bits, the exponent 65537, and not from a faulty generator.

use crate::key::error::KeyError;

/// 65537, big-endian: `AQAB` in a JWK.
pub(super) const EXPONENT: [u8; 3] = [1, 0, 1];

/// Checks modulus and exponent, both big-endian without leading zeros.
pub(super) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyError> {
    let top = modulus.first().copied().filter(|top| *top != 0).ok_or(KeyError::RsaSize)?;
    let bits = (modulus.len() * 8).saturating_sub(top.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::RsaSize);
    }
    if exponent != EXPONENT {
        return Err(KeyError::RsaExponent);
    }
    if is_roca(modulus) { Err(KeyError::Roca) } else { Ok(()) }
}

/// Whether a modulus bears the mark of CVE-2017-15361 (ROCA).
///
/// The faulty generator made only primes that are a power of 65537 modulo a product of small primes, so that the
/// modulus is such a power too: modulo each of these small primes. A modulus of a sound generator is one by chance
/// with a probability of about 2^-28, the product of the shares that the powers have in each group.
fn is_roca(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.into_iter().all(|prime| {
        let residue = modulus.iter().fold(0, |residue, byte| (residue * 256 + u32::from(*byte)) % prime);
        is_power_of_65537(residue, prime)
    })
}

fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == residue {
            return true;
        }
        power = power * (65537 % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair, RsaKeyPair};

    use super::*;

    /// 65537 to the power of `power`, big-endian: a number with ROCA's mark.
    fn power_of_65537(power: usize) -> Vec<u8> {
        let mut number = vec![1_u8];
        for _ in 0..power {
            // n * 65537 = n * 65536 + n
            let mut sum = number.clone();
            sum.extend([0, 0]);
            let mut carry = 0;
            for (digit, add) in sum.iter_mut().rev().zip(number.iter().rev().chain(std::iter::repeat(&0))) {
                let total = u16::from(*digit) + u16::from(*add) + carry;
                *digit = total.to_le_bytes()[0];
                carry = total >> 8;
            }
            number = if carry == 0 { sum } else { [vec![1], sum].concat() };
        }
        number
    }

    #[test]
    fn a_modulus_of_the_faulty_generator_is_known_by_its_mark() {
        //
        let modulus = power_of_65537(128);
        assert!(is_roca(&modulus));
        assert_eq!(check(&modulus, &EXPONENT), Err(KeyError::Roca));
        let mut other = modulus;
        *other.last_mut().unwrap() ^= 2;
        assert!(!is_roca(&other));
    }

    #[test]
    fn a_sound_generator_does_not_bear_the_mark() {
        for _ in 0..3 {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
            assert_eq!(check(&modulus, &EXPONENT), Ok(()));
        }
    }

    #[test]
    fn sizes_and_exponents_outside_of_the_bounds_are_refused() {
        //
        let ones = |bits: usize| {
            let mut bytes = vec![0xFF; bits.div_ceil(8)];
            bytes[0] >>= (8 - bits % 8) % 8;
            bytes
        };
        for bits in [0, 1, 512, 1024, 2047, 8193, 16384] {
            assert_eq!(check(&ones(bits.max(1)), &EXPONENT), Err(KeyError::RsaSize), "{bits}");
        }
        assert_eq!(check(&[], &EXPONENT), Err(KeyError::RsaSize));
        assert_eq!(check(&[vec![0], ones(2048)].concat(), &EXPONENT), Err(KeyError::RsaSize), "leading zero");
        for bits in [2048, 2049, 3072, 8192] {
            assert_eq!(check(&ones(bits), &EXPONENT), Ok(()), "{bits}");
        }
        for exponent in [&[][..], &[1], &[3], &[17], &[0, 1, 0, 1], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
            assert_eq!(check(&ones(2048), exponent), Err(KeyError::RsaExponent), "{exponent:?}");
        }
    }
}
