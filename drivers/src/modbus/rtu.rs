//! Frames on a serial line: unit id, PDU, CRC.
//!
//! ```text
//! unit (1)  function (1)  data (0 … 252)  CRC low  CRC high
//! ```

use heapless::Vec;

use super::{FrameError, MAX_PDU_BYTES};

/// Longest frame in bytes.
pub const MAX_ADU_BYTES: usize = 256;

/// Shortest frame in bytes: unit id, function code, CRC.
pub const MIN_ADU_BYTES: usize = 4;

/// Highest unit id of a device; 0 addresses all, the rest is reserved.
pub const MAX_UNIT_ID: u8 = 247;

/// A frame whose CRC holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adu<'a> {
    /// Unit id.
    pub unit_id: u8,
    /// Function code and data.
    pub pdu: &'a [u8],
}

/// CRC-16/MODBUS: reflected polynomial A001, start value FFFF. Sent low byte first.
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 })
    })
}

/// Splits a whole frame.
///
/// # Errors
///
/// Refuses a frame whose length is impossible or whose CRC does not hold.
pub fn parse(frame: &[u8]) -> Result<Adu<'_>, FrameError> {
    let found = frame.len();
    if found > MAX_ADU_BYTES {
        return Err(FrameError::Length { found, expected: MAX_ADU_BYTES });
    }
    let short = FrameError::Length { found, expected: MIN_ADU_BYTES };
    let (body, &crc) = frame.split_last_chunk::<2>().ok_or(short)?;
    let (&unit_id, pdu) = body.split_first().ok_or(short)?;
    if pdu.is_empty() {
        return Err(short);
    }
    let (found, expected) = (u16::from_le_bytes(crc), crc16(body));
    if found == expected { Ok(Adu { unit_id, pdu }) } else { Err(FrameError::Crc { found, expected }) }
}

/// Puts unit id and CRC around a PDU; `None` when the PDU is empty or too long.
pub fn build(unit_id: u8, pdu: &[u8]) -> Option<Vec<u8, MAX_ADU_BYTES>> {
    if pdu.is_empty() || pdu.len() > MAX_PDU_BYTES {
        return None;
    }
    let mut frame = Vec::new();
    frame.push(unit_id).ok()?;
    frame.extend_from_slice(pdu).ok()?;
    let crc = crc16(&frame);
    frame.extend_from_slice(&crc.to_le_bytes()).ok()?;
    Some(frame)
}

/// The length a response will have, from its first three bytes; `None` while they are not all there or
/// when the function does not tell.
///
/// A client uses it to end a frame: the 1.5-character silence of the specification does not survive a
/// USB adapter.
pub fn response_length(head: &[u8]) -> Option<usize> {
    let &[_, function, third, ..] = head else {
        return None;
    };
    match function {
        0x80.. => Some(5),
        0x01..=0x04 | 0x17 => Some(5 + usize::from(third)),
        0x05 | 0x06 | 0x08 | 0x0F | 0x10 => Some(8),
        _ => None,
    }
}

/// The silences of a serial line, in microseconds: within a frame at most `t1_5`, between frames at
/// least `t3_5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// 1.5 characters.
    pub t1_5_us: u32,
    /// 3.5 characters.
    pub t3_5_us: u32,
}

/// Bits of a character on the line: start, eight data, parity or a second stop, stop.
const CHARACTER_BITS: u64 = 11;

/// Bit rate above which the specification fixes both silences.
const FIXED_ABOVE_BAUD: u32 = 19_200;

/// The silences at a bit rate, rounded up.
pub fn silence(baud: u32) -> Silence {
    if baud > FIXED_ABOVE_BAUD {
        return Silence { t1_5_us: 750, t3_5_us: 1750 };
    }
    let half_character_us = |halves: u64| {
        let us = (halves * CHARACTER_BITS * 500_000).div_ceil(u64::from(baud.max(1)));
        u32::try_from(us).unwrap_or(u32::MAX)
    };
    Silence { t1_5_us: half_character_us(3), t3_5_us: half_character_us(7) }
}
