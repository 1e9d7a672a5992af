//! Whether 32 bytes are a sound Ed25519 public key.
//!
//! aws-lc-rs takes any 32 bytes and finds out at the first signature. A key that is no point, or a point of small
//! order (for which one signature is good for many messages), is refused when it is loaded. Public data, once for a
//! key: neither constant time nor speed matter.

/// A number below 2^256 as its upper and lower half; the order of the tuple is the order of the numbers.
type Number = (u128, u128);

/// p = 2^255 - 19.
const P: Number = (u128::MAX >> 1, u128::MAX - 18);

/// The `y` of the points of order 8; the others of small order have 0 (order 4), 1 (order 1) and p - 1 (order 2).
const ORDER_8: [Number; 2] = [
    (0x05fc_536d_8802_38b1_3933_c6d3_05ac_dfd5, 0xf098_eff2_89f4_c345_b027_b2c2_8f95_e826),
    (0x7a03_ac92_77fd_c74e_c6cc_392c_fa53_202a, 0x0f67_100d_760b_3cba_4fd8_4d3d_706a_17c7),
];

/// Whether the bytes are the one canonical encoding of a point on the curve whose order is not small (RFC 8032 5.1.3).
pub(super) fn is_sound(key: [u8; 32]) -> bool {
    let whole = u256(key);
    let y = (whole.0 & P.0, whole.1);
    let small_order = [(0, 0), (0, 1), sub(P, (0, 1))].contains(&y) || ORDER_8.contains(&y);
    y < P && !small_order && is_on_curve(y)
}

/// Whether some x fits: x^2 = (y^2 - 1) / (d y^2 + 1) with d = -121665/121666, that is, whether the product of
/// y^2 - 1, 121666 - 121665 y^2 and 121666 is a square modulo p.
fn is_on_curve(y: Number) -> bool {
    let y2 = mul(y, y);
    let numerator = sub_mod(y2, (0, 1));
    let denominator = sub_mod((0, 121_666), mul(y2, (0, 121_665)));
    is_square(mul(mul(numerator, denominator), (0, 121_666)))
}

/// Little-endian bytes as a number.
fn u256(bytes: [u8; 32]) -> Number {
    bytes.iter().rev().fold((0, 0), |(high, low): Number, byte| (high << 8 | low >> 120, low << 8 | u128::from(*byte)))
}

/// a - b for a >= b.
fn sub(a: Number, b: Number) -> Number {
    let (low, borrow) = a.1.overflowing_sub(b.1);
    (a.0.wrapping_sub(b.0).wrapping_sub(u128::from(borrow)), low)
}

/// a + b modulo p, for both below p.
fn add_mod(a: Number, b: Number) -> Number {
    let (low, carry) = a.1.overflowing_add(b.1);
    let sum = (a.0.wrapping_add(b.0).wrapping_add(u128::from(carry)), low);
    if sum >= P { sub(sum, P) } else { sum }
}

fn sub_mod(a: Number, b: Number) -> Number {
    if a >= b { sub(a, b) } else { sub(P, sub(b, a)) }
}

fn half(a: Number) -> Number {
    (a.0 >> 1, a.1 >> 1 | a.0 << 127)
}

/// a * b modulo p, for both below p, by doubling and adding.
fn mul(mut a: Number, mut b: Number) -> Number {
    let mut product = (0, 0);
    while b != (0, 0) {
        if b.1 & 1 == 1 {
            product = add_mod(product, a);
        }
        a = add_mod(a, a);
        b = half(b);
    }
    product
}

/// Whether a number below p is a square modulo p (zero is one): its Jacobi symbol is not -1.
fn is_square(mut a: Number) -> bool {
    let mut n = P;
    let mut negative = false;
    while a != (0, 0) {
        while a.1 & 1 == 0 {
            a = half(a);
            negative ^= matches!(n.1 & 7, 3 | 5);
        }
        if a < n {
            (a, n) = (n, a);
            negative ^= a.1 & 3 == 3 && n.1 & 3 == 3;
        }
        a = sub(a, n);
    }
    !negative
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use proptest::prelude::*;

    use super::*;

    fn bytes(number: Number) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&number.1.to_le_bytes());
        bytes[16..].copy_from_slice(&number.0.to_le_bytes());
        bytes
    }

    #[test]
    fn keys_of_a_generator_are_sound() {
        for _ in 0..50 {
            let pair = Ed25519KeyPair::generate().unwrap();
            assert!(is_sound(pair.public_key().as_ref().try_into().unwrap()));
        }
    }

    #[test]
    fn points_of_small_order_are_refused_with_either_sign() {
        //
        for y in [(0, 0), (0, 1), sub(P, (0, 1)), ORDER_8[0], ORDER_8[1]] {
            assert!(is_on_curve(y), "{y:x?} is a point");
            for sign in [0, 0x80] {
                let mut key = bytes(y);
                key[31] |= sign;
                assert!(!is_sound(key), "{y:x?}");
            }
        }
        assert_eq!(add_mod(ORDER_8[0], ORDER_8[1]), (0, 0), "the two are each other's negative");
    }

    #[test]
    fn points_of_order_eight_double_to_a_point_of_order_four() {
        // Doubling gives y = 0, so x^2 = -y^2 there: -y^2 (d y^2 + 1) = y^2 - 1, cleared of the denominator of d.
        for y in ORDER_8 {
            let y2 = mul(y, y);
            let left = mul(sub_mod((0, 0), y2), sub_mod((0, 121_666), mul(y2, (0, 121_665))));
            let right = mul(sub_mod(y2, (0, 1)), (0, 121_666));
            assert_eq!(left, right);
        }
    }

    #[test]
    fn encodings_that_are_not_canonical_are_refused() {
        // y from p to 2^255 - 1
        for above in 0..19 {
            assert!(!is_sound(bytes((P.0, P.1 + above))), "p + {above}");
        }
    }

    fn below_p() -> impl Strategy<Value = Number> {
        (any::<u128>(), any::<u128>()).prop_map(|(high, low)| (high >> 1, low)).prop_filter("below p", |n| *n < P)
    }

    fn pow(base: Number, mut exponent: Number) -> Number {
        let (mut power, mut result) = (base, (0, 1));
        while exponent != (0, 0) {
            if exponent.1 & 1 == 1 {
                result = mul(result, power);
            }
            power = mul(power, power);
            exponent = half(exponent);
        }
        result
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_number_is_a_square_as_euler_says(a in below_p()) {
            let euler = pow(a, half(P));
            prop_assert_eq!(is_square(a), euler == (0, 1) || a == (0, 0));
            prop_assert!(is_square(mul(a, a)));
        }

        #[test]
        fn multiplication_is_distributive_and_commutes(a in below_p(), b in below_p(), c in below_p()) {
            prop_assert_eq!(mul(a, b), mul(b, a));
            prop_assert_eq!(mul(a, add_mod(b, c)), add_mod(mul(a, b), mul(a, c)));
            prop_assert_eq!(sub_mod(add_mod(a, b), b), a);
        }
    }
}
