//! How a value lies in registers.
//!
//! Register words in, exact decimals out, and back for the simulator. The address of a value and
//! what it means stand in a profile, not here.

mod float;

use crate::Decimal;

/// The four tables of the Modbus data model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// Coils, FC 01.
    Coil,
    /// Discrete inputs, FC 02.
    DiscreteInput,
    /// Holding registers, FC 03.
    Holding,
    /// Input registers, FC 04.
    Input,
}

/// Order of bytes of a 32-bit value in two registers, named as on the wire for `0xAABBCCDD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WordOrder {
    /// High word first, high byte first: the Modbus way.
    Abcd,
    /// Low word first.
    Cdab,
    /// High word first, bytes swapped.
    Badc,
    /// Low word first, bytes swapped.
    Dcba,
}

/// Type of a value and where its bytes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// One bit of one register, 0 = least significant.
    Bit(u8),
    /// Unsigned 16-bit.
    U16,
    /// Signed 16-bit.
    I16,
    /// Unsigned 32-bit.
    U32(WordOrder),
    /// Signed 32-bit.
    I32(WordOrder),
    /// Unsigned 64-bit, high word first.
    U64,
    /// IEEE 754 single.
    F32(WordOrder),
    /// Text of this many registers, high byte first, NUL padded.
    Ascii(u8),
    /// Bytes of this many registers that are no number: a checksum, told as hexadecimal digits.
    Hex(u8),
}

/// Most bytes of a text in registers: what one read can bring.
pub const MAX_ASCII_BYTES: usize = 250;

/// Why registers hold no number, or a number does not fit registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Another number of registers than the encoding has.
    #[error("{found} registers given, the encoding has {expected}")]
    Count {
        /// As given.
        found: usize,
        /// As the encoding needs.
        expected: usize,
    },
    /// A bit number above 15.
    #[error("bit {0} of a 16-bit register, the highest is 15")]
    Bit(u8),
    /// The floating-point value is not a number or infinite: how instruments say that they have none.
    #[error("floating-point register is not a finite number")]
    NotFinite,
    /// The value does not fit: a decimal of 63 bits when reading, the register when writing.
    #[error("value does not fit")]
    Range,
    /// The encoding is text where a number was asked for, or the text is not printable ASCII.
    #[error("registers hold text, or text that is not printable ascii")]
    Text,
}

impl Encoding {
    /// How many registers a value takes.
    pub const fn registers(self) -> u16 {
        match self {
            Self::Bit(_) | Self::U16 | Self::I16 => 1,
            Self::U32(_) | Self::I32(_) | Self::F32(_) => 2,
            Self::U64 => 4,
            Self::Ascii(count) | Self::Hex(count) => count as u16,
        }
    }
}

impl WordOrder {
    /// The four bytes in the order of the wire, brought into the order `ABCD`, or back.
    const fn arranged(self, [a, b, c, d]: [u8; 4]) -> [u8; 4] {
        match self {
            Self::Abcd => [a, b, c, d],
            Self::Cdab => [c, d, a, b],
            Self::Badc => [b, a, d, c],
            Self::Dcba => [d, c, b, a],
        }
    }
}

/// Reads a number: its register words, times `10^scale`, shown with `places` decimals.
///
/// An integer has the resolution its scale gives it: 384 tenths are `38.4`. A single-precision float
/// has none, so the shortest decimal that reads back as the same float is taken, as a display would,
/// and rounded half to even to `places`. With `places` an integer is shown so, too.
///
/// # Errors
///
/// Refuses what is not a finite number, or does not fit a [`Decimal`].
///
/// # Examples
///
/// ```
/// use tidewaiter_drivers::modbus::register::{Encoding, WordOrder, decode};
/// let shown = decode(&Encoding::F32(WordOrder::Abcd), &[0x4219, 0x999A], 0, Some(1)).unwrap();
/// assert_eq!(shown.to_string(), "38.4");
/// assert_eq!(decode(&Encoding::I16, &[0xFF38], -1, None).unwrap().to_string(), "-20.0");
/// ```
pub fn decode(encoding: &Encoding, registers: &[u16], scale: i8, places: Option<u8>) -> Result<Decimal, RegisterError> {
    let whole = match *encoding {
        Encoding::Bit(bit @ 0..=15) => i64::from(single(registers)? >> bit & 1),
        Encoding::Bit(bit) => return Err(RegisterError::Bit(bit)),
        Encoding::U16 => i64::from(single(registers)?),
        Encoding::I16 => i64::from(single(registers)?.cast_signed()),
        Encoding::U32(order) => i64::from(double(registers, order)?),
        Encoding::I32(order) => i64::from(double(registers, order)?.cast_signed()),
        Encoding::F32(order) => return float::decode(double(registers, order)?, scale, places),
        Encoding::U64 => i64::try_from(quad(registers)?).map_err(|_| RegisterError::Range)?,
        Encoding::Ascii(_) | Encoding::Hex(_) => return Err(RegisterError::Text),
    };
    let value = Decimal::whole(whole).scaled(scale).ok_or(RegisterError::Range)?;
    match places {
        Some(places) => float::rounded(value.digits().into(), -i32::from(value.places()), places),
        None => Ok(value),
    }
}

