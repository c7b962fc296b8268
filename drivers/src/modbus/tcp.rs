//! Frames on TCP: the MBAP header and a PDU, no CRC.
//!
//! ```text
//! transaction (2)  protocol (2) = 0  length (2) = 1 + PDU  unit (1)  function (1)  data
//! ```

use heapless::Vec;

use super::{FrameError, MAX_PDU_BYTES};

/// Length of the MBAP header in bytes.
pub const HEADER_BYTES: usize = 7;

/// Longest frame in bytes.
pub const MAX_ADU_BYTES: usize = HEADER_BYTES + MAX_PDU_BYTES;

/// A frame with a sound header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adu<'a> {
    /// Transaction id; the answer repeats that of the question.
    pub transaction: u16,
    /// Unit id.
    pub unit_id: u8,
    /// Function code and data.
    pub pdu: &'a [u8],
}

/// Splits the first frame off a stream: the frame and the bytes behind it, or `Ok(None)` while bytes
/// are missing.
///
/// # Errors
///
/// Refuses another protocol identifier and a length no frame can have. Neither leaves a way to find the
/// next frame: the connection is to be closed.
pub fn split(stream: &[u8]) -> Result<Option<(Adu<'_>, &[u8])>, FrameError> {
    let &[t0, t1, p0, p1, l0, l1, ref rest @ ..] = stream else {
        return Ok(None);
    };
    let protocol = u16::from_be_bytes([p0, p1]);
    if protocol != 0 {
        return Err(FrameError::Protocol(protocol));
    }
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if !(2..=MAX_PDU_BYTES + 1).contains(&length) {
        let expected = if length < 2 { 2 } else { MAX_PDU_BYTES + 1 };
        return Err(FrameError::Length { found: length, expected });
    }
    let Some((body, behind)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let Some((&unit_id, pdu)) = body.split_first() else {
        return Ok(None);
    };
    Ok(Some((Adu { transaction: u16::from_be_bytes([t0, t1]), unit_id, pdu }, behind)))
}

/// Puts the header before a PDU; `None` when the PDU is empty or too long.
pub fn build(transaction: u16, unit_id: u8, pdu: &[u8]) -> Option<Vec<u8, MAX_ADU_BYTES>> {
    if pdu.is_empty() || pdu.len() > MAX_PDU_BYTES {
        return None;
    }
    let mut frame = Vec::new();
    frame.extend_from_slice(&transaction.to_be_bytes()).ok()?;
    frame.extend_from_slice(&[0, 0]).ok()?;
    frame.extend_from_slice(&u16::try_from(pdu.len() + 1).ok()?.to_be_bytes()).ok()?;
    frame.push(unit_id).ok()?;
    frame.extend_from_slice(pdu).ok()?;
    Some(frame)
}
