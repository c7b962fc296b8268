//! Messages to bytes: questions for the agent, answers for a simulated instrument.

use heapless::Vec;

use super::{
    ACKNOWLEDGED, CHANNELS, CRC_BYTES, CRC_START, ESCAPE, ESCAPED_ESCAPE, ESCAPED_FRAME, FIXED_BYTES, FRAME,
    HEAD_BYTES, INTERFACE_BOARD, MODE, RADIOMETRICS, REFUSED, Radiometrics, crc_step,
};

/// Longest question as sent.
pub const MAX_REQUEST_BYTES: usize = 2 * (HEAD_BYTES + CRC_BYTES) + 2;

/// Writes a question, frame bytes included.
pub fn encode_request(component: u8, report: u8) -> Vec<u8, MAX_REQUEST_BYTES> {
    let [low, high] = length_bytes(0);
    let mut out = Vec::new();
    // Both frame bytes and seven bytes, each escaped at worst, are the room there is.
    let _ = put_frame(&mut out, [low, high, MODE, component, report, 0, 0]);
    out
}

/// Writes the answer to the question for radiometrics into a buffer of `N` bytes;
/// [`super::MAX_ESCAPED_BYTES`] and two hold every one. Channels missing in `spectrum` are sent as zero, those
/// beyond [`CHANNELS`] are left out.
///
/// `None` when it does not fit.
pub fn encode_radiometrics<const N: usize>(it: &Radiometrics, spectrum: &[u16]) -> Option<Vec<u8, N>> {
    let channels = spectrum.iter().copied().chain(core::iter::repeat(0)).take(CHANNELS).flat_map(u16::to_le_bytes);
    encode_answer(INTERFACE_BOARD, RADIOMETRICS, FIXED_BYTES + 2 * CHANNELS, it.to_bytes().chain(channels))
}

/// Writes an acknowledgement, or the refusal.
pub fn encode_acknowledgement(component: u8, done: bool) -> Vec<u8, MAX_REQUEST_BYTES> {
    let report = if done { ACKNOWLEDGED } else { REFUSED };
    encode_answer(component, report, 0, []).unwrap_or_default()
}

fn encode_answer<const N: usize>(
    component: u8,
    report: u8,
    payload_bytes: usize,
    payload: impl IntoIterator<Item = u8>,
) -> Option<Vec<u8, N>> {
    let [low, high] = length_bytes(payload_bytes);
    let mut crc = CRC_START;
    let mut message = [low, high, MODE, component, report].into_iter().chain(payload);
    let mut out = Vec::new();
    out.push(FRAME).ok()?;
    message.try_for_each(|byte| {
        crc = crc_step(crc, byte);
        put_escaped(&mut out, byte)
    })?;
    crc.to_le_bytes().into_iter().try_for_each(|byte| put_escaped(&mut out, byte))?;
    out.push(FRAME).ok()?;
    Some(out)
}

fn put_frame<const N: usize>(out: &mut Vec<u8, N>, bytes: impl IntoIterator<Item = u8>) -> Option<()> {
    out.push(FRAME).ok()?;
    bytes.into_iter().try_for_each(|byte| put_escaped(out, byte))?;
    out.push(FRAME).ok()
}

fn put_escaped<const N: usize>(out: &mut Vec<u8, N>, byte: u8) -> Option<()> {
    match byte {
        FRAME => out.extend_from_slice(&[ESCAPE, ESCAPED_FRAME]).ok(),
        ESCAPE => out.extend_from_slice(&[ESCAPE, ESCAPED_ESCAPE]).ok(),
        byte => out.push(byte).ok(),
    }
}

fn length_bytes(payload_bytes: usize) -> [u8; 2] {
    // The longest message has 8253 bytes.
    u16::try_from(HEAD_BYTES + payload_bytes + CRC_BYTES).unwrap_or(u16::MAX).to_le_bytes()
}
