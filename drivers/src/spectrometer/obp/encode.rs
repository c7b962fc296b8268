//! Messages to bytes: questions for the agent, answers for a simulated device.

use heapless::Vec;

use super::{
    OVERHEAD_BYTES,
    kind::{Checksum, Failure, Flags, Kind},
    message::{CHECKSUM_BYTES, FOOTER, HEADER_BYTES, MAX_IMMEDIATE_BYTES, START, TAIL_BYTES, VERSION},
    request::Request,
};
use crate::spectrometer::md5;

/// Length of every question: their data fit the header.
pub const MAX_REQUEST_BYTES: usize = OVERHEAD_BYTES;

/// A message that does not fit the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message of {found} bytes, there is room for {most}")]
pub struct EncodeError {
    /// Bytes of the message.
    pub found: usize,
    /// What fits.
    pub most: usize,
}

/// Writes a question.
///
/// `acknowledge` asks for an answer where the device has no data to bring. `regarding` comes back in
/// the answer.
pub fn encode_request(
    request: Request,
    acknowledge: bool,
    regarding: u32,
    checksum: Checksum,
) -> Vec<u8, MAX_REQUEST_BYTES> {
    let flags = if acknowledge { Flags::WANTED } else { Flags::default() };
    // A question without payload always has the length of the buffer.
    message(request.kind(), flags, 0, regarding, checksum, &request.data()).unwrap_or_default()
}

/// Writes an answer into a buffer of `N` bytes; [`super::MAX_MESSAGE_BYTES`] holds every spectrum.
///
/// A failure brings no data and is marked as refused.
///
/// # Errors
///
/// Refuses data that do not fit.
pub fn encode_answer<const N: usize>(
    kind: Kind,
    regarding: u32,
    checksum: Checksum,
    data: Result<&[u8], Failure>,
) -> Result<Vec<u8, N>, EncodeError> {
    match data {
        Ok(data) => message(kind, Flags::RESPONSE.with(Flags::ACKNOWLEDGED), 0, regarding, checksum, data),
        Err(failure) => message(kind, Flags::RESPONSE.with(Flags::REFUSED), failure.code(), regarding, checksum, &[]),
    }
}

fn message<const N: usize>(
    kind: Kind,
    flags: Flags,
    error: u16,
    regarding: u32,
    checksum: Checksum,
    data: &[u8],
) -> Result<Vec<u8, N>, EncodeError> {
    let (immediate, payload): (&[u8], &[u8]) =
        if data.len() <= MAX_IMMEDIATE_BYTES { (data, &[]) } else { (&[], data) };
    let found = OVERHEAD_BYTES + payload.len();
    let too_long = EncodeError { found, most: N };
    let remaining = u32::try_from(payload.len() + TAIL_BYTES).map_err(|_| too_long)?;
    let mut header = [0; HEADER_BYTES];
    let mut put = |at: usize, bytes: &[u8]| {
        for (to, from) in header.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    };
    put(0, &START);
    put(2, &VERSION.to_le_bytes());
    put(4, &flags.0.to_le_bytes());
    put(6, &error.to_le_bytes());
    put(8, &kind.code().to_le_bytes());
    put(12, &regarding.to_le_bytes());
    put(22, &[u8::from(checksum == Checksum::Md5)]);
    put(23, &[u8::try_from(immediate.len()).map_err(|_| too_long)?]);
    put(24, immediate);
    put(40, &remaining.to_le_bytes());
    let mut out = Vec::new();
    out.extend_from_slice(&header).map_err(|_| too_long)?;
    out.extend_from_slice(payload).map_err(|_| too_long)?;
    let check = match checksum {
        Checksum::None => [0; CHECKSUM_BYTES],
        Checksum::Md5 => md5::digest(&out),
    };
    out.extend_from_slice(&check).map_err(|_| too_long)?;
    out.extend_from_slice(&FOOTER).map_err(|_| too_long)?;
    Ok(out)
}
