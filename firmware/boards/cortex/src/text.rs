//! Numbers as text for the log, without the 3 KiB of `core::fmt`.

/// Gives the decimal digits of a number to `out`.
pub fn number(value: u32, out: &mut impl FnMut(&[u8])) {
    let mut digits = [b'0'; 10];
    let mut rest = value;
    let mut first = digits.len();
    for digit in digits.iter_mut().rev() {
        if rest == 0 && first < 10 {
            break;
        }
        first -= 1;
        // A remainder by ten is one digit.
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    out(digits.get(first..).unwrap_or_default());
}

/// Gives bytes as hexadecimal digits to `out`.
pub fn hex(bytes: &[u8], out: &mut impl FnMut(&[u8])) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    for byte in bytes {
        out(&[digit(byte >> 4), digit(byte & 15)]);
    }
}
