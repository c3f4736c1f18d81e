//! Numbers as text. `write!` takes nearly twice as long, and returns errors that memory does not have.

/// Digits of the largest `u64`.
const MOST_DIGITS: usize = 20;

/// Writes a number.
pub(super) fn unsigned(number: impl Into<u64>, out: &mut Vec<u8>) {
    zero_padded::<1>(number, out);
}

/// Writes a number with its sign.
pub(super) fn signed(number: impl Into<i64>, out: &mut Vec<u8>) {
    let number = number.into();
    if number < 0 {
        out.push(b'-');
    }
    unsigned(number.unsigned_abs(), out);
}

/// Writes a number with at least so many digits.
pub(super) fn zero_padded<const DIGITS: usize>(number: impl Into<u64>, out: &mut Vec<u8>) {
    const { assert!(DIGITS <= MOST_DIGITS, "no number has so many digits") };
    let mut rest = number.into();
    let mut text = [b'0'; MOST_DIGITS];
    let mut start = MOST_DIGITS;
    while rest > 0 || start > MOST_DIGITS - DIGITS {
        start -= 1;
        text[start] += (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&text[start..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_the_standard_library_does(number: u64, sign: i32) {
            for number in [number, number >> 40, 0, 9, 10, u64::MAX] {
                prop_assert_eq!(text(|out| unsigned(number, out)), number.to_string());
                prop_assert_eq!(text(|out| zero_padded::<9>(number, out)), format!("{number:09}"));
            }
            for number in [sign, -(sign >> 20), 0, i32::MIN, i32::MAX] {
                prop_assert_eq!(text(|out| signed(number, out)), number.to_string());
            }
        }
    }
}
