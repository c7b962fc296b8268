//! Reading tables: the question and what a fitting answer holds.

use heapless::Vec;

use super::{FrameError, MAX_READ_BITS, MAX_READ_REGISTERS, register::Table};

/// Registers of one answer.
pub type Registers = Vec<u16, { MAX_READ_REGISTERS as usize }>;

/// Set in the function code of an exception answer.
const EXCEPTION_FLAG: u8 = 0x80;

impl Table {
    /// The function code that reads this table.
    pub const fn read_function(self) -> u8 {
        match self {
            Self::Coil => 0x01,
            Self::DiscreteInput => 0x02,
            Self::Holding => 0x03,
            Self::Input => 0x04,
        }
    }

    /// Whether its cells are single bits.
    pub const fn is_bits(self) -> bool {
        matches!(self, Self::Coil | Self::DiscreteInput)
    }

    /// Most cells one question may ask for.
    pub const fn most_at_once(self) -> u16 {
        if self.is_bits() { MAX_READ_BITS } else { MAX_READ_REGISTERS }
    }
}

/// The PDU that asks for `count` cells of a table from the 0-based `address` on.
///
/// # Errors
///
/// Refuses a count of zero or beyond the limit of the function, and a range beyond address 65535.
pub fn read_request(table: Table, address: u16, count: u16) -> Result<[u8; 5], FrameError> {
    let most = table.most_at_once();
    let to_the_end = u32::from(u16::MAX) - u32::from(address) + 1;
    let most = u16::try_from(to_the_end).map_or(most, |it| it.min(most));
    if !(1..=most).contains(&count) {
        return Err(FrameError::Quantity { found: count, most });
    }
    let ([a0, a1], [c0, c1]) = (address.to_be_bytes(), count.to_be_bytes());
    Ok([table.read_function(), a0, a1, c0, c1])
}

/// The registers of an answer to a question for `count` of them.
///
/// # Errors
///
/// Says which exception the server answered with, or in what the answer does not fit the question.
pub fn registers(pdu: &[u8], table: Table, count: u16) -> Result<Registers, FrameError> {
    let data = data(pdu, table, usize::from(count) * 2)?;
    Ok(data.chunks_exact(2).filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?))).collect())
}

/// One cell of an answer to a question for `count` coils or discrete inputs, counted from the first
/// asked for.
///
/// # Errors
///
/// As [`registers`]; also when `at` was not asked for.
pub fn bit(pdu: &[u8], table: Table, count: u16, at: u16) -> Result<bool, FrameError> {
    let data = data(pdu, table, usize::from(count).div_ceil(8))?;
    let byte = data.get(usize::from(at / 8)).filter(|_| at < count);
    byte.map(|byte| byte >> (at % 8) & 1 == 1).ok_or(FrameError::Quantity { found: at, most: count })
}

fn data(pdu: &[u8], table: Table, expected_bytes: usize) -> Result<&[u8], FrameError> {
    let expected = table.read_function();
    match pdu {
        [function, code] if *function == expected | EXCEPTION_FLAG => Err(FrameError::Exception(*code)),
        [function, ..] if *function != expected => Err(FrameError::Function { found: *function, expected }),
        [_, byte_count, data @ ..] => {
            let found = usize::from(*byte_count);
            if found != expected_bytes {
                Err(FrameError::ByteCount { found, expected: expected_bytes })
            } else if data.len() != expected_bytes {
                Err(FrameError::Length { found: pdu.len(), expected: expected_bytes + 2 })
            } else {
                Ok(data)
            }
        }
        _ => Err(FrameError::Length { found: pdu.len(), expected: expected_bytes + 2 }),
    }
}