/// Writes a number into register words; the inverse of [`decode`].
///
/// A bit is written as a register with nothing but that bit.
///
/// # Errors
///
/// Refuses a value that is not a whole number of the register's unit, or does not fit it.
pub fn encode(encoding: &Encoding, value: Decimal, scale: i8) -> Result<heapless::Vec<u16, 4>, RegisterError> {
    let whole = || {
        let power = scale.checked_neg().ok_or(RegisterError::Range)?;
        let counted = value.scaled(power).and_then(|it| it.at_places(0)).ok_or(RegisterError::Range)?;
        Ok(counted.digits())
    };
    let range = |_| RegisterError::Range;
    let mut registers = heapless::Vec::new();
    // Neither push nor extension can fail: there is room for the four words there are at most.
    match *encoding {
        Encoding::Bit(bit @ 0..=15) => {
            let set = u16::try_from(whole()?).ok().filter(|&it| it <= 1).ok_or(RegisterError::Range)?;
            let _ = registers.push(set << bit);
        }
        Encoding::Bit(bit) => return Err(RegisterError::Bit(bit)),
        Encoding::U16 => {
            let _ = registers.push(u16::try_from(whole()?).map_err(range)?);
        }
        Encoding::I16 => {
            let _ = registers.push(i16::try_from(whole()?).map_err(range)?.cast_unsigned());
        }
        Encoding::U32(order) => {
            registers.extend(words(u32::try_from(whole()?).map_err(range)?, order));
        }
        Encoding::I32(order) => {
            registers.extend(words(i32::try_from(whole()?).map_err(range)?.cast_unsigned(), order));
        }
        Encoding::F32(order) => registers.extend(words(float::encode(value, scale)?, order)),
        Encoding::U64 => {
            let value = u64::try_from(whole()?).map_err(range)?;
            registers.extend([48, 32, 16, 0].map(|shift| (value >> shift & 0xFFFF) as u16));
        }
        Encoding::Ascii(_) | Encoding::Hex(_) => return Err(RegisterError::Text),
    }
    Ok(registers)
}

/// Reads a text: two characters per register, high byte first, ended by NUL, trailing spaces dropped.
///
/// # Errors
///
/// Refuses anything but printable ASCII, and more registers than one read can bring.
pub fn ascii(registers: &[u16]) -> Result<heapless::String<MAX_ASCII_BYTES>, RegisterError> {
    if registers.len() > usize::from(super::MAX_READ_REGISTERS) {
        return Err(RegisterError::Range);
    }
    let mut text = heapless::String::new();
    let bytes = registers.iter().flat_map(|word| word.to_be_bytes()).take_while(|&byte| byte != 0);
    for byte in bytes {
        if !(b' '..=b'~').contains(&byte) {
            return Err(RegisterError::Text);
        }
        text.push(char::from(byte)).map_err(|_| RegisterError::Range)?;
    }
    let length = text.trim_end_matches(' ').len();
    text.truncate(length);
    Ok(text)
}

/// Writes a text into `count` registers, padded with NUL; the inverse of [`ascii`].
///
/// # Errors
///
/// Refuses anything but printable ASCII, and a text that does not fit.
pub fn encode_ascii(text: &str, count: u8) -> Result<super::pdu::Registers, RegisterError> {
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(RegisterError::Text);
    }
    if text.len() > usize::from(count) * 2 || u16::from(count) > super::MAX_READ_REGISTERS {
        return Err(RegisterError::Range);
    }
    let byte = |at: usize| text.as_bytes().get(at).copied().unwrap_or(0);
    Ok((0..usize::from(count)).map(|at| u16::from_be_bytes([byte(2 * at), byte(2 * at + 1)])).collect())
}

fn single(registers: &[u16]) -> Result<u16, RegisterError> {
    let &[word] = registers else {
        return Err(RegisterError::Count { found: registers.len(), expected: 1 });
    };
    Ok(word)
}

fn double(registers: &[u16], order: WordOrder) -> Result<u32, RegisterError> {
    let &[first, second] = registers else {
        return Err(RegisterError::Count { found: registers.len(), expected: 2 });
    };
    let ([a, b], [c, d]) = (first.to_be_bytes(), second.to_be_bytes());
    Ok(u32::from_be_bytes(order.arranged([a, b, c, d])))
}

fn quad(registers: &[u16]) -> Result<u64, RegisterError> {
    let &[a, b, c, d] = registers else {
        return Err(RegisterError::Count { found: registers.len(), expected: 4 });
    };
    Ok([a, b, c, d].into_iter().fold(0, |value, word| value << 16 | u64::from(word)))
}

fn words(value: u32, order: WordOrder) -> [u16; 2] {
    let [a, b, c, d] = order.arranged(value.to_be_bytes());
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}
